"""What a recipe is. `recipes/NAME.py` holds one; nothing else has to be told of it.

A recipe module has
- `DEFAULTS`: its options with their defaults, a dict of plain values. `images`, `labels`, `checkpoint` and `config`
  (paths or None) and `batch_size` are given by the command line's options of these names where the dict has them, all
  others by `--set KEY=VALUE`.
- `SETTINGS`: defaults of `trainer.settings.Settings` that suit it better than the general ones, a dict.
- optionally `PRESETS`: by name other defaults for some of these, `{"options": {…}, "settings": {…}}` (`--preset NAME`).
- `create(options) -> Recipe`.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any, Mapping, Protocol, Sequence

import numpy as np
from torch import Tensor, nn

from ..errors import BadInput


class BatchSource(Protocol):
    """Samples by number. Sample `index` of step `step` depends on nothing but (seed, step, index), so that a run may be
    stopped and resumed, and shared out among processes, without any difference."""

    batch_size: int
    """Samples of one step, over all processes."""

    def sample(self, step: int, index: int) -> Any: ...

    def collate(self, samples: Sequence[Any]) -> Any: ...


class Recipe(Protocol):
    def build_model(self, options: Mapping[str, Any]) -> nn.Module:
        """The model, its trained parameters marked by `requires_grad`. Random initial weights come from torch's seed."""

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        """Groups for AdamW: `params`, and optionally `name`, `lr_scale`, `weight_decay`."""

    def build_data(self, options: Mapping[str, Any], seed: int) -> BatchSource: ...

    def losses(self, model: nn.Module, batch: Any) -> dict[str, Tensor]:
        """Scalars, already weighted: their sum is minimised. What is named `report/…` is only logged. Random numbers
        come from torch's seed, which is set for every step."""

    def previews(self, model: nn.Module) -> list[tuple[str, np.ndarray]]:
        """Pictures of fixed inputs, each a title and uint8 [h, w, 3]. Called without gradients, in `eval` mode."""

    def export(self, model: nn.Module, path: Path) -> dict[str, Any]:
        """Writes what the SDK loads (`path` ends in .safetensors; a configuration goes beside it) and returns what is
        worth telling, as plain values."""

    # Optional: evaluate(model) -> dict[str, float], logged every `evaluate_every` steps.


def recipe_names() -> list[str]:
    from .. import recipes

    return sorted(module.name for module in pkgutil.iter_modules(recipes.__path__))


def recipe_module(name: str) -> Any:
    """The module `recipes/NAME.py`. Raises `BadInput` where there is none."""
    if name not in recipe_names():
        raise BadInput(f'There is no recipe "{name}"; there are: {", ".join(recipe_names())}.')
    return importlib.import_module(f"unsam_training.recipes.{name}")
