"""Pseudo-prompt propagation: the prompt of one view, carried to another, has to give the mask carried there."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.geometry import sampled


def consistency_loss(first: Tensor, second: Tensor, between: Tensor, weight: Tensor, limit: float = 10.0) -> Tensor:
    """Logits [n, h, w] of the same prompts on two views; `between` [n, 3, 3] maps the first view's pixels to the second's,
    in units of these maps' pixels. The first is the teacher (no gradient): the mean over what both views show of
    KL(p1 || p2), pixel by pixel. Exactly zero for the same logits on the same view. Logits are cut at +-`limit`, so that
    a teacher that is sure does not pull without end."""
    side = second.shape[-1]
    teacher = first.detach().float().clamp(-limit, limit)
    student = second.float().clamp(-limit, limit)
    back = torch.linalg.inv(between.double())
    carried = sampled(torch.stack([teacher, torch.ones_like(teacher)], dim=1), back, side)
    same = (between == torch.eye(3, dtype=between.dtype, device=between.device)).flatten(1).all(1)[:, None, None]
    shown = torch.where(same, torch.ones_like(student), (carried[:, 1] > 0.999).float())
    teacher = torch.where(same, teacher, carried[:, 0])
    divergence = _binary_divergence(teacher, student) * shown
    per_prompt = divergence.flatten(1).sum(1) / shown.flatten(1).sum(1).clamp(min=1)
    return (per_prompt * weight).sum() / weight.sum().clamp(min=1)


def _binary_divergence(p: Tensor, q: Tensor) -> Tensor:
    """KL of Bernoulli variables given by logits."""
    log_p, log_not_p = F.logsigmoid(p), F.logsigmoid(-p)
    return log_p.exp() * (log_p - F.logsigmoid(q)) + log_not_p.exp() * (log_not_p - F.logsigmoid(-q))
