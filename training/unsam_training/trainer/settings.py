"""Everything that steers a run and is the same for all recipes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ..errors import BadInput


@dataclass(frozen=True)
class Settings:
    """How a run is optimised and watched. What is learned, and from what, is the recipe's."""

    steps: int = 1000
    learning_rate: float = 1e-4
    """Peak, reached after the warm-up; a parameter group may scale it by its `lr_scale`."""
    warmup_steps: int = 100
    """At most a tenth of the steps."""
    final_lr_ratio: float = 0.01
    """Learning rate at the last step as a part of the peak."""
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.999
    clip_norm: float = 1.0
    """Largest norm of the whole gradient; 0 does not clip."""
    ema_decay: float = 0.0
    """Decay of the moving average of the weights, which is what is evaluated and exported; 0 keeps none."""
    precision: str = "float32"
    """`float32`, or `bfloat16` (autocast; parameters and optimizer state stay float32)."""
    seed: int = 0
    device: str = "auto"
    threads: int = 0
    """CPU threads of this process; 0 leaves it to PyTorch."""
    workers: int = 0
    """Processes that prepare samples ahead; 0 prepares them in the training process."""
    log_every: int = 10
    checkpoint_every: int = 500
    preview_every: int = 500
    evaluate_every: int = 0
    """Steps between calls of the recipe's `evaluate`, where it has one; 0 never."""
    stop_after: int = 0
    """Stops cleanly after this step without changing the schedule; 0 runs to the end."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, (int, float)) and not value >= 0:
                raise BadInput(f"{field.name} is {value}; it must not be negative.")
        for name in ("steps", "log_every", "checkpoint_every", "preview_every"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} is {getattr(self, name)}; it must be at least 1.")
        if self.precision not in ("float32", "bfloat16"):
            raise BadInput(f'precision is "{self.precision}"; give float32 or bfloat16.')
        if self.ema_decay >= 1:
            raise BadInput(f"ema_decay is {self.ema_decay}; it must be below 1.")

    @property
    def last_step(self) -> int:
        return min(self.steps, self.stop_after) if self.stop_after else self.steps


BOOKKEEPING = frozenset(
    "device threads workers log_every checkpoint_every preview_every evaluate_every stop_after".split()
)
"""Settings that do not change what is learned, so that a resumed run may have others."""
