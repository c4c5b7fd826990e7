"""Trunk and neck (SAM 2, section 4)."""

from __future__ import annotations

from torch import Tensor, nn

from .config import ModelConfig
from .fpn_neck import FpnNeck
from .hiera import Hiera


class ImageEncoder(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.trunk = Hiera(config.trunk)
        self.neck = FpnNeck(config)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Normalised pixels [n, 3, S, S] to pyramid levels of strides 4, 8 and 16, [n, d, h, w]."""
        return self.neck(self.trunk(pixels))
