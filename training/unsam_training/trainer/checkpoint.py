"""The state of a run on disk: everything the next step depends on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..checkpoint.pytorch_file import read_pytorch
from ..errors import BadInput
from ..whole_file import whole_file
from .ema import MovingAverage

_FORMAT = 1


def save_run(
    path: Path,
    *,
    step: int,
    identity: dict[str, Any],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: MovingAverage | None,
    log_window: dict[str, Any],
) -> None:
    """Writes the file whole. `step` is the number of steps done; `identity` says what run this is. Random states are
    not needed: every step sets its own. Only what is trained, and buffers, are stored; the rest comes from the recipe."""
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    buffers = dict(model.named_buffers())
    state = {
        "format": _FORMAT,
        "step": step,
        "identity": identity,
        "model": {name: value for name, value in model.state_dict().items() if name in trained or name in buffers},
        "optimizer": optimizer.state_dict(),
        "average": average.average if average else None,
        "log_window": log_window,
    }
    with whole_file(path) as file:
        torch.save(state, file)


def load_run(path: Path) -> dict[str, Any]:
    """What `save_run` wrote. Raises `BadInput`."""
    state = read_pytorch(path)
    if not isinstance(state, dict) or state.get("format") != _FORMAT:
        raise BadInput(f"{path} is no checkpoint of a training run of this version.")
    return state


def restore(
    state: dict[str, Any],
    path: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: MovingAverage | None,
) -> None:
    try:
        model.load_state_dict({**model.state_dict(), **state["model"]})
        optimizer.load_state_dict(state["optimizer"])
        if average:
            average.load(state["average"])
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        raise BadInput(f"{path} does not fit the model of this run: {error}") from error
