"""Pictures of answers for a run's previews."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_WIDTH = 200
_COLOUR = (1.0, 0.25, 0.1)


def contact_row(rgb: Tensor, masks: Tensor, click: np.ndarray) -> np.ndarray:
    """RGB [3, S, S] in [0, 1] beside itself with each mask (bool [n, h, w]) drawn over it; `click` in pixels of the
    image. uint8 [h, w, 3]."""
    side = rgb.shape[-1]
    small = F.interpolate(rgb[None].cpu(), size=(_WIDTH, _WIDTH), mode="bilinear", align_corners=False, antialias=True)[
        0
    ]
    over = F.interpolate(masks[:, None].float(), size=(_WIDTH, _WIDTH), mode="nearest")[:, 0] > 0
    colour = torch.tensor(_COLOUR).reshape(3, 1, 1)
    panels = [small] + [torch.where(mask[None], 0.5 * small + 0.5 * colour, small) for mask in over]
    column, row = (int((value + 0.5) * _WIDTH / side) for value in click)
    rows, columns = slice(max(0, row - 2), row + 3), slice(max(0, column - 2), column + 3)
    for panel in panels:
        panel[:, rows, columns] = torch.tensor([0.1, 1.0, 0.2]).reshape(3, 1, 1)
    gap = torch.ones(3, _WIDTH, 4)
    joined = torch.cat([part for panel in panels for part in (panel, gap)][:-1], dim=2)
    return (joined.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
