"""A model's hyper-parameters: the keys of the official YAML as JSON, as beside the parity cases."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

from torch import Tensor

from ..errors import BadInput


@dataclass(frozen=True)
class TrunkConfig:
    embed_dim: int = 96
    num_heads: int = 1
    stages: tuple[int, ...] = (2, 3, 16, 3)
    q_pool: int = 3
    dim_mul: float = 2.0
    head_mul: float = 2.0
    mlp_ratio: float = 4.0
    window_spec: tuple[int, ...] = (8, 4, 14, 7)
    global_att_blocks: tuple[int, ...] = (12, 16, 20)
    window_pos_embed_bkg_spatial_size: tuple[int, int] = (14, 14)
    norm_eps: float = 1e-6

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each stage's output, finest first."""
        widths = [self.embed_dim]
        for _ in self.stages[1:]:
            widths.append(int(widths[-1] * self.dim_mul))
        return tuple(widths)


@dataclass(frozen=True)
class ModelConfig:
    trunk: TrunkConfig
    image_size: int = 1024
    width: int = 256
    fpn_top_down_levels: tuple[int, ...] = (2, 3)
    fuse_type: str = "sum"
    temperature: float = 100.0
    fourier_dim: int = 128
    lora_rank: int = 8
    add_no_mem_embed: bool = True
    iou_sigmoid: bool = True
    object_score: str = "mlp"
    """`none`, `linear` or `mlp`."""

    @property
    def side(self) -> int:
        """Side of the image embedding, in cells of 16 pixels."""
        return self.image_size // 16


# Trunks of the published checkpoints, by channels and blocks per stage.
_OFFICIAL = {
    (96, (1, 2, 7, 2)): TrunkConfig(96, 1, (1, 2, 7, 2), global_att_blocks=(5, 7, 9), window_pos_embed_bkg_spatial_size=(7, 7)),
    (96, (1, 2, 11, 2)): TrunkConfig(96, 1, (1, 2, 11, 2), global_att_blocks=(7, 10, 13), window_pos_embed_bkg_spatial_size=(7, 7)),
    (112, (2, 3, 16, 3)): TrunkConfig(112, 2),
    (144, (2, 6, 36, 4)): TrunkConfig(
        144, 2, (2, 6, 36, 4), window_spec=(8, 4, 16, 8), global_att_blocks=(23, 33, 43), window_pos_embed_bkg_spatial_size=(7, 7)
    ),
}  # fmt: skip


def read_config(path: str | Path) -> dict[str, Any]:
    """The JSON of a configuration file. Raises `BadInput`."""
    try:
        read = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise BadInput(f"{path} is no JSON: {error}") from error
    if not isinstance(read, dict):
        raise BadInput(f"{path} is no model configuration: give a JSON object with the keys of the official YAML.")
    return read


def parse_config(read: Mapping[str, Any]) -> ModelConfig:
    """A configuration as read: keys of the official YAML, under `model` or bare. Raises `BadInput` naming the key."""
    model = read.get("model", read)
    encoder = _get(model, "image_encoder", dict)
    trunk, neck = _get(encoder, "trunk", dict), encoder.get("neck", {})
    pairs = {"q_stride": [2, 2]}
    for key, expected in pairs.items():
        if trunk.get(key, expected) != expected:
            raise BadInput(f"The model configuration has trunk.{key} {trunk[key]}; only {expected} is known.")
    defaults = TrunkConfig()
    settings = {name: trunk.get(name, getattr(defaults, name)) for name in TrunkConfig.__dataclass_fields__}
    try:
        parsed = TrunkConfig(**{k: tuple(v) if isinstance(v, (list, tuple)) else v for k, v in settings.items()})
        scored = model.get("pred_obj_scores", True)
        config = ModelConfig(
            trunk=parsed,
            image_size=int(model.get("image_size", 1024)),
            width=int(neck.get("d_model", 256)),
            fpn_top_down_levels=tuple(neck.get("fpn_top_down_levels") or ((0, 1, 2, 3) if neck else (2, 3))),
            fuse_type=neck.get("fuse_type", "sum"),
            temperature=float(model.get("temperature", 100)),
            fourier_dim=int(model.get("fourier_dim", 128)),
            lora_rank=int(model.get("lora_rank", 8)),
            add_no_mem_embed=bool(model.get("directly_add_no_mem_embed", True)),
            iou_sigmoid=bool(model.get("iou_prediction_use_sigmoid", True)),
            object_score="none" if not scored else "mlp" if model.get("pred_obj_scores_mlp", True) else "linear",
        )
    except (TypeError, ValueError) as error:
        raise BadInput(f"The model configuration has a value of the wrong kind: {error}") from error
    if config.image_size < 64 or config.image_size % 32:
        raise BadInput(f"image_size is {config.image_size}; it must be a multiple of 32, at least 64.")
    return config


def recognised_config(tensors: Mapping[str, Tensor]) -> ModelConfig | None:
    """The configuration of a published size, told by the trunk's tensors; None for other sizes."""
    patches = tensors.get("image_encoder.trunk.patch_embed.proj.weight")
    if patches is None:
        return None
    stages: list[int] = []
    width = 0
    while (block := tensors.get(f"image_encoder.trunk.blocks.{sum(stages)}.attn.proj.weight")) is not None:
        if block.shape[0] != width:
            stages.append(0)
            width = block.shape[0]
        stages[-1] += 1
    trunk = _OFFICIAL.get((patches.shape[0], tuple(stages)))
    return ModelConfig(trunk=trunk) if trunk else None


def written_config(config: ModelConfig, name: str) -> dict[str, Any]:
    """The configuration as a JSON object that the SDK reads."""
    trunk = {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in ((key, getattr(config.trunk, key)) for key in TrunkConfig.__dataclass_fields__)
    }
    return {
        "name": name,
        "model": {
            "image_size": config.image_size,
            "image_encoder": {
                "trunk": trunk,
                "neck": {
                    "d_model": config.width,
                    "backbone_channel_list": list(reversed(config.trunk.widths)),
                    "fpn_top_down_levels": list(config.fpn_top_down_levels),
                    "fuse_type": config.fuse_type,
                },
            },
            "temperature": config.temperature,
            "fourier_dim": config.fourier_dim,
            "lora_rank": config.lora_rank,
            "directly_add_no_mem_embed": config.add_no_mem_embed,
            "iou_prediction_use_sigmoid": config.iou_sigmoid,
            "pred_obj_scores": config.object_score != "none",
            "pred_obj_scores_mlp": config.object_score == "mlp",
        },
    }


def _get(parent: Mapping[str, Any], key: str, kind: type) -> Any:
    value = parent.get(key)
    if not isinstance(value, kind):
        raise BadInput(
            f"The model configuration lacks {key}: give the keys of the official YAML (image_size, image_encoder.trunk, …)."
        )
    return value
