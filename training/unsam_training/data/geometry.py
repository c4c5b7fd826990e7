"""Where a pixel goes.

Coordinates are continuous: (0, 0) is the top-left corner of an image, pixel (i, j) covers [j, j + 1] x [i, i + 1] and has
its centre at (j + 0.5, i + 0.5), x first. Maps are 3 x 3 matrices in float64 that act on (x, y, 1).
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .images import resized


def scaling(x: float, y: float) -> np.ndarray:
    return np.diag([x, y, 1.0])


def translation(x: float, y: float) -> np.ndarray:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def whole_image(height: int, width: int, side: int) -> np.ndarray:
    """The map of the whole image onto a square; aspect ratio not kept, as the network has it."""
    return scaling(side / width, side / height)


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Points [..., 2] under a map."""
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def warped(x: Tensor, matrix: np.ndarray, side: int, padding: str) -> Tensor:
    """Planes [c, h, w] under a map, [c, side, side]. Where the map makes smaller, values are averaged (antialiasing);
    the map of the whole image is exactly the network's resizing. `padding` is grid_sample's for what lies outside."""
    height, width = x.shape[1:]
    if np.array_equal(matrix, whole_image(height, width, side)):
        return resized(x, side, side)
    # First an antialiased resize where it gets smaller, then bilinear samples.
    rows = max(1, round(height * min(1.0, float(np.hypot(matrix[0, 1], matrix[1, 1])))))
    columns = max(1, round(width * min(1.0, float(np.hypot(matrix[0, 0], matrix[1, 0])))))
    if (rows, columns) != (height, width):
        x = resized(x, rows, columns)
    back = scaling(columns / width, rows / height) @ np.linalg.inv(matrix)
    return sampled(x[None], torch.from_numpy(back)[None], side, padding)[0]


def sampled(x: Tensor, back: Tensor, side: int, padding: str = "zeros") -> Tensor:
    """Maps [n, c, h, w] at where `back` [n, 3, 3] sends the centres of a square's pixels, bilinear, [n, c, side, side]."""
    centres = torch.arange(side, device=x.device, dtype=torch.float64) + 0.5
    v, u = torch.meshgrid(centres, centres, indexing="ij")
    targets = torch.stack([u, v, torch.ones_like(u)], dim=-1).reshape(-1, 3)
    places = (targets @ back.to(x.device, torch.float64).transpose(1, 2))[..., :2]
    size = torch.tensor([x.shape[3], x.shape[2]], device=x.device, dtype=torch.float64)
    grid = (places / size * 2 - 1).to(x.dtype).reshape(x.shape[0], side, side, 2)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode=padding, align_corners=False)
