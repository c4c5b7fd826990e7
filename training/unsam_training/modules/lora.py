"""Low-rank adaptation (Hu et al. 2021) under UnSAMv2's tensor names."""

from __future__ import annotations

import math
from typing import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .two_way_transformer import Attention

SCALING = 2.0
"""alpha / r. UnSAMv2 trains with alpha = 2r."""


class LoraLinear(nn.Module):
    """`original_layer` plus SCALING * B * A (equation 3). B starts at zero, so that nothing changes at first."""

    def __init__(self, original: nn.Linear, rank: int) -> None:
        super().__init__()
        self.original_layer = original
        self.lora_A = nn.Parameter(torch.empty(rank, original.in_features))
        self.lora_B = nn.Parameter(torch.zeros(original.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        return self.original_layer(x) + SCALING * F.linear(F.linear(x, self.lora_A), self.lora_B)


def add_lora(module: nn.Module, rank: int) -> None:
    """Gives the four projections of every attention below `module` a LoRA."""
    for attention in list(_attentions(module)):
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            layer = getattr(attention, name)
            if isinstance(layer, nn.Linear):
                setattr(attention, name, LoraLinear(layer, rank))


def start_from_normal(module: nn.Module, std: float) -> None:
    """Draws every A anew from a normal distribution, as UnSAMv2 starts (0.01); the default is that of a linear layer."""
    for name, parameter in module.named_parameters():
        if name.endswith("lora_A"):
            nn.init.normal_(parameter, std=std)


def lora_parameters(module: nn.Module) -> list[nn.Parameter]:
    return [p for name, p in module.named_parameters() if name.rsplit(".", 1)[-1] in ("lora_A", "lora_B")]


def _attentions(module: nn.Module) -> Iterator[Attention]:
    return (child for child in module.modules() if isinstance(child, Attention))
