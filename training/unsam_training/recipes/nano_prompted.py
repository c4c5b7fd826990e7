"""
The nano encoder with a mask decoder, prompted by clicks and granularities of synthetic scenes: the variant of the nano
model that is no region tree. docs/training.md says what it reaches.
"""

import numpy as np
import torch
from PIL import Image

from ..checkpoint.safetensors_file import write_safetensors
from ..data.nano_prompts import NanoPrompts
from ..data.nano_samples import ScenePool
from ..errors import BadInput
from ..modules.nano_encoder import network_input
from ..modules.nano_prompted import NanoPrompted
from ..objectives.mask_loss import mask_losses
from ..objectives.nano_dense import boundary_loss, tree_distance_loss
from ..trainer.checkpoint import load_run
from .nano import DEFAULTS as NANO
from .nano import SETTINGS as NANO_SETTINGS
from .nano import textures

DEFAULTS = {
    **{name: NANO[name] for name in ("images", "scenes", "scene_size", "cache", "boundary", "tree_distance")},
    "batch_size": 4,
    "size": 192,
    "checkpoint": None,  # last.pt of a run of the recipe `nano`, whose encoder is kept as it is; None: all from scratch
    "metric_term": True,  # scale · (reach(g) − distance) in the logits, and the metric at the click as a token
    "decoder_term": True,  # the mask decoder's masks in the logits
    "focal": 20.0,
    "dice": 1.0,
    "iou": 1.0,
}
SETTINGS = {**NANO_SETTINGS, "steps": 1000, "learning_rate": 5e-4}

_HELD_OUT = 16


class _NanoPrompted:
    def __init__(self, options):
        if not (options["metric_term"] or options["decoder_term"]):
            raise BadInput("metric_term and decoder_term are both off; nothing would make masks.")
        self.options = options
        self.held_out = None

    def build_model(self, options):
        model = NanoPrompted(options["size"], options["metric_term"], options["decoder_term"])
        if options["checkpoint"]:
            state = load_run(options["checkpoint"])
            own = model.encoder.state_dict()
            given = {**state["model"], **(state["average"] or {})}
            unknown = sorted(given.keys() - own.keys())
            if unknown:
                raise BadInput(f"{options['checkpoint']} is no run of the recipe nano: it has {unknown[0]}.")
            model.encoder.load_state_dict({**own, **given})
            for name, parameter in model.encoder.named_parameters():
                parameter.requires_grad_(name not in given)
        used = set() if options["decoder_term"] else {"prompt_encoder", "mask_decoder", "click_token"}
        if not options["metric_term"]:
            used |= {"metric_masks", "click_token"}
        for name, parameter in model.named_parameters():
            top, _, rest = name.partition(".")
            head = rest.startswith(("image_embed", "high_res")) and not options["decoder_term"]
            if top in used or head:
                parameter.requires_grad_(False)
        return model.to(memory_format=torch.channels_last)

    def parameter_groups(self, model):
        trained = [p for p in model.parameters() if p.requires_grad]
        return [
            {"params": [p for p in trained if p.ndim > 1], "name": "matrices"},
            {"params": [p for p in trained if p.ndim <= 1], "name": "norms and biases", "weight_decay": 0.0},
        ]

    def build_data(self, options, seed):
        _, bank, cache = textures(options)
        pool = ScenePool(seed, options["scenes"], options["scene_size"], bank, cache)
        held_out = ScenePool(seed + 1, _HELD_OUT, options["scene_size"], bank, cache)
        self.held_out = NanoPrompts(seed + 1, _HELD_OUT, options["size"], held_out)
        return NanoPrompts(seed, options["batch_size"], options["size"], pool)

    def losses(self, model, batch):
        if self.options["checkpoint"]:
            model.encoder.eval()  # its normalisation has seen photos too
        device = batch["image"].device.type
        with torch.autocast(device, enabled=False):
            pixels = network_input(batch["image"]).contiguous(memory_format=torch.channels_last)
        logits, iou, out = model(pixels, batch["images"], batch["clicks"], batch["granularity"])
        with torch.autocast(device, enabled=False):
            parts = mask_losses(logits, batch["masks"], iou, torch.ones_like(batch["granularity"]))
            losses = {"focal": parts.focal, "dice": parts.dice, "iou": parts.iou}
            if not self.options["decoder_term"]:
                losses.pop("iou")
            if not self.options["checkpoint"]:
                losses["boundary"] = boundary_loss(out["boundary"].float(), batch["height"])
                losses["tree_distance"] = tree_distance_loss(out["metric"].float(), batch["points"], batch["target"])
        weighted = {name: self.options[name] * loss for name, loss in losses.items()}
        return {**weighted, "report/true_iou": parts.true_iou.detach()}

    def evaluate(self, model):
        """Mean IoU of the masks of prompts on scenes that no training step sees."""
        batch = self.held_out.collate([self.held_out.sample(0, k) for k in range(_HELD_OUT)])
        logits, iou, _ = model(network_input(batch["image"]), batch["images"], batch["clicks"], batch["granularity"])
        parts = mask_losses(logits, batch["masks"], iou, torch.ones_like(batch["granularity"]))
        return {"mask_iou": parts.true_iou, "iou_error": parts.iou}

    def previews(self, model):
        sample = self.held_out.sample(1, 0)
        batch = self.held_out.collate([sample])
        logits, _, _ = model(network_input(batch["image"]), batch["images"], batch["clicks"], batch["granularity"])
        tiles = [sample["image"].numpy()]
        for truth, found in zip(batch["masks"], logits > 0):
            both = np.stack([found.numpy(), truth.numpy(), truth.numpy()], 2).astype(np.uint8) * 255
            tiles.append(np.asarray(Image.fromarray(both).resize(tiles[0].shape[1::-1], Image.NEAREST)))
        return [("photo; found red, wanted cyan", np.concatenate(tiles, 1))]

    def export(self, model, path):
        tensors = {name: value for name, value in model.state_dict().items() if value.is_floating_point()}
        write_safetensors(path, tensors, {"model": "unsam-nano-prompted"})
        return {"tensors": len(tensors)}


def create(options):
    return _NanoPrompted(options)
