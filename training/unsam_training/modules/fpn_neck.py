"""The image encoder's neck: a feature pyramid (Lin et al. 2017) as in SAM 2."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig


class _Lateral(nn.Module):
    def __init__(self, width_in: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width_in, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class FpnNeck(nn.Module):
    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        # Convolution number 0 belongs to the coarsest level.
        self.convs = nn.ModuleList(_Lateral(width, config.width) for width in reversed(config.trunk.widths))
        self.top_down, self.fuse = config.fpn_top_down_levels, config.fuse_type

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        """The trunk's levels, finest first, to maps of `width` channels; the coarsest is dropped afterwards."""
        last = len(levels) - 1
        out: list[Tensor] = []
        for index in range(last, -1, -1):
            lateral = self.convs[last - index](levels[index])
            if index < last and index in self.top_down:
                lateral = lateral + F.interpolate(out[0], scale_factor=2.0, mode="nearest")
                if self.fuse == "avg":
                    lateral = lateral / 2
            out.insert(0, lateral)
        return out[:last]
