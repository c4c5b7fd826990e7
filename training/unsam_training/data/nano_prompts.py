"""Clicks with granularities and their masks, drawn from scenes."""

import numpy as np
import torch

from .nano_samples import augment, crop, tensors
from ..seeding import generator

PROMPTS = 4
TRIES = 40


def draw_prompts(rng, scene):
    """
    PROMPTS times a click (x, y), a granularity, and the mask at S/4. The mask is a node above the clicked leaf, where
    possible below 0.9 of the image; its granularity is 0.1 + 0.9 · its height.
    """
    leaf = scene.leaf[2::4, 2::4]
    clicks, granularities, masks = [], [], []
    tries = 0
    while len(clicks) < PROMPTS:
        tries += 1
        y, x = rng.integers(leaf.shape[0]), rng.integers(leaf.shape[1])
        row = scene.distance[leaf[y, x]]
        heights = np.unique(row)
        height = heights[rng.integers(len(heights))]
        mask = (row <= height)[leaf]
        # A crop may show little but one leaf: then its mask has to do.
        if mask.mean() > 0.9 and tries < TRIES:
            continue
        clicks.append((4 * x + 2, 4 * y + 2))
        granularities.append(0.1 + 0.9 * height)
        masks.append(mask)
    return {
        "clicks": torch.tensor(clicks),
        "granularity": torch.tensor(granularities, dtype=torch.float32),
        "masks": torch.from_numpy(np.stack(masks)),
    }


class NanoPrompts:
    """Batch source over the scenes of a pool: the dense targets of `NanoSamples` and prompts beside them."""

    def __init__(self, seed, batch_size, size, pool):
        self.seed, self.batch_size, self.size, self.pool = seed, batch_size, size, pool

    def sample(self, step, index):
        rng = generator(self.seed, step, index)
        scene = augment(rng, crop(rng, self.pool[int(rng.integers(self.pool.count))], self.size))
        return {**tensors(rng, scene), **draw_prompts(rng, scene)}

    def collate(self, samples):
        batch = {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
        images = torch.arange(len(samples)).repeat_interleave(PROMPTS)
        return {**batch, **{name: batch[name].flatten(0, 1) for name in ("clicks", "granularity", "masks")}, "images": images}
