"""Supervision by masks: focal + dice, and the score's error (SAM, section A; SAM 2, section D.2)."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

_ALPHA, _GAMMA = 0.25, 2.0


class MaskLosses(NamedTuple):
    focal: Tensor
    dice: Tensor
    iou: Tensor
    """Absolute error of the predicted IoU."""
    true_iou: Tensor
    """Mean IoU of the answers, for the log."""


def mask_losses(logits: Tensor, target: Tensor, predicted_iou: Tensor, weight: Tensor) -> MaskLosses:
    """Logits [n, h, w], targets bool [n, h, w], predicted IoU [n] and weights [n] to means over the prompts."""
    logits, predicted_iou = logits.float(), predicted_iou.float()
    truth = target.to(logits.dtype)
    iou = mask_iou(logits > 0, target)
    return MaskLosses(
        focal=_mean(focal_loss(logits, truth), weight),
        dice=_mean(dice_loss(logits, truth), weight),
        iou=_mean((predicted_iou - iou).abs(), weight),
        true_iou=_mean(iou, weight),
    )


def object_loss(score: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Binary cross-entropy of the object score's logits [n]: is there anything in the target [n, h, w] (SAM 2, section D.2)."""
    there = target.flatten(1).any(1).float()
    return _mean(F.binary_cross_entropy_with_logits(score.float(), there, reduction="none"), weight)


def focal_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Sigmoid focal loss (Lin et al. 2017, equation 5), alpha 0.25, gamma 2; the mean over a mask's pixels, [n]."""
    cross_entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    probability = logits.sigmoid()
    miss = probability * (1 - truth) + (1 - probability) * truth
    balance = _ALPHA * truth + (1 - _ALPHA) * (1 - truth)
    return (balance * miss**_GAMMA * cross_entropy).flatten(1).mean(1)


def dice_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """1 - (2 |p t| + 1) / (|p| + |t| + 1) (Milletari et al. 2016), [n]."""
    probability, truth = logits.sigmoid().flatten(1), truth.flatten(1)
    return 1 - (2 * (probability * truth).sum(1) + 1) / (probability.sum(1) + truth.sum(1) + 1)


def mask_iou(answer: Tensor, target: Tensor) -> Tensor:
    """Of bool [n, h, w] each, [n]; 1 where both are empty."""
    both = (answer & target).flatten(1).sum(1).float()
    either = (answer | target).flatten(1).sum(1).float()
    return (both + (either == 0)) / either.clamp(min=1)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1)
