"""
The nano encoder with the mask decoder of SAM 2 / UnSAMv2 behind it: clicks and a granularity to mask logits.

Trained from scratch, that decoder collapses to empty masks. Two things hold it up: the metric at the click as one more
prompt token, and a second term of the logits that needs no decoder, scale · (reach(g) − ‖E_p − E_click‖), whose masks are
nested and grow with the granularity by construction.
"""

import torch
from torch import nn
from torch.nn import functional as F

from .mask_decoder import Features, MaskDecoder
from .nano_encoder import NanoEncoder
from .prompt_encoder import FOREGROUND, PromptEncoder

KNOTS = 11
"""Of the granularity axis, where the reach is learned; linear between."""


class MetricMasks(nn.Module):
    """scale · (reach(g) − distance), reach growing with g."""

    def __init__(self):
        super().__init__()
        # The reach begins at 0.3 and grows by 0.15 a knot: heights of 0.1 … 1 are distances of 0.2 … 2.
        self.start = nn.Parameter(torch.tensor(0.3))
        self.steps = nn.Parameter(torch.full((KNOTS - 1,), -1.82))
        self.scale = nn.Parameter(torch.tensor(1.0))

    def reach(self, granularity):
        """[n] in 0…1 → [n]; never falling."""
        knots = self.start + F.pad(F.softplus(self.steps).cumsum(0), (1, 0))
        at = granularity.clamp(0, 1) * (KNOTS - 1)
        low = at.floor().clamp(max=KNOTS - 2)
        index = low.long()
        return knots[index] + (at - low) * (knots[index + 1] - knots[index])

    def forward(self, metric, at_click, granularity):
        """`metric` [n, c, h, w], `at_click` [n, c] → logits [n, h, w]."""
        distance = ((metric - at_click[:, :, None, None]).square().sum(1) + 1e-6).sqrt()
        return F.softplus(self.scale) * 4 * (self.reach(granularity)[:, None, None] - distance)


class NanoPrompted(nn.Module):
    """`use_metric`, `use_decoder`: which terms the logits have, for ablations."""

    def __init__(self, image_size, use_metric=True, use_decoder=True):
        super().__init__()
        self.image_size, self.use_metric, self.use_decoder = image_size, use_metric, use_decoder
        self.encoder = NanoEncoder(prompted=True)
        self.metric_masks = MetricMasks()
        self.prompt_encoder = PromptEncoder(256, image_size)
        self.mask_decoder = MaskDecoder(256, object_score="none")
        self.click_token = nn.Linear(self.encoder.metric.out_channels, 256)
        # The features come at their final widths, one mask is wanted, and there is always an object and no mask prompt.
        self.mask_decoder.conv_s0 = self.mask_decoder.conv_s1 = nn.Identity()
        del self.mask_decoder.output_hypernetworks_mlps
        del self.prompt_encoder.mask_downscaling
        for kind, embedding in enumerate(self.prompt_encoder.point_embeddings):
            embedding.requires_grad_(kind == FOREGROUND)

    def forward(self, pixels, images, clicks, granularity):
        """
        `pixels` [b, 4, s, s]; per prompt its image [n], its click [n, 2] in pixels (x, y), its granularity [n].
        Returns logits [n, s/4, s/4], predicted IoU [n], and the encoder's own outputs.
        """
        out = self.encoder(pixels)
        metric = F.avg_pool2d(out["metric"].float(), 2)[images]
        side = metric.shape[-1]
        cell = (clicks / 4).long().clamp(0, side - 1)
        at_click = metric[torch.arange(len(images)), :, cell[:, 1], cell[:, 0]]
        logits = self.metric_masks(metric, at_click, granularity) if self.use_metric else 0
        iou = granularity * 0
        if self.use_decoder:
            labels = torch.full((len(images), 1), FOREGROUND, device=clicks.device)
            tokens = self.prompt_encoder.tokens(clicks[:, None].float(), labels, granularity)
            if self.use_metric:
                tokens = torch.cat([tokens, self.click_token(at_click)[:, None]], 1)
            features = Features(out["image_embed"], out["high_res_0"], out["high_res_1"]).of(images)
            position = self.prompt_encoder.pe_layer.grid(self.image_size // 16)
            decoded = self.mask_decoder(features, position, tokens, self.prompt_encoder.no_mask())
            logits = logits + decoded.masks[:, 0].float()
            iou = decoded.iou[:, 0].float()
        return logits, iou, out
