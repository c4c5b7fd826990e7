"""Iterative correction: a click where the answer is wrong, the answer fed back as a mask prompt (SAM, section A)."""

from __future__ import annotations

from typing import Callable, Iterator, NamedTuple

import torch
from torch import Tensor

from ..data.prompts import correction_click

LOGIT_LIMIT = 32.0
"""Logits handed back are cut here, as the official predictor does."""


class Answer(NamedTuple):
    logits: Tensor
    """[n, 1, h, w]"""
    iou: Tensor
    """[n]"""


def corrections(
    answer: Callable[[Tensor, Tensor, Tensor], Answer],
    first: Answer,
    coords: Tensor,
    labels: Tensor,
    target: Tensor,
    rounds: int,
    stride: float,
) -> Iterator[Answer]:
    """The answers of `rounds` further rounds. `answer(coords, labels, mask)` asks the model; the clicks add up, and the
    answer before comes back as the mask prompt, without gradient."""
    given = first
    for _ in range(rounds):
        logits = given.logits.detach().float()
        click, kind = correction_click(logits, target, stride)
        coords = torch.cat([coords, click.to(coords.dtype)], dim=1)
        labels = torch.cat([labels, kind.to(labels.dtype)], dim=1)
        given = answer(coords, labels, logits.clamp(-LOGIT_LIMIT, LOGIT_LIMIT))
        yield given
