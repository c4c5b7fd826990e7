"""The image encoder's trunk: Hiera (Ryali et al. 2023) as in SAM 2 (section 4)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import TrunkConfig
from .layers import MLP, LayerNorm, attend, gelu


class _PatchEmbed(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, 7, stride=4, padding=3)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.proj(pixels).permute(0, 2, 3, 1)


class _WindowAttention(nn.Module):
    """Multi-head attention over each map [n, h, w, c] of a batch; with `pools` the queries are max-pooled 2 x 2."""

    def __init__(self, width_in: int, width: int, heads: int, pools: bool) -> None:
        super().__init__()
        self.heads, self.pools = heads, pools
        self.qkv = nn.Linear(width_in, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        count, height, width, _ = x.shape
        query, key, value = self.qkv(x).chunk(3, dim=-1)
        if self.pools:
            query = _pool(query)
            height, width = query.shape[1:3]
        split = [
            part.reshape(count, -1, self.heads, part.shape[-1] // self.heads).transpose(1, 2)
            for part in (query, key, value)
        ]
        attended = attend(*split).transpose(1, 2)
        return self.proj(attended.reshape(count, height, width, -1))


class _Block(nn.Module):
    def __init__(self, width_in: int, width: int, heads: int, config: TrunkConfig, window: int, pools: bool) -> None:
        super().__init__()
        self.window, self.pools = window, pools
        self.norm1 = LayerNorm(width_in, eps=config.norm_eps)
        self.attn = _WindowAttention(width_in, width, heads, pools)
        self.norm2 = LayerNorm(width, eps=config.norm_eps)
        self.mlp = MLP(width, int(width * config.mlp_ratio), width, activation=gelu)
        if width_in != width:
            self.proj = nn.Linear(width_in, width)

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm1(x)
        # Where the width changes the shortcut is projected; where it also pools, the projection is pooled.
        shortcut = self.proj(normed) if hasattr(self, "proj") else x
        if self.pools:
            shortcut = _pool(shortcut)
        if self.window == 0:
            attended = self.attn(normed)
        else:
            windows, grid = _partition(normed, self.window)
            attended = _unpartition(self.attn(windows), grid, shortcut.shape[1:3])
        x = shortcut + attended
        return x + self.mlp(self.norm2(x))


class Hiera(nn.Module):
    def __init__(self, config: TrunkConfig) -> None:
        super().__init__()
        self.patch_embed = _PatchEmbed(config.embed_dim)
        side = config.window_spec[0]
        self.pos_embed = nn.Parameter(torch.zeros(1, config.embed_dim, *config.window_pos_embed_bkg_spatial_size))
        self.pos_embed_window = nn.Parameter(torch.zeros(1, config.embed_dim, side, side))
        nn.init.trunc_normal_(self.pos_embed, std=0.02)
        nn.init.trunc_normal_(self.pos_embed_window, std=0.02)
        self.blocks = nn.ModuleList()
        self.stage_ends: list[int] = []
        width, heads = config.embed_dim, config.num_heads
        for stage, count in enumerate(config.stages):
            for position in range(count):
                first = position == 0 and stage > 0
                width_in = width
                if first:
                    width, heads = int(width * config.dim_mul), int(heads * config.head_mul)
                index = len(self.blocks)
                # The first block of a stage still sees the map of the stage before, and uses its window.
                window = 0 if index in config.global_att_blocks else config.window_spec[stage - 1 if first else stage]
                self.blocks.append(_Block(width_in, width, heads, config, window, first and stage <= config.q_pool))
            self.stage_ends.append(len(self.blocks) - 1)

    def position(self, height: int, width: int) -> Tensor:
        """[1, h, w, c]: the background map resized bicubically plus the window map tiled over it (Bolya et al. 2023,
        "Window attention is bugged")."""
        background = F.interpolate(self.pos_embed, size=(height, width), mode="bicubic", align_corners=False)
        side = self.pos_embed_window.shape[-1]
        tiled = self.pos_embed_window.repeat(1, 1, height // side, width // side)
        return (background + tiled).permute(0, 2, 3, 1)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Normalised pixels [n, 3, S, S] to the output of each stage, finest first, [n, c, h, w]."""
        x = self.patch_embed(pixels)
        x = x + self.position(*x.shape[1:3])
        levels = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.stage_ends:
                levels.append(x.permute(0, 3, 1, 2))
        return levels


def _pool(x: Tensor) -> Tensor:
    return F.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def _partition(x: Tensor, window: int) -> tuple[Tensor, tuple[int, int, int]]:
    """[n, h, w, c] to [n * windows, window, window, c], zeros at the bottom and right; and (n, rows, columns)."""
    count, height, width, channels = x.shape
    rows, columns = -(-height // window), -(-width // window)
    x = F.pad(x, (0, 0, 0, columns * window - width, 0, rows * window - height))
    x = x.reshape(count, rows, window, columns, window, channels).transpose(2, 3)
    return x.reshape(-1, window, window, channels), (count, rows, columns)


def _unpartition(windows: Tensor, grid: tuple[int, int, int], size: tuple[int, int]) -> Tensor:
    """Back to [n, h, w, c], what lies beyond `size` cut off."""
    count, rows, columns = grid
    window, channels = windows.shape[1], windows.shape[-1]
    x = windows.reshape(count, rows, columns, window, window, channels).transpose(2, 3)
    return x.reshape(count, rows * window, columns * window, channels)[:, : size[0], : size[1]]
