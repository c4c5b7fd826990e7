"""Directions of features, for objectives that compare them by cosine."""

from __future__ import annotations

from torch import Tensor

_FLOOR = 0.1


def directions(x: Tensor, dim: int) -> Tensor:
    """x / |x|, but softly: lengths well below a tenth of the mean length count as no direction. Without that, features
    near zero (behind a ReLU or GELU there are many) would get gradients without bound."""
    x = x.float()
    squared = x.square().sum(dim, keepdim=True)
    floor = (_FLOOR * squared.detach().sqrt().mean()).square() + 1e-12
    return x / (squared + floor).sqrt()
