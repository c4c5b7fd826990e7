"""A model's tensors out of a file of either format."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from ..errors import BadInput
from .pytorch_file import read_pytorch
from .safetensors_file import read_safetensors


def read_state_dict(path: str | Path) -> dict[str, Tensor]:
    """Tensors by name: of a .safetensors file all, of a .pt file those under `model` (or at the top, where there is no
    `model`). Raises `BadInput`."""
    if Path(path).suffix == ".safetensors":
        return read_safetensors(path)
    saved = read_pytorch(path)
    state = saved.get("model", saved) if isinstance(saved, dict) else saved
    if not isinstance(state, dict):
        raise BadInput(f"{path} holds no state dict.")
    tensors = {name: value for name, value in state.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if not tensors:
        raise BadInput(f"{path} holds no tensors.")
    return tensors
