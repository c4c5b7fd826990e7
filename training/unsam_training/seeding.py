"""Random numbers that depend on nothing but the seed and where they are used."""

from __future__ import annotations

import numpy as np
import torch


def generator(*key: int) -> np.random.Generator:
    """A NumPy generator for one place, say (seed, step, index). Different keys give independent streams."""
    return np.random.default_rng(np.random.SeedSequence([number & 0xFFFFFFFF for number in key]))


def seed_torch(*key: int) -> None:
    """Sets torch's seed on all devices for one place."""
    words = np.random.SeedSequence([number & 0xFFFFFFFF for number in key]).generate_state(2, np.uint32)
    torch.manual_seed(int(words[0]) << 31 | int(words[1]) >> 1)
