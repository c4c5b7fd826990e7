"""Frozen features of images, kept within a budget of bytes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Callable, Hashable

from .mask_decoder import Features


class FeatureCache:
    """Least recently used go first. What it returns does not depend on what it holds, so that a resumed run sees the same
    numbers as one that was not stopped."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.held = 0
        self.hits = 0
        self.misses = 0
        self._entries: OrderedDict[Hashable, Features] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[Hashable], Features], keep: bool = True) -> Features:
        if key in self._entries:
            self.hits += 1
            self._entries.move_to_end(key)
            return self._entries[key]
        self.misses += 1
        features = make(key)
        if keep:
            self._entries[key] = features
            self.held += _bytes(features)
            while self.held > self.budget:
                self.held -= _bytes(self._entries.popitem(last=False)[1])
        return features


def _bytes(features: Features) -> int:
    return sum(part.numel() * part.element_size() for part in features)
