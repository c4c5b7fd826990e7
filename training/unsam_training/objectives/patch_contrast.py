"""Patch-level contrast: patches of one region in two views belong together, against the rest (InfoNCE)."""

from __future__ import annotations

import torch
from torch import Tensor

from .similarity import directions


def patch_contrast(
    first: Tensor,
    second: Tensor,
    regions_first: Tensor,
    regions_second: Tensor,
    patches: int = 64,
    temperature: float = 0.1,
) -> Tensor:
    """Features [n, c, h, w] of two views and the regions of their patches, whole numbers [n, h, w], -1 for patches of none.

    `patches` of each view are drawn evenly over its regions (torch's random numbers). Each of the first view's is an
    anchor: the second view's patches of its region are its positives, those of other regions its negatives (supervised
    contrastive loss, Khosla et al. 2020, equation 2; InfoNCE, van den Oord et al. 2018, where there is one positive).
    Zero where no anchor has both."""
    a, own_a = _drawn(first, regions_first, patches)
    b, own_b = _drawn(second, regions_second, patches)
    similarity = directions(a, -1) @ directions(b, -1).transpose(1, 2) / temperature
    known = (own_a[:, :, None] >= 0) & (own_b[:, None, :] >= 0)
    positive = known & (own_a[:, :, None] == own_b[:, None, :])
    counts = (positive.any(2) & (known & ~positive).any(2)).float()
    log_share = similarity - similarity.masked_fill(~known, -1e4).logsumexp(2, keepdim=True)
    per_anchor = -(log_share * positive).sum(2) / positive.sum(2).clamp(min=1)
    return (per_anchor * counts).sum() / counts.sum().clamp(min=1)


def _drawn(features: Tensor, regions: Tensor, patches: int) -> tuple[Tensor, Tensor]:
    """[n, patches, c] and their regions [n, patches]: every region that is there has the same chance."""
    regions = regions.flatten(1)
    # How often a patch's region occurs: one row of counts per map.
    classes = int(regions.max().item()) + 2
    ones = torch.ones_like(regions, dtype=torch.float32)
    sizes = torch.zeros(len(regions), classes, device=regions.device).scatter_add_(1, regions + 1, ones)
    chances = torch.where(regions >= 0, 1 / sizes.gather(1, regions + 1), torch.zeros_like(ones))
    # Maps without any region draw what will not count.
    chances = torch.where(chances.sum(1, keepdim=True) > 0, chances, ones)
    index = torch.multinomial(chances, patches, replacement=True)
    values = features.float().flatten(2).transpose(1, 2)
    rows = torch.arange(len(values), device=values.device)[:, None]
    return values[rows, index], regions[rows, index]
