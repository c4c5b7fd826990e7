"""Samples of training: prompts on views of labelled images, each with the mask and granularity that belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Sequence

import numpy as np
import torch
from torch import Tensor

from ..errors import BadInput
from ..seeding import generator
from .augment import Augmentation, View, identity_view, random_view
from .images import planes, read_image
from .labels import Annotation, LabelledImage
from .prompts import DrawnPrompt, box_prompt, click_prompt, draw_click

FRESH = -1
_TRIES = 24
# First word of a random stream's key, so that the streams do not meet.
_ORDER, _VIEW, _KIND, _SAMPLE = 1, 2, 3, 4


class Sight(NamedTuple):
    """A view of an image that may be seen again: number 0 is the identity."""

    image: int
    number: int


class Batch(NamedTuple):
    """Samples of one step. Prompts are grouped by image, equally many each."""

    first: list[Sight]
    """The view of each image that prompts and masks are of."""
    second: list[Sight]
    """Another view of the same images."""
    between: Tensor
    """[images, 3, 3] float64: the maps from the first to the second view's pixels."""
    images: Tensor
    """[prompts]: number of each prompt's image within the batch."""
    coords: Tensor
    labels: Tensor
    granularity: Tensor
    masks: Tensor
    """bool [prompts, t, t]."""
    weight: Tensor
    """[prompts]: 1, or 0 where an image's view shows no mask and the prompt only fills up."""


@dataclass(frozen=True)
class Sampling:
    side: int
    """Side S of the network's input."""
    target_side: int
    """Side of the target masks: S / 4 for low-resolution logits, S for full resolution."""
    batch_size: int
    prompts_per_image: int
    views: int = 4
    """Augmented views per image that come back again and again, so that frozen features can be kept; 0: only the
    identity, `FRESH`: new ones every time."""
    box_probability: float = 0.25
    """Of a step whose prompts are boxes."""
    chain_probability: float = 0.5
    """Of a click being asked at every granularity at which a mask holds it."""
    augmentation: Augmentation = Augmentation()
    smallest: int = 4
    """Fewest pixels of a target mask, counted at S / 4."""


class LabelledViews:
    """The source of batches. Sample `index` of step `step` depends on nothing but (seed, step, index)."""

    def __init__(
        self, images: Sequence[LabelledImage], how: Sampling, seed: int, trained: int | None = None
    ) -> None:
        """`trained`: only so many of the first images give samples; the others can be looked at (default: all)."""
        self.images, self.how, self.seed = images, how, seed
        self._count = len(images) if trained is None else trained
        self.batch_size = how.batch_size
        self._shuffled: tuple[int, np.ndarray] = (-1, np.empty(0, int))

    def sample(self, step: int, index: int) -> dict[str, Any]:
        number = step * self.how.batch_size + index
        epoch, place = divmod(number, self._count)
        image = int(self._order(epoch)[place])
        random = generator(self.seed, _SAMPLE, step, index)
        boxes = generator(self.seed, _KIND, step).uniform() < self.how.box_probability
        first, second = (Sight(image, view) for view in self._draw_views(number, random))
        view = self.view(first)
        drawn = self._prompts(self.images[image], view, boxes, random)
        return {"first": first, "second": second, "between": view.to(self.view(second)), **drawn}

    def collate(self, samples: Sequence[dict[str, Any]]) -> Batch:
        def joined(name: str) -> Tensor:
            return torch.from_numpy(np.concatenate([sample[name] for sample in samples]))

        count = self.how.prompts_per_image
        return Batch(
            first=[sample["first"] for sample in samples],
            second=[sample["second"] for sample in samples],
            between=torch.from_numpy(np.stack([sample["between"] for sample in samples])),
            images=torch.arange(len(samples)).repeat_interleave(count),
            coords=joined("coords"),
            labels=joined("labels"),
            granularity=joined("granularity"),
            masks=joined("masks"),
            weight=joined("weight"),
        )

    def view(self, sight: Sight) -> View:
        image = self.images[sight.image]
        if sight.number == 0:
            return identity_view(image.height, image.width, self.how.side)
        random = generator(self.seed, _VIEW, sight.image, sight.number, sight.number >> 32)
        return random_view(image.height, image.width, self.how.side, self.how.augmentation, random)

    def pixels(self, sight: Sight) -> Tensor:
        """RGB in [0, 1], [3, S, S]. Raises `BadInput` where the file cannot be read or is not what was labelled."""
        image = self.images[sight.image]
        rgb = read_image(image.path)
        if rgb.shape[:2] != (image.height, image.width):
            raise BadInput(
                f"{image.path} has {rgb.shape[1]} x {rgb.shape[0]} pixels; its label file says {image.width} x {image.height}."
            )
        return self.view(sight).pixels(planes(rgb))

    def _order(self, epoch: int) -> np.ndarray:
        if self._shuffled[0] != epoch:
            self._shuffled = epoch, generator(self.seed, _ORDER, epoch).permutation(self._count)
        return self._shuffled[1]

    def _draw_views(self, number: int, random: np.random.Generator) -> tuple[int, int]:
        """Two that differ wherever there are two: of a view with itself there is nothing to learn."""
        if self.how.views == FRESH:
            return 1 + 2 * number, 2 + 2 * number
        count = self.how.views + 1
        first = int(random.integers(count))
        return first, (first + 1 + int(random.integers(count - 1))) % count if count > 1 else first

    def _prompts(
        self, image: LabelledImage, view: View, boxes: bool, random: np.random.Generator
    ) -> dict[str, np.ndarray]:
        found: list[tuple[DrawnPrompt, float, np.ndarray]] = []
        wanted = self.how.prompts_per_image
        for _ in range(_TRIES):
            if len(found) >= wanted:
                break
            annotation = draw_annotation(image, random)
            mask = self._target(view, [annotation])[0]
            if mask.sum() < self._smallest:
                continue
            if boxes:
                found.append((box_prompt(mask, self._stride, random), annotation.granularity, mask))
                continue
            pixel = draw_click(mask, random)
            prompt = click_prompt(pixel, self._stride)
            found.append((prompt, annotation.granularity, mask))
            if random.uniform() < self.how.chain_probability:
                found += self._chain(image, view, annotation, pixel, prompt, random)
        weight = np.zeros(wanted, np.float32)
        weight[: len(found)] = 1
        if not found:
            side = self.how.target_side
            nothing = np.zeros((side, side), bool)
            centre = click_prompt(np.array([side // 2, side // 2]), self._stride)
            filler = box_prompt(~nothing, self._stride, random) if boxes else centre
            found = [(filler, 1.0, nothing)]
        chosen = [found[i % len(found)] for i in range(wanted)]
        return {
            "coords": np.stack([prompt.coords for prompt, _, _ in chosen]),
            "labels": np.stack([prompt.labels for prompt, _, _ in chosen]),
            "granularity": np.array([granularity for _, granularity, _ in chosen], np.float32),
            "masks": np.stack([mask for _, _, mask in chosen]),
            "weight": weight,
        }

    def _chain(
        self,
        image: LabelledImage,
        view: View,
        anchor: Annotation,
        pixel: np.ndarray,
        prompt: DrawnPrompt,
        random: np.random.Generator,
    ) -> list[tuple[DrawnPrompt, float, np.ndarray]]:
        """The same click at every other granularity at which a mask holds it."""
        back = np.linalg.inv(view.matrix)
        x, y, _ = back @ [*((pixel[::-1] + 0.5) * self._stride), 1.0]
        x, y = int(np.clip(x, 0, image.width - 1)), int(np.clip(y, 0, image.height - 1))
        others = [a for a in image.annotations if a is not anchor and a.region.holds(x, y)]
        if len(others) > self.how.prompts_per_image:
            others = [others[i] for i in random.choice(len(others), self.how.prompts_per_image, replace=False)]
        targets = self._target(view, others)
        return [
            (prompt, annotation.granularity, mask)
            for annotation, mask in zip(others, targets)
            if mask[tuple(pixel)] and mask.sum() >= self._smallest
        ]

    def _target(self, view: View, annotations: Sequence[Annotation]) -> np.ndarray:
        if not annotations:
            return np.zeros((0, self.how.target_side, self.how.target_side), bool)
        return view.masks(np.stack([a.region.mask() for a in annotations]), self.how.target_side).numpy()

    @property
    def _smallest(self) -> float:
        return self.how.smallest * (4 * self.how.target_side / self.how.side) ** 2

    @property
    def _stride(self) -> float:
        return self.how.side / self.how.target_side


def draw_annotation(image: LabelledImage, random: np.random.Generator) -> Annotation:
    """Every tenth of granularity at which the image has masks has the same chance, and every mask within it. Of all masks most
    are small parts, and the whole objects would hardly be seen."""
    tenths = np.floor(np.array([annotation.granularity for annotation in image.annotations]) * 9.999).astype(int)
    present = np.unique(tenths)
    chosen = np.flatnonzero(tenths == present[random.integers(len(present))])
    return image.annotations[chosen[random.integers(len(chosen))]]
