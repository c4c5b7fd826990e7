"""The mask decoder's transformer (SAM, section A)."""

from __future__ import annotations

from torch import Tensor, nn

from .layers import MLP, LayerNorm, attend


class Attention(nn.Module):
    """Multi-head attention at `width / downsample` between projections `q_proj`, `k_proj`, `v_proj`, `out_proj`."""

    def __init__(self, width: int, heads: int, downsample: int = 1) -> None:
        super().__init__()
        inner = width // downsample
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(width, inner) for _ in range(3))
        self.out_proj = nn.Linear(inner, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
        """[n, tokens, d] each; `bias` [n, 1, 1, keys] is added to the scores."""
        attended = attend(
            self._split(self.q_proj(query)), self._split(self.k_proj(key)), self._split(self.v_proj(value)), bias
        )
        return self.out_proj(attended.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, x.shape[2] // self.heads)).transpose(1, 2)


class _Layer(nn.Module):
    def __init__(self, width: int, heads: int, mlp_width: int, first: bool) -> None:
        super().__init__()
        self.first = first
        self.self_attn = Attention(width, heads)
        self.norm1 = LayerNorm(width)
        self.cross_attn_token_to_image = Attention(width, heads, 2)
        self.norm2 = LayerNorm(width)
        self.mlp = MLP(width, mlp_width, width)
        self.norm3 = LayerNorm(width)
        self.norm4 = LayerNorm(width)
        self.cross_attn_image_to_token = Attention(width, heads, 2)

    def forward(
        self, tokens: Tensor, image: Tensor, initial: Tensor, position: Tensor, bias: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        # The very first self-attention replaces its input, and knows no positions.
        if self.first:
            tokens = self.self_attn(tokens, tokens, tokens, bias)
        else:
            placed = tokens + initial
            tokens = tokens + self.self_attn(placed, placed, tokens, bias)
        tokens = self.norm1(tokens)
        tokens = self.norm2(tokens + self.cross_attn_token_to_image(tokens + initial, image + position, image))
        tokens = self.norm3(tokens + self.mlp(tokens))
        told = self.cross_attn_image_to_token(image + position, tokens + initial, tokens, bias)
        return tokens, self.norm4(image + told)


class TwoWayTransformer(nn.Module):
    def __init__(self, width: int = 256, heads: int = 8, mlp_width: int = 2048, depth: int = 2) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_Layer(width, heads, mlp_width, index == 0) for index in range(depth))
        self.final_attn_token_to_image = Attention(width, heads, 2)
        self.norm_final_attn = LayerNorm(width)

    def forward(
        self, tokens: Tensor, image: Tensor, position: Tensor, bias: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Tokens [n, t, d] and image tokens [n, cells, d] with their positions [cells, d] to both afterwards. `bias`
        [n, 1, 1, t]: 0, or a large negative number for tokens that must not be seen."""
        initial = tokens
        for layer in self.layers:
            tokens, image = layer(tokens, image, initial, position, bias)
        last = self.final_attn_token_to_image(tokens + initial, image + position, image)
        return self.norm_final_attn(tokens + last), image
