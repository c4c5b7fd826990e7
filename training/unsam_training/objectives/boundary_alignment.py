"""Contrast of features across the boundaries that masks suggest: near a boundary, a patch resembles its neighbour on its own
side more than the one on the other."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from .similarity import directions

_OFFSETS = ((0, 1), (1, 0), (0, -1), (-1, 0))


def boundary_alignment(features: Tensor, regions: Tensor, distance: int = 2, temperature: float = 0.1) -> Tensor:
    """Features [n, c, h, w] and regions [n, h, w] (whole numbers, -1 for none).

    Every patch p with a neighbour r `distance` away in another region and the opposite neighbour q in its own gives
    -log(exp(p.q / T) / (exp(p.q / T) + exp(p.r / T))) of the normalised features, which is softplus((p.r - p.q) / T).
    The mean over all such patches and the four directions; zero where there is none."""
    x = directions(features, 1)
    total, count = x.new_zeros(()), x.new_zeros(())
    for dy, dx in _OFFSETS:
        dy, dx = dy * distance, dx * distance
        beyond, own_beyond = _moved(x, dy, dx), _moved(regions[:, None], dy, dx)[:, 0]
        behind, own_behind = _moved(x, -dy, -dx), _moved(regions[:, None], -dy, -dx)[:, 0]
        crosses = (regions >= 0) & (own_beyond >= 0) & (own_beyond != regions) & (own_behind == regions)
        rise = ((x * beyond).sum(1) - (x * behind).sum(1)) / temperature
        total = total + (F.softplus(rise) * crosses).sum()
        count = count + crosses.sum()
    return total / count.clamp(min=1)


def _moved(x: Tensor, dy: int, dx: int) -> Tensor:
    """The value at (y + dy, x + dx), -1 outside."""
    height, width = x.shape[2:]
    padded = F.pad(x, (max(-dx, 0), max(dx, 0), max(-dy, 0), max(dy, 0)), value=-1)
    return padded[:, :, max(dy, 0) : max(dy, 0) + height, max(dx, 0) : max(dx, 0) + width]
