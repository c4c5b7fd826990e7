"""Adapts an official checkpoint to a folder of images and their pseudo-labels, as the paper does (UnSAMv2, section 3).

The image encoder is frozen; a LoRA of rank 8 on the mask decoder's seven attentions, the granularity encoder, the
granularity mask token and its hypernetwork are trained. A plain SAM 2.1 gets the granularity modules first.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..checkpoint.safetensors_file import write_safetensors
from ..checkpoint.state_dict import read_state_dict
from ..data.augment import Augmentation
from ..data.labels import LabelledImage, held_out, labelled_images
from ..data.prompts import click_prompt, draw_click, moved_prompts
from ..data.samples import FRESH, Batch, LabelledViews, Sampling, Sight
from ..devices import to_device
from ..errors import BadInput, TrainingFailed
from ..modules.config import ModelConfig, parse_config, read_config, recognised_config, written_config
from ..modules.feature_cache import FeatureCache
from ..modules.lora import lora_parameters, start_from_normal
from ..modules.mask_decoder import Decoded, Features
from ..modules.model import Prompts, SegmentationModel, load_model, normalised
from ..objectives.boundary_alignment import boundary_alignment
from ..objectives.consistency import consistency_loss
from ..objectives.correction import Answer, corrections, enlarged
from ..objectives.mask_loss import mask_losses, object_loss
from ..objectives.patch_contrast import patch_contrast
from ..pictures import contact_row
from ..seeding import generator
from ..whole_file import write_text

DEFAULTS: dict[str, Any] = {
    "images": None,
    "labels": None,
    "checkpoint": None,
    "config": None,
    "weights": None,  # which weights of the checkpoint, where it holds several
    "batch_size": 4,
    "held_out": 0.1,  # share of the images that are measured on, not trained on
    "prompts_per_image": 8,
    "lora_rank": 8,
    # Standard deviation of a new LoRA's A; 0: as a linear layer starts.
    "lora_std": 0.0,
    # Views of each image that come back, so that frozen features are computed once; -1: new ones every time.
    "views": 4,
    "cache_gib": 2.0,
    "box_probability": 0.25,
    "chain_probability": 0.5,
    # Weights of the objectives; 0 switches one off.
    "focal": 20.0,
    "dice": 1.0,
    "iou": 1.0,
    "object_score": 0.0,
    "correction_rounds": 1,
    "correction_from_truth": 0.0,  # chance of a round whose clicks are drawn from the target, whatever is wrong
    "correction_sum": False,  # rounds are added, not averaged
    "full_resolution": False,  # mask losses at the network's input size, not at a quarter of it
    "consistency": 0.25,
    "patch_contrast": 0.05,
    "boundary_alignment": 0.05,
    # Augmentation: see data/augment.py.
    **{f"augment_{name}": getattr(Augmentation(), name) for name in Augmentation.__dataclass_fields__},
}
SETTINGS: dict[str, Any] = {
    "steps": 2000,
    "learning_rate": 1e-4,
    "warmup_steps": 100,
    "weight_decay": 0.01,
    "clip_norm": 1.0,
    "log_every": 1,
    "checkpoint_every": 200,
    "preview_every": 200,
    "evaluate_every": 200,
}

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    # As the authors train: their objectives and prompts, none of our own.
    "unsamv2": {
        "options": {
            "prompts_per_image": 30,
            "box_probability": 0.0,
            "lora_std": 0.01,
            "object_score": 1.0,
            "correction_rounds": 3,
            "correction_from_truth": 0.1,
            "correction_sum": True,
            "full_resolution": True,
            "consistency": 0.0,
            "patch_contrast": 0.0,
            "boundary_alignment": 0.0,
            "augment_rotation": 25.0,
            "augment_shear": 0.364,  # the tangent of 20 degrees
        },
        "settings": {"weight_decay": 1e-5},
    }
}

_PREVIEW_IMAGES = 6
_PREVIEW_PAIRS = 3
_EVALUATED_IMAGES = 32
_PREVIEW_LEVELS = (0.1, 0.4, 0.7, 1.0)


def create(options: dict[str, Any]) -> "Adapt":
    return Adapt(options)


class Adapt:
    def __init__(self, options: Mapping[str, Any]) -> None:
        for name in ("images", "labels", "checkpoint"):
            if not options[name]:
                hint = "; `unsam pseudo-label DIR --out LABELS` makes them" if name == "labels" else ""
                raise BadInput(f"The recipe adapt needs --{name}{hint}.")
        self.options = options
        self.tensors = read_state_dict(options["checkpoint"], options["weights"])
        self.config = self._read_config()
        self.data: LabelledViews | None = None
        self.apart: list[LabelledImage] = []
        self.cache = FeatureCache(int(options["cache_gib"] * 2**30))
        # Views that never come again are not worth keeping.
        self.keeps = options["views"] != FRESH

    def _read_config(self) -> ModelConfig:
        if self.options["config"]:
            return parse_config(read_config(self.options["config"]))
        found = recognised_config(self.tensors)
        if found is None:
            raise BadInput("The checkpoint has no published size; give its --config (JSON, keys of the official YAML).")
        return found

    def build_model(self, options: Mapping[str, Any]) -> nn.Module:
        loaded = load_model(self.tensors, self.config, granularity=True, lora_rank=options["lora_rank"])
        self.carried, self.added = loaded.carried, loaded.added
        if options["lora_std"] and not any(name.endswith(".lora_A") for name in self.tensors):
            start_from_normal(loaded.model, options["lora_std"])
        model = loaded.model.requires_grad_(False)
        for part in trained_parts(model).values():
            for parameter in part:
                parameter.requires_grad_(True)
        return model

    def parameter_groups(self, model: nn.Module) -> list[dict[str, Any]]:
        # Embeddings and biases are not pulled to zero.
        parameters = [p for part in trained_parts(model).values() for p in part]
        matrices = [p for p in parameters if p.ndim == 2 and p.shape[0] > 1]
        others = [p for p in parameters if not (p.ndim == 2 and p.shape[0] > 1)]
        return [{"name": "matrices", "params": matrices}, {"name": "others", "params": others, "weight_decay": 0.0}]

    def build_data(self, options: Mapping[str, Any], seed: int) -> LabelledViews:
        images = labelled_images(Path(options["images"]), Path(options["labels"]))
        side = self.config.image_size
        how = Sampling(
            side=side,
            target_side=side if options["full_resolution"] else side // 4,
            batch_size=options["batch_size"],
            prompts_per_image=options["prompts_per_image"],
            views=options["views"],
            box_probability=options["box_probability"],
            chain_probability=options["chain_probability"],
            augmentation=Augmentation(
                **{name: options[f"augment_{name}"] for name in Augmentation.__dataclass_fields__}
            ),
        )
        if not 0 <= options["held_out"] < 1:
            raise BadInput(f"held_out is {options['held_out']}; give a share from 0 to below 1.")
        trained, self.apart = held_out(images, options["held_out"])
        self.data = LabelledViews([*trained, *self.apart], how, seed, len(trained))
        return self.data

    def losses(self, model: SegmentationModel, batch: Batch) -> dict[str, Tensor]:
        options = self.options
        features = self._features(model, batch.first)
        first = model.decode(features, Prompts(batch.images, batch.coords, batch.labels, batch.granularity))
        named = self._supervised("", _answer(first), batch)
        if options["correction_rounds"]:
            rounds = [
                self._supervised("correction_", a, batch) for a in self._corrections(model, features, first, batch)
            ]
            named.update({name: self._over_rounds(name, rounds) for name in rounds[0]})
        regions = at_quarter(batch.masks, self.config.image_size // 4).long()
        if options["boundary_alignment"]:
            named["boundary_alignment"] = options["boundary_alignment"] * boundary_alignment(first.upscaled, regions)
        if options["consistency"] or options["patch_contrast"]:
            named.update(self._two_views(model, first, batch, regions))
        return named

    def _supervised(self, prefix: str, answer: Answer, batch: Batch) -> dict[str, Tensor]:
        logits = enlarged(answer.logits, batch.masks)[:, 0]
        found = mask_losses(logits, batch.masks, answer.iou, batch.weight)
        weighted = {f"{prefix}{name}": self.options[name] * getattr(found, name) for name in ("focal", "dice", "iou")}
        if self.options["object_score"] and answer.object_score is not None:
            loss = object_loss(answer.object_score, batch.masks, batch.weight)
            weighted[f"{prefix}object_score"] = self.options["object_score"] * loss
        kept = {name: value for name, value in weighted.items() if self.options[name.removeprefix(prefix)]}
        return {**kept, f"report/{prefix}true_iou": found.true_iou}

    def _over_rounds(self, name: str, rounds: list[dict[str, Tensor]]) -> Tensor:
        values = torch.stack([found[name] for found in rounds])
        return values.sum() if self.options["correction_sum"] and not name.startswith("report/") else values.mean()

    def _corrections(self, model: SegmentationModel, features: Features, first: Decoded, batch: Batch):
        def answer(coords: Tensor, labels: Tensor, mask: Tensor) -> Answer:
            return _answer(model.decode(features, Prompts(batch.images, coords, labels, batch.granularity, mask)))

        stride = self.config.image_size / batch.masks.shape[-1]
        rounds = self.options["correction_rounds"]
        return corrections(answer, _answer(first), batch.coords, batch.labels, batch.masks, rounds, stride, self.options["correction_from_truth"])

    def _two_views(self, model: SegmentationModel, first: Decoded, batch: Batch, regions: Tensor) -> dict[str, Tensor]:
        """The same prompts on the second view: consistency of the masks, contrast of the features."""
        options, side = self.options, self.config.image_size
        between = batch.between[batch.images]
        coords = moved_prompts(batch.coords, batch.labels, between)
        # A prompt that leaves the second view asks nothing of it.
        inside = ((coords >= -0.5) & (coords <= side - 0.5)).flatten(1).all(1)
        weight = batch.weight * inside
        prompts = Prompts(batch.images, coords.clamp(-0.5, side - 0.5), batch.labels, batch.granularity)
        second = model.decode(self._features(model, batch.second), prompts)
        # The map in units of low-resolution pixels.
        scale = torch.diag(torch.tensor([0.25, 0.25, 1.0], dtype=between.dtype, device=between.device))
        between = scale @ between @ torch.linalg.inv(scale)
        same = (
            (batch.between == torch.eye(3, dtype=between.dtype, device=between.device)).flatten(1).all(1)[batch.images]
        )
        between = torch.where(same[:, None, None], torch.eye(3, dtype=between.dtype, device=between.device), between)
        named = {}
        if options["consistency"]:
            loss = consistency_loss(first.masks[:, 0], second.masks[:, 0], between, weight)
            named["consistency"] = options["consistency"] * loss
        if options["patch_contrast"]:
            carried = carried_regions(regions, between)
            carried = torch.where((weight > 0)[:, None, None], carried, torch.full_like(carried, -1))
            named["patch_contrast"] = options["patch_contrast"] * patch_contrast(
                first.upscaled, second.upscaled, regions, carried
            )
        return named

    def _features(self, model: SegmentationModel, sights: list[Sight]) -> Features:
        device = next(model.parameters()).device

        def encode(sight: Sight) -> Features:
            with torch.no_grad():
                return model.encode(normalised(self.data.pixels(sight).to(device))[None])

        found = [self.cache.get(sight, encode, keep=self.keeps or sight.number == 0) for sight in sights]
        return Features(*(torch.cat(parts) for parts in zip(*found)))

    def previews(self, model: nn.Module) -> list[tuple[str, np.ndarray]]:
        """Clicks in the largest masks of the first images, answered from fine to coarse."""
        pictures = []
        for number, image in enumerate(self.data.images[:_PREVIEW_IMAGES]):
            sight = Sight(number, 0)
            largest = max(image.annotations, key=lambda annotation: annotation.area)
            target_side = self.config.image_size // 4
            target = self.data.view(sight).masks(largest.region.mask()[None], target_side)[0].numpy()
            if not target.any():
                continue
            prompt = click_prompt(draw_click(target, generator(0), margin=3), 4.0)
            count, device = len(_PREVIEW_LEVELS), next(model.parameters()).device
            prompts = Prompts(
                torch.zeros(count, dtype=torch.long, device=device),
                torch.from_numpy(prompt.coords).to(device).expand(count, -1, -1),
                torch.from_numpy(prompt.labels).to(device).expand(count, -1),
                torch.tensor(_PREVIEW_LEVELS, device=device),
            )
            masks = model.decode(self._features(model, [sight]), prompts).masks[:, 0].float()
            title = f"{image.path.name}: granularity {', '.join(str(level) for level in _PREVIEW_LEVELS)}"
            pictures.append((title, contact_row(self.data.pixels(sight), masks.cpu() > 0, prompt.coords[0])))
        return pictures + self._pairs()

    def _pairs(self) -> list[tuple[str, np.ndarray]]:
        """Pairs of views as the first step draws them: a prompt's mask in the first, and where the map between the views
        carries both to in the second."""
        pictures, side = [], self.config.image_size
        for index in range(min(_PREVIEW_PAIRS, self.data.how.batch_size)):
            sample = self.data.sample(0, index)
            between = torch.from_numpy(sample["between"])[None]
            coords, labels = torch.from_numpy(sample["coords"][:1]), torch.from_numpy(sample["labels"][:1])
            masks = torch.from_numpy(sample["masks"][:1])
            ratio = masks.shape[-1] / side
            scale = torch.diag(torch.tensor([ratio, ratio, 1.0], dtype=between.dtype))
            carried = carried_regions(masks.long(), scale @ between @ torch.linalg.inv(scale)) == 1
            moved = moved_prompts(coords, labels, between)
            rows = [
                contact_row(self.data.pixels(sight), shown, places[0, 0].clamp(0, side - 1).numpy())
                for sight, shown, places in ((sample["first"], masks, coords), (sample["second"], carried, moved))
            ]
            name = self.data.images[sample["first"].image].path.name
            pictures.append((f"{name}: a prompt and its mask in both views of a pair", np.concatenate(rows, axis=1)))
        return pictures

    def evaluate(self, model: nn.Module) -> dict[str, float]:
        """Prompts that do not change, on images as they are that are not trained on: the weighted mask losses, without
        corrections, and the mean IoU. Where none are kept apart, on the first training images (`fixed_…`): that tells what
        was learned, not how well it carries over."""
        start = len(self.data.images) - len(self.apart) if self.apart else 0
        images = self.data.images[start : start + _EVALUATED_IMAGES]
        fixed = LabelledViews(images, replace(self.data.how, views=0, batch_size=1), seed=0)
        device, totals = next(model.parameters()).device, []
        for index in range(len(fixed.images)):
            batch = to_device(fixed.collate([fixed.sample(0, index)]), device)
            prompts = Prompts(batch.images, batch.coords, batch.labels, batch.granularity)
            sights = [Sight(start + sight.image, sight.number) for sight in batch.first]
            found = self._supervised("", _answer(model.decode(self._features(model, sights), prompts)), batch)
            iou = found.pop("report/true_iou")
            totals.append((float(sum(found.values())), float(iou)))
        loss, iou = np.mean(totals, axis=0)
        name = "held_out" if self.apart else "fixed"
        return {f"{name}_loss": float(loss), f"{name}_iou": float(iou)}

    def export(self, model: nn.Module, path: Path) -> dict[str, Any]:
        """Every tensor of the checkpoint, bit for bit but for the trained ones, and the granularity modules and LoRA
        factors that were added; the configuration beside it. Tells which tensors changed and which are new."""
        trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
        state = {name: value.detach().cpu() for name, value in model.state_dict().items()}
        original = {name if name in state else _wrapped(name, state): value for name, value in self.tensors.items()}
        out = {**state, **original, **{name: state[name] for name in trained}}
        changed = sorted(n for n in trained if n in original and not torch.equal(state[n], original[n].float()))
        stray = sorted(
            name
            for name, value in original.items()
            if name in state and name not in trained and not torch.equal(state[name], value.to(state[name].dtype))
        )
        if stray:
            raise TrainingFailed(f"Tensors that are frozen have changed: {', '.join(stray[:5])}.")
        write_safetensors(path, out, {"format": "pt"})
        config = path.with_suffix(".json")
        write_text(config, json.dumps(written_config(self.config, "unsamv2-adapted"), indent=1) + "\n")
        return {
            "config": str(config),
            "tensors": len(out),
            "changed": changed,
            "added": sorted(name for name in out if name not in original),
            "unchanged": len(original) - len(changed),
        }


def trained_parts(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """What the paper trains, by part."""
    prompt, decoder = model.sam_prompt_encoder, model.sam_mask_decoder
    return {
        "lora": lora_parameters(decoder.transformer),
        "granularity encoder": [*prompt.fourier_embedder.parameters(), *prompt.granularity_embedding.parameters()],
        "granularity mask": [*decoder.gra_token.parameters(), *decoder.gra_output_token_mlp.parameters()],
    }


def at_quarter(masks: Tensor, side: int) -> Tensor:
    """Masks [n, t, t] at `side`, that of the decoder's features: pixels that are covered by more than half."""
    if masks.shape[-1] == side:
        return masks
    return F.avg_pool2d(masks[:, None].float(), masks.shape[-1] // side)[:, 0] > 0.5


def carried_regions(regions: Tensor, between: Tensor) -> Tensor:
    """Regions [n, t, t] of the first view in the second's frame, nearest neighbour; -1 where the first shows nothing."""
    side = regions.shape[-1]
    centres = torch.arange(side, device=regions.device, dtype=between.dtype) + 0.5
    v, u = torch.meshgrid(centres, centres, indexing="ij")
    places = torch.stack([u, v, torch.ones_like(u)], dim=-1).reshape(-1, 3) @ torch.linalg.inv(between).transpose(1, 2)
    column, row = places[..., 0].floor().long(), places[..., 1].floor().long()
    shown = (column >= 0) & (column < side) & (row >= 0) & (row < side)
    index = row.clamp(0, side - 1) * side + column.clamp(0, side - 1)
    found = regions.flatten(1).gather(1, index)
    return torch.where(shown, found, torch.full_like(found, -1)).reshape(regions.shape)


def _answer(decoded: Decoded) -> Answer:
    # With one mask asked for, UnSAMv2's score is the IoU head's output for mask 0.
    score = decoded.object_score
    return Answer(decoded.masks, decoded.iou[:, 0], None if score is None else score[:, 0])


def _wrapped(name: str, state: Mapping[str, Tensor]) -> str:
    prefix, _, last = name.rpartition(".")
    wrapped = f"{prefix}.original_layer.{last}"
    return wrapped if wrapped in state else name
