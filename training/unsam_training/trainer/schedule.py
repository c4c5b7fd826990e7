"""Learning rate by step."""

from __future__ import annotations

import math

from .settings import Settings


def learning_rate(step: int, settings: Settings) -> float:
    """Linear warm-up to the peak, then half a cosine down to `final_lr_ratio` of it (Loshchilov & Hutter 2017, SGDR,
    equation 5, without restarts). A short run warms up over a tenth of its steps. `step` counts from 0."""
    peak = settings.learning_rate
    warmup = min(settings.warmup_steps, settings.steps // 10)
    if step < warmup:
        return peak * (step + 1) / (warmup + 1)
    progress = (step - warmup) / max(1, settings.steps - 1 - warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return peak * (settings.final_lr_ratio + (1 - settings.final_lr_ratio) * cosine)
