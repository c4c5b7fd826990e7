"""
Writes ATTRIBUTION.md: every photo the weights were trained on, with its licence and, where asked for, its author.

    python3 packages/model-nano/scripts/make-attribution.py PHOTOS/index.csv packages/model-nano/ATTRIBUTION.md
"""

import csv
import sys
from collections import Counter
from pathlib import Path

table, out = map(Path, sys.argv[1:])
with open(table, newline="", encoding="utf-8") as file:
    rows = sorted((row for row in csv.DictReader(file) if row["shippable"] == "yes"), key=lambda row: row["file"])
by_licence = Counter((row["source"], row["licence"]) for row in rows)
attributed = [row for row in rows if row["licence"].startswith("CC BY")]

lines = [
    "# Photos behind the nano model",
    "",
    f"The weights were trained on {len(rows)} openly licensed images and on synthetic scenes with textures cut from them.",
    "All were resized to at most 512 pixels, cropped, and changed in colour and light while training. Made from the image",
    "collection's index by `scripts/make-attribution.py`.",
    "",
    "| source | licence | images |",
    "|---|---|---|",
    *(f"| {source} | {licence} | {count} |" for (source, licence), count in sorted(by_licence.items())),
    "",
    f"## Attribution of the {len(attributed)} CC BY images",
    "",
    "| image | author | licence | page |",
    "|---|---|---|---|",
]
for row in attributed:
    author = row["attribution"].replace("|", "\\|").replace("\n", " ")
    lines.append(f"| {row['file']} | {author} | {row['licence']} | {row['url']} |")
out.write_text("\n".join(lines) + "\n", encoding="utf-8")
