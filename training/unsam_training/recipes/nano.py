"""
The nano model's encoder, from scratch: boundaries and a metric embedding, learned from synthetic scenes with exact
part–whole trees and, more lightly, from photos with the region tree's own hierarchy and from collages of such photos.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..checkpoint.safetensors_file import write_safetensors
from ..data.nano_samples import NanoSamples, ScenePool, TreePhotos
from ..data.scenes import shippable_photos
from ..data.scenes_textures import TextureBank
from ..errors import BadInput
from ..modules.nano_encoder import NanoEncoder, folded, network_input
from ..objectives.nano_dense import boundary_loss, tree_distance_loss

DEFAULTS = {
    "images": None,  # folder with index.csv; only its shippable photos are used
    "labels": None,  # region trees of the photos (packages/model-nano/scripts/export-trees.mjs); None: scenes alone
    "batch_size": 8,
    "size": 256,  # side of a training crop in pixels
    "scenes": 4000,  # how many scenes there are
    "scene_size": 320,
    "cache": "runs/scenes",  # where made scenes are kept
    "photo_share": 0.35,  # of the samples; the rest are scenes
    "collage_share": 0.6,  # of the photo samples
    "photo_weight": 0.4,  # of a photo's borders beside a scene's
    "boundary": 2.0,  # weights of the objectives; 0 switches one off
    "tree_distance": 1.0,
}
SETTINGS = {
    "steps": 3000,
    "learning_rate": 2e-3,
    "ema_decay": 0.998,
    "clip_norm": 2.0,
    "precision": "bfloat16",
    "threads": 1,
    "log_every": 20,
    "checkpoint_every": 100,
}

_HELD_OUT = 16


def textures(options):
    """The photos that may be used, the textures cut from them, and the folder of the scenes made with these."""
    if not options["images"]:
        raise BadInput("This recipe needs --images: a folder of photos with its index.csv.")
    files = shippable_photos(options["images"])
    # A changed list of photos makes other scenes, so they are kept apart.
    key = hashlib.sha256("\n".join(file.name for file in files).encode()).hexdigest()[:8]
    return files, TextureBank(files), Path(options["cache"]) / key


class _Nano:
    def __init__(self, options):
        self.options = options
        self.held_out = None

    def build_model(self, options):
        return NanoEncoder().to(memory_format=torch.channels_last)

    def parameter_groups(self, model):
        trained = list(model.parameters())
        return [
            {"params": [p for p in trained if p.ndim > 1], "name": "convolutions"},
            {"params": [p for p in trained if p.ndim <= 1], "name": "norms and biases", "weight_decay": 0.0},
        ]

    def build_data(self, options, seed):
        files, bank, cache = textures(options)
        pool = ScenePool(seed, options["scenes"], options["scene_size"], bank, cache)
        photos = TreePhotos(files, options["labels"]) if options["labels"] else None
        held_out = ScenePool(seed + 1, _HELD_OUT, options["size"], bank, cache)
        self.held_out = NanoSamples(seed + 1, _HELD_OUT, options["size"], held_out)
        return NanoSamples(
            seed,
            options["batch_size"],
            options["size"],
            pool,
            photos,
            options["photo_share"],
            options["collage_share"],
            options["photo_weight"],
        )

    def losses(self, model, batch):
        with torch.autocast(batch["image"].device.type, enabled=False):
            pixels = network_input(batch["image"]).contiguous(memory_format=torch.channels_last)
        out = model(pixels)
        with torch.autocast(batch["image"].device.type, enabled=False):
            losses = {
                "boundary": boundary_loss(out["boundary"].float(), batch["height"], batch["weight"]),
                "tree_distance": tree_distance_loss(out["metric"].float(), batch["points"], batch["target"]),
            }
        return {
            **{name: self.options[name] * loss for name, loss in losses.items() if self.options[name] > 0},
            **{f"report/{name}": loss.detach() for name, loss in losses.items() if self.options[name] == 0},
        }

    def evaluate(self, model):
        """Unweighted losses on scenes that no training step sees."""
        batch = self.held_out.collate([self.held_out.sample(0, k) for k in range(_HELD_OUT)])
        out = model(network_input(batch["image"]))
        return {
            "boundary": boundary_loss(out["boundary"], batch["height"]),
            "tree_distance": tree_distance_loss(out["metric"], batch["points"], batch["target"]),
        }

    def previews(self, model):
        pictures = []
        for k in range(6):
            sample = self.held_out.sample(1, k)
            image = sample["image"]
            out = model(network_input(image[None]))
            border = torch.sigmoid(out["boundary"][0])
            metric = out["metric"][0, :3]
            low, high = metric.amin((1, 2), keepdim=True), metric.amax((1, 2), keepdim=True)
            metric = (metric - low) / (high - low + 1e-6)
            planes = [sample["height"], border[0], border[1]]
            tiles = [image.numpy()]
            tiles += [np.repeat(_enlarged(plane)[..., None], 3, 2) for plane in planes]
            tiles += [np.stack([_enlarged(plane) for plane in metric], 2)]
            pictures.append(("photo, true heights, border, height, metric", np.concatenate(tiles, 1)))
        return pictures

    def export(self, model, path):
        tensors = {name: tensor.half() for name, tensor in folded(model).items()}
        write_safetensors(path, tensors, {"model": "unsam-nano"})
        return {"tensors": len(tensors), "parameters": sum(tensor.numel() for tensor in tensors.values())}


def _enlarged(plane):
    image = Image.fromarray((plane.float().clamp(0, 1).numpy() * 255).astype(np.uint8))
    return np.asarray(image.resize((2 * image.width, 2 * image.height), Image.NEAREST))


def create(options):
    return _Nano(options)
