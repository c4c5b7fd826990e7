"""Label files: per image the masks that pseudo-labelling found, with their granularity."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from ..errors import BadInput
from .images import image_files, visible_files
from .rle import RunLengths


@dataclass(frozen=True)
class Annotation:
    region: RunLengths
    granularity: float
    area: int
    instance: int
    is_part: bool


@dataclass(frozen=True)
class LabelledImage:
    path: Path
    width: int
    height: int
    annotations: tuple[Annotation, ...]


def labelled_images(images: Path, labels: Path) -> list[LabelledImage]:
    """Every label file with masks whose image is in `images`, by name. Raises `BadInput` where there is none."""
    files = {path.name: path for path in image_files(images)}
    if not labels.is_dir():
        raise BadInput(f"{labels} is no folder.")
    found = []
    for path in sorted(path for path in visible_files(labels) if path.suffix == ".json"):
        read = read_labels(path)
        if read is None:
            continue
        name, width, height, annotations = read
        if name in files and annotations:
            found.append(LabelledImage(files[name], width, height, annotations))
    if not found:
        raise BadInput(f"No label file in {labels} has masks of an image in {images} ({len(files)} images there).")
    return found


def held_out(images: Sequence[LabelledImage], share: float) -> tuple[list[LabelledImage], list[LabelledImage]]:
    """Images to train on, and a share of them, rounded down, to measure on. An image's place is that of the SHA-256 of its name,
    so most stay where they are when a folder grows."""
    count = int(share * len(images))
    ranked = sorted(images, key=lambda image: hashlib.sha256(image.path.name.encode()).digest())
    apart = {image.path for image in ranked[:count]}
    return [i for i in images if i.path not in apart], [i for i in images if i.path in apart]


def read_labels(path: Path) -> tuple[str, int, int, tuple[Annotation, ...]] | None:
    """File name, width and height of the image, and its masks; None for JSON that is no label file (a report beside
    them, say). Raises `BadInput` for a label file with something wrong in it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict) or "image" not in content or "annotations" not in content:
        return None
    try:
        image = content["image"]
        size = [int(image["height"]), int(image["width"])]
        annotations = []
        for entry in content["annotations"]:
            granularity = float(entry["granularity"])
            if entry["segmentation"]["size"] != size or not 0 <= granularity <= 1:
                raise BadInput(
                    f"{path}: annotation {entry.get('id')} has size {entry['segmentation']['size']} and granularity "
                    f"{granularity}; the image is {size}, granularity lies in [0, 1]."
                )
            annotations.append(
                Annotation(
                    region=RunLengths(entry["segmentation"]),
                    granularity=granularity,
                    area=int(entry["area"]),
                    instance=int(entry.get("instance_id", entry.get("id", 0))),
                    is_part=bool(entry.get("is_part", False)),
                )
            )
        # A name of another folder must not lead out of this one.
        return Path(str(image["file_name"])).name, size[1], size[0], tuple(annotations)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path} is no label file: {type(error).__name__}: {error}") from error
