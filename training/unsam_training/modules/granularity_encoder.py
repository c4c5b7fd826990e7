"""The prompt token of a granularity (UnSAMv2, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class _Mlp(nn.Module):
    """Linear layers at 0, 3 and 6; what lies between has no weights (activation, dropout that is not used)."""

    def __init__(self, width_in: int, hidden: int, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(
            nn.Linear(width_in, hidden), nn.ReLU(), nn.Identity(),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Identity(),
            nn.Linear(hidden, width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return self.mlp(x)


class GranularityEncoder(nn.Module):
    """Fourier features at the frequencies temperature^(i / n), sine and cosine interleaved, through an MLP."""

    frequencies: Tensor

    def __init__(self, width: int = 256, fourier_dim: int = 128, temperature: float = 100.0, hidden: int = 192) -> None:
        super().__init__()
        count = fourier_dim // 2
        frequencies = temperature ** (torch.arange(count, dtype=torch.float64) / count)
        self.register_buffer("frequencies", frequencies.float(), persistent=False)
        self.mlp = _Mlp(fourier_dim, hidden, width)

    def forward(self, granularity: Tensor) -> Tensor:
        """[n], each in [0, 1], to [n, d]."""
        phase = granularity[:, None].float() * self.frequencies
        waves = torch.stack([phase.sin(), phase.cos()], dim=-1).flatten(1)
        return self.mlp(waves)
