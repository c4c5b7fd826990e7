"""Run-length coded masks of COCO JSON: counts down the columns, background first; plain, or as COCO's string."""

from __future__ import annotations

from typing import Any, Mapping

import numpy as np

from ..errors import BadInput


class RunLengths:
    """A mask as the ends of its runs, which tells of single pixels without being decoded."""

    def __init__(self, segmentation: Mapping[str, Any]) -> None:
        """`{"size": [h, w], "counts": string | list}`. Raises `BadInput`."""
        self.height, self.width, runs = _checked(segmentation)
        self.ends = np.cumsum(runs)

    def holds(self, x: int, y: int) -> bool:
        return bool(np.searchsorted(self.ends, x * self.height + y, side="right") & 1)

    def mask(self) -> np.ndarray:
        """bool [h, w]."""
        values = np.zeros(len(self.ends), bool)
        values[1::2] = True
        return np.repeat(values, np.diff(self.ends, prepend=0)).reshape(self.width, self.height).T


def _checked(segmentation: Mapping[str, Any]) -> tuple[int, int, list[int]]:
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(type(side) is int and 0 < side <= 1 << 16 for side in size)
    ):
        raise BadInput(f"A segmentation has size {size}; expected [height, width].")
    height, width = size
    runs = decode_counts(counts) if isinstance(counts, str) else counts
    if not isinstance(runs, list) or not all(type(run) is int and run >= 0 for run in runs):
        raise BadInput("A segmentation has counts that are no run lengths.")
    if sum(runs) != height * width:
        raise BadInput(f"A segmentation's runs add up to {sum(runs)} pixels; {height} x {width} has {height * width}.")
    return height, width, runs


def decode_mask(segmentation: Mapping[str, Any]) -> np.ndarray:
    """`{"size": [h, w], "counts": string | list}` to bool [h, w]. Raises `BadInput`."""
    return RunLengths(segmentation).mask()


def encode_mask(mask: np.ndarray) -> dict[str, Any]:
    """Bool [h, w] to `{"size", "counts"}` with COCO's string."""
    flat = np.asarray(mask, bool).T.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    if flat.size and flat[0]:
        runs.insert(0, 0)
    return {"size": list(mask.shape), "counts": encode_counts(runs)}


def decode_counts(text: str) -> list[int]:
    """COCO's string: numbers in groups of 5 bits, lowest first, two's complement; a character is 48 plus the group,
    plus 32 where more follow. From the fourth number on it is the difference to the one two places before."""
    runs: list[int] = []
    position = 0
    while position < len(text):
        value, shift, more = 0, 0, True
        while more:
            if position >= len(text):
                raise BadInput("A segmentation's counts are cut off.")
            group = ord(text[position]) - 48
            if not 0 <= group < 64 or shift > 40:
                raise BadInput("A segmentation has counts that are no COCO run lengths.")
            value |= (group & 31) << shift
            shift += 5
            position += 1
            more = bool(group & 32)
            if not more and group & 16:
                value -= 1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
    return runs


def encode_counts(runs: list[int]) -> str:
    characters = []
    for index, run in enumerate(runs):
        value = run - runs[index - 2] if index > 2 else run
        more = True
        while more:
            group = value & 31
            value >>= 5
            more = value != (-1 if group & 16 else 0)
            characters.append(chr(48 + (group | 32 if more else group)))
    return "".join(characters)
