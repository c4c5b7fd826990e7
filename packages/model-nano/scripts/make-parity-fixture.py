"""
Makes packages/core/fixtures/nano: a tiny nano encoder with random weights, an image, and what PyTorch gives for it.

    PYTHONPATH=training python3 packages/model-nano/scripts/make-parity-fixture.py packages/core/fixtures/nano
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from unsam_training.checkpoint.safetensors_file import write_safetensors
from unsam_training.modules.nano_encoder import NanoEncoder, folded, network_input

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
model = NanoEncoder(widths=(6, 8, 10, 12, 14), up=(7, 9, 11, 13), blocks=(1, 2, 1, 1), metric=5, prompted=True)
y, x = np.mgrid[0:64, 0:96]
rgb = np.stack([2 * x, 3 * y, 128 + 100 * np.sin(x / 7) * np.cos(y / 5)], 2).astype(np.uint8)
pixels = network_input(torch.from_numpy(rgb)[None])
for module in model.modules():
    if isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.2)
        nn.init.normal_(module.bias, 0, 0.2)
        module.momentum = None
with torch.no_grad():
    for _ in range(3):
        model(pixels + 0.1 * torch.randn_like(pixels))
    model.eval()
    out = model(pixels)
out["border"] = torch.sigmoid(out.pop("boundary"))
write_safetensors(folder / "nano.safetensors", folded(model))
np.save(folder / "rgb.npy", rgb.astype(np.float32))
np.save(folder / "pixels.npy", pixels.numpy())
for name, value in out.items():
    np.save(folder / f"{name}.npy", value.numpy())
