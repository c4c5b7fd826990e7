"""Random views of an image: where its pixels go, and what happens to their colours."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .geometry import scaling, translation, warped, whole_image

_GREY = (0.299, 0.587, 0.114)  # Rec. 601


@dataclass(frozen=True)
class Augmentation:
    """How far views may stray. All zero (and `crop` 1): the identity."""

    crop: float = 0.5
    """Smallest part of the image's area that a crop shows."""
    aspect: float = 0.15
    """Largest stretch of a crop, as the logarithm of the ratio of its sides to the image's."""
    flip: float = 0.5
    """Probability of left and right changing sides."""
    rotation: float = 8.0
    """Degrees."""
    shear: float = 0.05
    brightness: float = 0.3
    contrast: float = 0.3
    saturation: float = 0.3
    hue: float = 0.05
    """In turns."""
    grey: float = 0.1
    """Probability."""
    blur: float = 0.2
    """Probability of a Gaussian blur of 0.3 to 1.5 pixels."""


IDENTITY = Augmentation(1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Colours:
    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0
    grey: bool = False
    blur: float = 0.0


@dataclass(frozen=True)
class View:
    """One view: `matrix` maps the image's pixels to the square's (3 x 3, continuous coordinates)."""

    matrix: np.ndarray
    side: int
    colours: Colours = field(default_factory=Colours)

    def pixels(self, rgb: Tensor) -> Tensor:
        """RGB [3, h, w] in [0, 1] to [3, side, side]."""
        return recoloured(warped(rgb, self.matrix, self.side, "border"), self.colours)

    def masks(self, masks: np.ndarray, side: int) -> Tensor:
        """bool [n, h, w] to bool [n, side, side]: pixels that are covered by more than half. The side may differ from
        the view's, as that of the low-resolution masks does."""
        matrix = scaling(side / self.side, side / self.side) @ self.matrix
        if len(masks) == 0:
            return torch.zeros(0, side, side, dtype=torch.bool)
        if side == self.side:
            matrix = self.matrix
        elif np.array_equal(self.matrix, whole_image(*masks.shape[1:], self.side)):
            matrix = whole_image(*masks.shape[1:], side)
        return warped(torch.from_numpy(masks).float(), matrix, side, "zeros") > 0.5

    def to(self, other: "View") -> np.ndarray:
        """The map from this view's pixels to another's of the same image; exactly the identity for the same map."""
        if np.array_equal(self.matrix, other.matrix):
            return np.eye(3)
        return other.matrix @ np.linalg.inv(self.matrix)


def identity_view(height: int, width: int, side: int) -> View:
    return View(whole_image(height, width, side), side)


def random_view(height: int, width: int, side: int, how: Augmentation, random: np.random.Generator) -> View:
    """A crop that lies inside the image, turned and sheared a little about its centre, perhaps mirrored."""
    stretch = np.exp(random.uniform(-how.aspect, how.aspect) / 2)
    share = np.sqrt(random.uniform(min(how.crop, 1.0), 1.0))
    crop_width, crop_height = width * min(1.0, share * stretch), height * min(1.0, share / stretch)
    left, top = random.uniform(0, width - crop_width), random.uniform(0, height - crop_height)
    angle = np.deg2rad(random.uniform(-how.rotation, how.rotation))
    shear = random.uniform(-how.shear, how.shear)
    mirrored = random.uniform() < how.flip
    colours = random_colours(how, random)
    if (left, top, angle, shear, crop_width, crop_height) == (0, 0, 0, 0, width, height):
        matrix = whole_image(height, width, side)
    else:
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        slant = np.array([[1, shear, 0], [0, 1, 0], [0, 0, 1.0]])
        centre = (left + crop_width / 2, top + crop_height / 2)
        matrix = (
            translation(side / 2, side / 2)
            @ scaling(side / crop_width, side / crop_height)
            @ slant @ turn @ translation(-centre[0], -centre[1])
        )  # fmt: skip
    if mirrored:
        matrix = translation(side, 0) @ scaling(-1, 1) @ matrix
    return View(matrix, side, colours)


def random_colours(how: Augmentation, random: np.random.Generator) -> Colours:
    return Colours(
        brightness=1 + random.uniform(-how.brightness, how.brightness),
        contrast=1 + random.uniform(-how.contrast, how.contrast),
        saturation=1 + random.uniform(-how.saturation, how.saturation),
        hue=random.uniform(-how.hue, how.hue),
        grey=bool(random.uniform() < how.grey),
        blur=random.uniform(0.3, 1.5) if random.uniform() < how.blur else 0.0,
    )


def recoloured(rgb: Tensor, colours: Colours) -> Tensor:
    """RGB [3, h, w] in [0, 1] with its colours changed; the very same values where nothing is to change."""
    if colours == Colours():
        return rgb
    weights = torch.tensor(_GREY).reshape(3, 1, 1)
    x = rgb * colours.brightness
    x = (x - x.mean()) * colours.contrast + x.mean()
    grey = (x * weights).sum(0, keepdim=True)
    x = grey + (x - grey) * (0.0 if colours.grey else colours.saturation)
    if colours.hue and not colours.grey:
        x = torch.einsum("ij,jhw->ihw", _hue_rotation(colours.hue), x)
    x = x.clamp(0, 1)
    return blurred(x, colours.blur) if colours.blur else x


def _hue_rotation(turns: float) -> Tensor:
    """Rotation of RGB about the grey axis (Rodrigues' formula)."""
    angle = 2 * np.pi * turns
    axis = np.full(3, 1 / np.sqrt(3))
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    rotation = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(axis, axis)
    return torch.from_numpy(rotation).float()


def blurred(x: Tensor, sigma: float) -> Tensor:
    """[c, h, w] under a Gaussian, borders mirrored."""
    radius = int(np.ceil(3 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).reshape(1, 1, 1, -1)
    padded = F.pad(x[:, None], (radius, radius, radius, radius), mode="reflect")
    return F.conv2d(F.conv2d(padded, taps), taps.transpose(2, 3))[:, 0]
