"""Points, boxes, masks and granularity as prompt tokens (SAM, section A; UnSAMv2, section 3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .granularity_encoder import GranularityEncoder
from .layers import GELU, LayerNorm2d

BACKGROUND, FOREGROUND, BOX_TOP_LEFT, BOX_BOTTOM_RIGHT, IGNORED = 0, 1, 2, 3, -1


class RandomFourier(nn.Module):
    """Position encoding by random Fourier features (Tancik et al. 2020). The matrix is a buffer: it is not trained."""

    positional_encoding_gaussian_matrix: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("positional_encoding_gaussian_matrix", torch.randn(2, width // 2))

    def forward(self, unit: Tensor) -> Tensor:
        """Coordinates [..., 2], x first, in [0, 1], to [..., d]. Always float32: the phases are large."""
        phase = 2 * math.pi * ((2 * unit.float() - 1).unsqueeze(-1) * self.positional_encoding_gaussian_matrix).sum(-2)
        return torch.cat([phase.sin(), phase.cos()], dim=-1)

    def grid(self, side: int) -> Tensor:
        """[d, side, side]: the encodings of the centres of an image's cells."""
        centres = (torch.arange(side, device=self.positional_encoding_gaussian_matrix.device) + 0.5) / side
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        return self(torch.stack([x, y], dim=-1)).permute(2, 0, 1)


class PromptEncoder(nn.Module):
    def __init__(
        self,
        width: int,
        image_size: int,
        granularity: bool = True,
        fourier_dim: int = 128,
        temperature: float = 100.0,
        granularity_hidden: int = 192,
        mask_channels: int = 16,
    ) -> None:
        super().__init__()
        self.image_size = image_size
        self.pe_layer = RandomFourier(width)
        self.point_embeddings = nn.ModuleList(nn.Embedding(1, width) for _ in range(4))
        self.not_a_point_embed = nn.Embedding(1, width)
        self.mask_downscaling = nn.Sequential(
            nn.Conv2d(1, mask_channels // 4, 2, stride=2),
            LayerNorm2d(mask_channels // 4),
            GELU(),
            nn.Conv2d(mask_channels // 4, mask_channels, 2, stride=2),
            LayerNorm2d(mask_channels),
            GELU(),
            nn.Conv2d(mask_channels, width, 1),
        )
        self.no_mask_embed = nn.Embedding(1, width)
        if granularity:
            self.fourier_embedder = GranularityEncoder(width, fourier_dim, temperature, granularity_hidden)
            self.granularity_embedding = nn.Embedding(1, width)

    def points(self, coords: Tensor, labels: Tensor) -> Tensor:
        """Coordinates [n, points, 2] in pixels of the S frame and labels [n, points] (1 foreground, 0 background, 2 and 3
        a box's corners, -1 ignored) to tokens [n, points, d]. Nothing is added: see `with_padding`."""
        position = self.pe_layer((coords + 0.5) / self.image_size)
        kinds = [embedding.weight for embedding in self.point_embeddings]
        # Last, so that the label -1 finds it.
        table = torch.cat([*kinds, self.not_a_point_embed.weight])
        return position * (labels != IGNORED).unsqueeze(-1) + table[labels]

    def granularity(self, granularity: Tensor) -> Tensor:
        """[n] in [0, 1] to tokens [n, 1, d]."""
        return (self.fourier_embedder(granularity) + self.granularity_embedding.weight).unsqueeze(1)

    def tokens(
        self,
        coords: Tensor | None,
        labels: Tensor | None,
        granularity: Tensor | None,
    ) -> Tensor:
        """The prompt tokens in the official order: points (a box's corners first) and one padding point after them,
        granularity. [n, t, d]; at least one of the two must be there."""
        parts = []
        if coords is not None and labels is not None:
            parts.append(self.points(*with_padding(coords, labels)))
        if granularity is not None:
            parts.append(self.granularity(granularity))
        return torch.cat(parts, dim=1)

    def mask(self, logits: Tensor) -> Tensor:
        """A mask prompt, logits [n, 1, S/4, S/4], to what is added to the image embedding, [n, d, S/16, S/16]."""
        return self.mask_downscaling(logits)

    def no_mask(self) -> Tensor:
        """The same where there is no mask prompt: [1, d, 1, 1]."""
        return self.no_mask_embed.weight[:, :, None, None]


def with_padding(coords: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Whenever there are points or boxes, one point to be ignored follows the last."""
    count = coords.shape[0]
    return (
        torch.cat([coords, coords.new_zeros(count, 1, 2)], dim=1),
        torch.cat([labels, labels.new_full((count, 1), IGNORED)], dim=1),
    )


def box_points(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes [n, 4] (x0, y0, x1, y1) as the points [n, 2, 2] and labels [n, 2] that stand for them."""
    labels = torch.tensor([BOX_TOP_LEFT, BOX_BOTTOM_RIGHT], device=boxes.device).expand(boxes.shape[0], 2)
    return boxes.reshape(-1, 2, 2), labels
