"""A recipe of two linear layers on random points: everything that the trainer asks of one, and fast."""

import time

import numpy as np
import torch
from torch import nn

from unsam_training.checkpoint.safetensors_file import write_safetensors
from unsam_training.seeding import generator

DEFAULTS = {"batch_size": 8, "noise": 0.0, "explode_from": -1, "pause": 0.0}
SETTINGS = {"steps": 40, "learning_rate": 1e-2, "warmup_steps": 4, "log_every": 1, "ema_decay": 0.9}


class _Data:
    def __init__(self, options, seed):
        self.batch_size, self.seed, self.pause = options["batch_size"], seed, options["pause"]

    def sample(self, step, index):
        time.sleep(self.pause)
        return generator(self.seed, step, index).normal(size=3).astype(np.float32)

    def collate(self, samples):
        return {"points": torch.from_numpy(np.stack(samples)), "kind": ("toy", len(samples))}


class _Toy:
    def __init__(self, options):
        self.options = options
        self.calls = 0

    def build_model(self, options):
        model = nn.Sequential(nn.Linear(3, 16), nn.Dropout(0.1), nn.Tanh(), nn.Linear(16, 1))
        model.register_parameter("frozen", nn.Parameter(torch.ones(2), requires_grad=False))
        return model

    def parameter_groups(self, model):
        return [
            {"params": [p for name, p in model.named_parameters() if name.endswith("weight")]},
            {"params": [p for name, p in model.named_parameters() if name.endswith("bias")], "weight_decay": 0.0},
        ]

    def build_data(self, options, seed):
        return _Data(options, seed)

    def losses(self, model, batch):
        points = batch["points"]
        target = points[:, :1] - points[:, 1:2]
        # Random numbers in the losses have to come back as well.
        given = points + self.options["noise"] * torch.randn_like(points)
        error = (model(given) - target).square().mean()
        self.calls += 1
        if 0 <= self.options["explode_from"] < self.calls:
            error = error * float("nan")
        return {"error": error, "report/mean": points.mean()}

    def previews(self, model):
        return [("a square", np.full((20, 30, 3), 128, np.uint8))]

    def evaluate(self, model):
        return {"weight": float(model[0].weight.abs().mean())}

    def export(self, model, path):
        write_safetensors(path, {name: value.detach() for name, value in model.named_parameters()})
        return {"tensors": len(list(model.parameters()))}


def create(options):
    return _Toy(options)
