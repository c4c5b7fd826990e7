"""What a person looks at while a run goes on: `curves.png`, `previews/`, and `report.html`, which needs no other file."""

from __future__ import annotations

import base64
import html
import io
import json
from pathlib import Path
from typing import Any, Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..whole_file import whole_file, write_text
from .curves import draw_curves
from .logs import read_log

_PREVIEWS = "previews"
_SHOWN = 8


def save_previews(out: Path, step: int, pictures: Sequence[tuple[str, np.ndarray]]) -> None:
    """All pictures of a step in one PNG, one below the other, each under its title."""
    if not pictures:
        return
    font = ImageFont.load_default()
    width = max(picture.shape[1] for _, picture in pictures)
    sheet = Image.new("RGB", (width, sum(picture.shape[0] + 16 for _, picture in pictures)), "white")
    draw, top = ImageDraw.Draw(sheet), 0
    for title, picture in pictures:
        draw.text((2, top + 3), title, fill="black", font=font)
        sheet.paste(Image.fromarray(picture), (0, top + 16))
        top += picture.shape[0] + 16
    with whole_file(out / _PREVIEWS / f"step-{step:07d}.png") as file:
        sheet.save(file, "PNG")


def draw_report(out: Path, log: Path, identity: Mapping[str, Any], step: int) -> None:
    curves = draw_curves(read_log(log) if log.exists() else [])
    with whole_file(out / "curves.png") as file:
        curves.save(file, "PNG")
    previews = sorted((out / _PREVIEWS).glob("step-*.png"))
    # The first, the last, and some between.
    shown = (
        previews
        if len(previews) <= _SHOWN
        else [previews[i * (len(previews) - 1) // (_SHOWN - 1)] for i in range(_SHOWN)]
    )
    options = json.dumps(identity, indent=2)
    pictures = "\n".join(
        f"<figure><figcaption>step {int(path.stem.split('-')[1])}</figcaption>{_inline(path.read_bytes())}</figure>"
        for path in shown
    )
    write_text(
        out / "report.html",
        f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(str(identity["recipe"]))}: training</title>
<style>body{{font:14px system-ui,sans-serif;margin:24px;color:#202020}}figure{{display:inline-block;margin:0 16px 16px 0}}
img{{max-width:100%}}pre{{background:#f6f6f6;padding:12px;overflow:auto}}</style>
<h1>Recipe {html.escape(str(identity["recipe"]))}, step {step} of {identity["settings"]["steps"]}</h1>
{_inline(_png(curves))}
<h2>Fixed inputs as training goes</h2>
{pictures}
<h2>Options</h2><pre>{html.escape(options)}</pre></html>
""",
    )


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _inline(png: bytes) -> str:
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
