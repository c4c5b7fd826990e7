"""Photos as arrays."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

from ..errors import BadInput

EXTENSIONS = frozenset(".jpg .jpeg .png .webp .tif .tiff .bmp".split())


def read_image(path: Path) -> np.ndarray:
    """uint8 [h, w, 3], upright. Raises `BadInput` naming the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                upright = ImageOps.exif_transpose(image)
                if upright.mode.startswith("I"):  # 16 bits of grey
                    grey = np.asarray(upright).astype(np.int64) >> 8
                    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)
                return np.array(upright.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning) as error:
        raise BadInput(f"{path} cannot be read as an image: {error}") from error


def image_files(folder: Path) -> list[Path]:
    """The images of a folder by name, without those of its subfolders and without hidden files (macOS keeps a `._NAME`
    beside each NAME on disks of other systems). Raises `BadInput`."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder.")
    return sorted(path for path in visible_files(folder) if path.suffix.lower() in EXTENSIONS)


def visible_files(folder: Path) -> list[Path]:
    """Regular files (or links to such): a named pipe would be waited for. Hidden ones are left out."""
    return [path for path in folder.iterdir() if not path.name.startswith(".") and path.is_file()]


def planes(rgb: np.ndarray) -> Tensor:
    """uint8 [h, w, 3] to float [3, h, w] in [0, 1]."""
    return torch.from_numpy(rgb).permute(2, 0, 1).float() / 255


def resized(x: Tensor, height: int, width: int) -> Tensor:
    """[c, h, w] to [c, height, width], bilinear with antialiasing on floats, as the network's input is made."""
    return F.interpolate(x[None], size=(height, width), mode="bilinear", align_corners=False, antialias=True)[0]
