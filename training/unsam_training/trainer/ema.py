"""Exponential moving average of the trained weights (Polyak averaging as in Tarvainen & Valpola 2017)."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Iterator

import torch
from torch import Tensor, nn


class MovingAverage:
    """average <- d * average + (1 - d) * weights, with d = min(decay, (1 + t) / (10 + t)), so that early steps count.

    Only trained parameters are averaged; the others do not change.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.average = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters() if parameter.requires_grad
        }

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        decay = min(self.decay, (1 + step) / (10 + step))
        parameters = dict(model.named_parameters())
        for name, average in self.average.items():
            average.lerp_(parameters[name], 1 - decay)

    def load(self, average: dict[str, Tensor]) -> None:
        for name, own in self.average.items():
            own.copy_(average[name])


@contextmanager
def averaged(model: nn.Module, average: MovingAverage | None) -> Iterator[None]:
    """Within, the model has the averaged weights, is in `eval` mode and takes no gradients."""
    training = model.training
    parameters = dict(model.named_parameters())
    own = {name: parameters[name].detach().clone() for name in (average.average if average else ())}
    model.eval()
    try:
        with torch.no_grad():
            for name in own:
                parameters[name].copy_(average.average[name])
            yield
    finally:
        with torch.no_grad():
            for name, value in own.items():
                parameters[name].copy_(value)
        model.train(training)
