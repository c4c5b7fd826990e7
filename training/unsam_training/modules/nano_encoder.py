"""
The image encoder of the nano model: a small convolutional network with one pyramid going down and one coming up.

It gives what the built-in engine adds to the region tree (boundary strength and an embedding at S/2), and the features
a SAM 2 mask decoder takes (256 at S/16, 64 at S/8, 32 at S/4). Plain 3 × 3 convolutions with batch normalisation: they
run fast on processors without a GPU, and normalisation folds into them on export.
"""

import torch
from torch import nn
from torch.nn import functional as F

STRIDE = 32
"""Sides of the input must be multiples of this many pixels."""

INPUT_CHANNELS = 4
"""L / 50 − 1, a / 40, b / 40, and L standardised over the image."""


class ConvNorm(nn.Module):
    """Convolution and batch normalisation, then ReLU unless `linear`."""

    def __init__(self, inputs, outputs, kernel=3, stride=1, linear=False):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, momentum=0.03)
        self.linear = linear

    def forward(self, x):
        x = self.norm(self.conv(x))
        return x if self.linear else F.relu(x)


class Residual(nn.Module):
    """x + two convolutions (He et al. 2016)."""

    def __init__(self, width):
        super().__init__()
        self.first = ConvNorm(width, width)
        self.second = ConvNorm(width, width, linear=True)
        # Begins as the identity, so that depth costs nothing at the start (Goyal et al. 2017).
        nn.init.zeros_(self.second.norm.weight)

    def forward(self, x):
        return F.relu(x + self.second(self.first(x)))


class Stage(nn.Sequential):
    """Half the side, then residual blocks."""

    def __init__(self, inputs, outputs, blocks):
        super().__init__(ConvNorm(inputs, outputs, stride=2), *[Residual(outputs) for _ in range(blocks)])


class NanoEncoder(nn.Module):
    """
    `pixels` [b, 4, h, w] (see INPUT_CHANNELS, sides multiples of STRIDE) to a dictionary:
    `boundary` [b, 2, h/2, w/2] logits: is here a border of any two regions; how high in the part–whole tree it lies.
    `metric` [b, metric, h/2, w/2]: distances between pixels are twice the height of their smallest common node.
    With `prompted` also `image_embed` [b, 256, h/16, w/16], `high_res_1` [b, 64, h/8, w/8], `high_res_0` [b, 32, h/4, w/4].
    """

    def __init__(self, widths=(16, 48, 96, 192, 256), up=(24, 48, 64, 128), blocks=(2, 2, 3, 2), metric=16, prompted=False):
        super().__init__()
        self.stem = nn.Sequential(ConvNorm(INPUT_CHANNELS, widths[0], 5, 2), ConvNorm(widths[0], widths[0]))
        self.stages = nn.ModuleList(Stage(widths[k], widths[k + 1], blocks[k]) for k in range(4))
        self.top = ConvNorm(widths[4], up[3], 1, linear=True)
        self.lateral = nn.ModuleList(ConvNorm(widths[k], up[k], 1, linear=True) for k in range(4))
        self.reduce = nn.ModuleList(ConvNorm(up[k + 1], up[k], 1, linear=True) for k in range(3))
        self.smooth = nn.ModuleList(ConvNorm(up[k], up[k]) for k in range(4))
        self.boundary = nn.Conv2d(up[0], 2, 1)
        self.metric = nn.Conv2d(up[0], metric, 1)
        self.colour = nn.Parameter(torch.full((3,), 0.5))
        self.prompted = prompted
        if prompted:
            self.image_embed = nn.Conv2d(up[3], 256, 1)
            self.high_res_1 = nn.Conv2d(up[2], 64, 1)
            self.high_res_0 = nn.Conv2d(up[1], 32, 1)
        nn.init.constant_(self.boundary.bias, -2.0)

    def forward(self, pixels):
        levels = [self.stem(pixels)]
        for stage in self.stages:
            levels.append(stage(levels[-1]))
        x = self.top(levels[4])
        pyramid = [None] * 4
        for k in (3, 2, 1, 0):
            below = x if k == 3 else self.reduce[k](x)
            x = self.smooth[k](F.relu(self.lateral[k](levels[k]) + F.interpolate(below, scale_factor=2.0, mode="nearest")))
            pyramid[k] = x
        # The metric starts from colour, so that training begins where a flood fill stands.
        colour = F.avg_pool2d(pixels[:, :3], 2) * self.colour[:, None, None]
        metric = self.metric(x)
        metric = torch.cat([metric[:, :3] + colour, metric[:, 3:]], 1)
        out = {"boundary": self.boundary(x), "metric": metric}
        if self.prompted:
            out["image_embed"] = self.image_embed(pyramid[3])
            out["high_res_1"] = self.high_res_1(pyramid[2])
            out["high_res_0"] = self.high_res_0(pyramid[1])
        return out


def network_input(rgb):
    """sRGB [b, h, w, 3] uint8 → [b, 4, h, w] float32 as NanoEncoder takes it. CIE Lab under D65 (IEC 61966-2-1)."""
    c = rgb.float() / 255
    linear = torch.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    matrix = linear.new_tensor(
        [
            [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047],
            [0.2126729, 0.7151522, 0.072175],
            [0.0193339 / 1.08883, 0.119192 / 1.08883, 0.9503041 / 1.08883],
        ]
    )
    t = (linear @ matrix.T).clamp(max=1)
    f = torch.where(t > 216 / 24389, t.clamp(min=1e-6) ** (1 / 3), (t * (24389 / 27) + 16) / 116)
    lightness = 116 * f[..., 1] - 16
    mean = lightness.mean((1, 2), keepdim=True)
    spread = lightness.std((1, 2), unbiased=False, keepdim=True)
    a = 500 * (f[..., 0] - f[..., 1])
    b = 200 * (f[..., 1] - f[..., 2])
    return torch.stack([lightness / 50 - 1, a / 40, b / 40, (lightness - mean) / (spread + 2)], 1)


def folded(model):
    """
    The tensors of the encoder as inference uses them, float32 by name: batch normalisation folded into the convolution
    before it, the way of colour into the metric as a 2 × 2 convolution.
    """
    tensors = {}
    for name, module in model.named_modules():
        if isinstance(module, ConvNorm):
            norm = module.norm
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            tensors[f"{name}.weight"] = module.conv.weight * scale[:, None, None, None]
            tensors[f"{name}.bias"] = norm.bias - norm.running_mean * scale
        elif isinstance(module, nn.Conv2d) and not name.endswith(".conv"):
            tensors[f"{name}.weight"], tensors[f"{name}.bias"] = module.weight, module.bias
    colour = torch.zeros(model.metric.out_channels, INPUT_CHANNELS, 2, 2)
    for k in range(3):
        colour[k, k] = model.colour[k].detach() / 4
    tensors["colour.weight"], tensors["colour.bias"] = colour, torch.zeros(len(colour))
    return {name: tensor.detach().float().contiguous() for name, tensor in tensors.items()}
