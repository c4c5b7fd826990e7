"""Prompt tokens and image embedding to masks and scores (SAM 2, section 4; UnSAMv2, section 3)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .layers import GELU, MLP, LayerNorm2d
from .two_way_transformer import TwoWayTransformer

MASKS = 4
_UNSEEN = -1e9


class Features(NamedTuple):
    """What the decoder needs of images: `embed` [n, d, s, s], `high_res_0` [n, d/8, 4s, 4s], `high_res_1`
    [n, d/4, 2s, 2s]."""

    embed: Tensor
    high_res_0: Tensor
    high_res_1: Tensor

    def of(self, images: Tensor) -> "Features":
        """The features of each prompt's image: `images` [prompts] are indices."""
        return Features(*(part[images] for part in self))


class Decoded(NamedTuple):
    masks: Tensor
    """Low-resolution logits [n, m, 4s, 4s]: m = 1, the granularity mask, or the 4 masks of plain SAM 2."""
    iou: Tensor
    """Predicted IoU of masks 0 to 3, [n, 4]."""
    object_score: Tensor | None
    """Logits [n, 1]."""
    tokens: Tensor
    """All tokens after the transformer, [n, t, d]."""
    upscaled: Tensor
    """The upscaled image embedding, [n, d/8, 4s, 4s]."""


class MaskDecoder(nn.Module):
    def __init__(
        self,
        width: int = 256,
        granularity: bool = True,
        object_score: str = "mlp",
        iou_sigmoid: bool = True,
        mlp_width: int = 2048,
        heads: int = 8,
    ) -> None:
        super().__init__()
        self.iou_sigmoid = iou_sigmoid
        self.transformer = TwoWayTransformer(width, heads, mlp_width)
        self.iou_token = nn.Embedding(1, width)
        self.mask_tokens = nn.Embedding(MASKS, width)
        if object_score != "none":
            self.obj_score_token = nn.Embedding(1, width)
            self.pred_obj_score_head = MLP(width, width, width, 1) if object_score == "mlp" else nn.Linear(width, 1)
        if granularity:
            self.gra_token = nn.Embedding(1, width)
            self.gra_output_token_mlp = MLP(width, width, width, width // 8)
        self.output_upscaling = nn.Sequential(
            nn.ConvTranspose2d(width, width // 4, 2, stride=2),
            LayerNorm2d(width // 4),
            GELU(),
            nn.ConvTranspose2d(width // 4, width // 8, 2, stride=2),
            GELU(),
        )
        self.conv_s0 = nn.Conv2d(width, width // 8, 1)
        self.conv_s1 = nn.Conv2d(width, width // 4, 1)
        self.output_hypernetworks_mlps = nn.ModuleList(MLP(width, width, width, width // 8) for _ in range(MASKS))
        self.iou_prediction_head = MLP(width, width, width, MASKS)

    @property
    def granular(self) -> bool:
        return hasattr(self, "gra_token")

    def output_tokens(self) -> Tensor:
        """Learned tokens the answers are read from: object score (where there is one), IoU, four masks, granularity."""
        tokens = [self.iou_token.weight, self.mask_tokens.weight]
        if hasattr(self, "obj_score_token"):
            tokens.insert(0, self.obj_score_token.weight)
        if self.granular:
            tokens.append(self.gra_token.weight)
        return torch.cat(tokens)

    def forward(
        self, features: Features, position: Tensor, prompt: Tensor, dense: Tensor, seen: Tensor | None = None
    ) -> Decoded:
        """One entry per prompt: its image's features, prompt tokens [n, t, d] and dense prompt [n or 1, d, s or 1, s or 1];
        `position` [d, s, s] is the grid's encoding. `seen` bool [n, t] is False for prompt tokens that only fill up."""
        own = self.output_tokens()
        count = prompt.shape[0]
        tokens = torch.cat([own.expand(count, -1, -1), prompt], dim=1)
        bias = None
        if seen is not None:
            bias = torch.where(F.pad(seen, (own.shape[0], 0), value=True), 0.0, _UNSEEN)[:, None, None].to(tokens.dtype)
        image = (features.embed + dense).flatten(2).transpose(1, 2)
        tokens, image = self.transformer(tokens, image, position.flatten(1).T, bias)
        upscaled = self.upscale(image.transpose(1, 2).unflatten(2, features.embed.shape[2:]), features)
        first = 1 if hasattr(self, "obj_score_token") else 0
        if self.granular:
            kernels = self.gra_output_token_mlp(tokens[:, first + 1 + MASKS])[:, None]
        else:
            networks = enumerate(self.output_hypernetworks_mlps)
            kernels = torch.stack([network(tokens[:, first + 1 + index]) for index, network in networks], dim=1)
        iou = self.iou_prediction_head(tokens[:, first])
        return Decoded(
            masks=(kernels @ upscaled.flatten(2)).unflatten(2, upscaled.shape[2:]),
            iou=iou.sigmoid() if self.iou_sigmoid else iou,
            object_score=self.pred_obj_score_head(tokens[:, 0]) if first else None,
            tokens=tokens,
            upscaled=upscaled,
        )

    def upscale(self, image: Tensor, features: Features) -> Tensor:
        """[n, d, s, s] to [n, d/8, 4s, 4s], the high-resolution features added on the way."""
        first, norm, gelu, second, last = self.output_upscaling
        doubled = gelu(norm(first(image) + features.high_res_1))
        return last(second(doubled) + features.high_res_0)
