"""Dense objectives of the nano model: boundaries and the tree distance."""

import torch
from torch.nn import functional as F

POSITIVE_WEIGHT = 3.0
"""Border pixels count this much: they are few."""


def boundary_loss(logits, height, weight=None):
    """
    `logits` [b, 2, h, w]; `height` [b, h, w], 0 off the borders, on them the height at which the two sides meet.
    Binary cross-entropy: channel 0 against "is a border", channel 1 against the height itself.
    """
    border = (height > 0).to(logits.dtype)
    pixel = 1 + (POSITIVE_WEIGHT - 1) * border
    if weight is not None:
        pixel = pixel * weight[:, None, None]
    target = torch.stack([border, height.to(logits.dtype)], 1)
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (loss * pixel[:, None]).sum() / (2 * pixel.sum())


def tree_distance_loss(metric, points, target):
    """
    `metric` [b, c, h, w]; `points` [b, n] flat positions on its grid; `target` [b, n, n] height of the smallest common
    node. Every pair's distance is regressed to twice the height (smooth L1), pairs of equal and of unlike height
    weighing alike.
    """
    samples = torch.gather(metric.flatten(2), 2, points[:, None, :].expand(-1, metric.shape[1], -1))
    difference = samples[:, :, :, None] - samples[:, :, None, :]
    distance = (difference.square().sum(1) + 1e-6).sqrt()
    bins = (target * 4).ceil().clamp(0, 4).long()
    counts = torch.bincount(bins.flatten(), minlength=5).to(metric.dtype)
    share = (1 / (counts + 0.02 * bins.numel()))[bins]
    loss = F.smooth_l1_loss(distance, 2 * target, reduction="none", beta=0.5)
    return (loss * share).sum() / share.sum()
