"""A model's tensors out of a file of either format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import BadInput
from .pytorch_file import read_pytorch
from .safetensors_file import read_safetensors
from .weight_places import flattened, has_places, take_place


def read_state_dict(path: str | Path, weights: str | None = None) -> dict[str, Tensor]:
    """A model's tensors under their official names. Where the file holds several models, `weights` says which: the key
    they lie under, as `unsam inspect` lists it. A file that holds no promptable model gives all it has: of a
    .safetensors file every tensor, of a .pt file those under `model`, or at the top. Raises `BadInput`."""
    saved: Any = read_safetensors(path) if Path(path).suffix == ".safetensors" else read_pytorch(path)
    tensors = flattened(path, saved)
    if weights is not None or has_places(tensors):
        return take_place(path, tensors, weights)
    state = saved.get("model", saved) if isinstance(saved, dict) else saved
    if not isinstance(state, dict):
        raise BadInput(f"{path} holds no state dict.")
    tensors = {name: value for name, value in state.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if not tensors:
        raise BadInput(f"{path} holds no tensors.")
    return tensors
