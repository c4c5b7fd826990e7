"""Prompts drawn from masks, as a user would give them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..modules.prompt_encoder import BOX_TOP_LEFT, FOREGROUND, box_points


class DrawnPrompt(NamedTuple):
    """A click (one point) or a box (its corners). Coordinates [points, 2] are those of the prompt encoder: pixels of the S
    frame with the centre of the first at 0."""

    coords: np.ndarray
    labels: np.ndarray


def inner_pixels(mask: np.ndarray, margin: int = 1) -> np.ndarray:
    """[n, 2] rows and columns of pixels of a mask that are at least `margin` from its border, all of them where none
    are. People click inside."""
    x = torch.from_numpy(mask).float()[None, None]
    inner = -F.max_pool2d(F.pad(-x, (margin,) * 4, value=0.0), 2 * margin + 1, stride=1)
    inside = inner[0, 0].numpy() > 0.5
    return np.argwhere(inside if inside.any() else mask)


def draw_click(mask: np.ndarray, random: np.random.Generator, margin: int = 1) -> np.ndarray:
    """A pixel of the mask: its row and column."""
    pixels = inner_pixels(mask, margin)
    return pixels[random.integers(len(pixels))]


def click_prompt(pixel: np.ndarray, stride: float) -> DrawnPrompt:
    """A foreground click at a pixel (row, column) of a mask whose pixels are `stride` pixels of the S frame wide."""
    coords = prompt_coordinates((pixel[::-1] + 0.5) * stride)
    return DrawnPrompt(coords[None].astype(np.float32), np.array([FOREGROUND]))


def box_prompt(mask: np.ndarray, stride: float, random: np.random.Generator, noise: float = 0.1) -> DrawnPrompt:
    """The mask's box, each side moved by up to `noise` of the box's own extent (SAM, section A)."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    low = np.array([columns[0], rows[0]], float)
    high = np.array([columns[-1] + 1, rows[-1] + 1], float)
    shift = random.uniform(-noise, noise, (2, 2)) * (high - low)
    corners = np.clip(np.stack([low, high]) + shift, 0, [mask.shape[1], mask.shape[0]])
    coords, labels = box_points(torch.from_numpy(prompt_coordinates(corners * stride)).reshape(1, 4))
    return DrawnPrompt(coords[0].float().numpy(), labels[0].numpy())


def prompt_coordinates(continuous: np.ndarray) -> np.ndarray:
    """From continuous coordinates to the prompt encoder's, which adds half a pixel itself."""
    return continuous - 0.5


def moved_prompts(coords: Tensor, labels: Tensor, matrix: Tensor) -> Tensor:
    """Prompts [n, points, 2] of one view in another, by maps [n, 3, 3] of continuous coordinates. A box becomes the box
    around its four corners."""
    matrix = matrix.to(coords.dtype)

    def move(points: Tensor) -> Tensor:
        return (points + 0.5) @ matrix[:, :2, :2].transpose(1, 2) + matrix[:, None, :2, 2] - 0.5

    moved = move(coords)
    is_box = labels[:, :1, None] == BOX_TOP_LEFT
    if not bool(is_box.any()):
        return moved
    first, last = coords[:, 0], coords[:, 1]
    others = torch.stack(
        [torch.stack([first[:, 0], last[:, 1]], -1), torch.stack([last[:, 0], first[:, 1]], -1)], dim=1
    )
    corners = torch.cat([moved[:, :2], move(others)], dim=1)
    around = torch.stack([corners.amin(1), corners.amax(1)], dim=1)
    return torch.where(is_box, torch.cat([around, moved[:, 2:]], dim=1), moved)


def correction_click(
    logits: Tensor, target: Tensor, stride: float, from_truth: bool = False
) -> tuple[Tensor, Tensor]:
    """A click where an answer is wrong (SAM, section A): logits [n, 1, h, w] and targets bool [n, h, w] to coordinates
    [n, 1, 2] and labels [n, 1]. Drawn evenly from all wrong pixels by torch's random numbers; where nothing is wrong, and
    `from_truth`, from the target."""
    wrong = (logits[:, 0] > 0) != target
    none = ~wrong.flatten(1).any(1)
    chances = torch.where(none[:, None] | from_truth, target.flatten(1), wrong.flatten(1)).float()
    # An empty target that is answered rightly: any pixel, as background.
    chances = torch.where(chances.any(1, keepdim=True), chances, torch.ones_like(chances))
    index = torch.multinomial(chances, 1)
    width = target.shape[2]
    row, column = torch.div(index, width, rounding_mode="floor"), index % width
    coords = torch.stack([column, row], dim=-1).float()
    return (coords + 0.5) * stride - 0.5, target.flatten(1).gather(1, index).long()
