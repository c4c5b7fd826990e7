"""Iterative correction: a click where the answer is wrong, the answer fed back as a mask prompt (SAM, section A)."""

from __future__ import annotations

from typing import Callable, Iterator, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.prompts import correction_click

LOGIT_LIMIT = 32.0
"""Logits handed back are cut here, as the official predictor does."""


class Answer(NamedTuple):
    logits: Tensor
    """[n, 1, h, w]"""
    iou: Tensor
    """[n]"""
    object_score: Tensor | None = None
    """[n] logits: is there an object; None where the model has none."""


def corrections(
    answer: Callable[[Tensor, Tensor, Tensor], Answer],
    first: Answer,
    coords: Tensor,
    labels: Tensor,
    target: Tensor,
    rounds: int,
    stride: float,
    from_truth: float = 0.0,
) -> Iterator[Answer]:
    """The answers of `rounds` further rounds. `answer(coords, labels, mask)` asks the model; the clicks add up, and the
    answer before comes back as the mask prompt, without gradient. With the chance `from_truth` the clicks of a round are
    drawn from the targets, whatever is wrong."""
    given = first
    for _ in range(rounds):
        logits = given.logits.detach().float()
        whole = from_truth > 0 and bool(torch.rand(()) < from_truth)
        click, kind = correction_click(enlarged(logits, target), target, stride, whole)
        coords = torch.cat([coords, click.to(coords.dtype)], dim=1)
        labels = torch.cat([labels, kind.to(labels.dtype)], dim=1)
        given = answer(coords, labels, logits.clamp(-LOGIT_LIMIT, LOGIT_LIMIT))
        yield given


def enlarged(logits: Tensor, target: Tensor) -> Tensor:
    """Logits [n, 1, h, w] at the resolution of their targets [n, H, W], as the final mask is made of them."""
    if logits.shape[-2:] == target.shape[-2:]:
        return logits
    return F.interpolate(logits, target.shape[-2:], mode="bilinear", align_corners=False)
