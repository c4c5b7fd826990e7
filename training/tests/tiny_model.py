"""A network of the official structure, small enough for tests, with random weights."""

import json

import torch

from unsam_training.checkpoint.safetensors_file import write_safetensors
from unsam_training.modules.config import ModelConfig, TrunkConfig, written_config
from unsam_training.modules.model import SegmentationModel

CONFIG = ModelConfig(
    trunk=TrunkConfig(
        8, 1, (1, 1, 1, 1), global_att_blocks=(2,), window_pos_embed_bkg_spatial_size=(4, 4), window_spec=(8, 4, 4, 2)
    ),
    image_size=64,
    width=64,
    lora_rank=4,
)


def tiny_model(lora_rank=4, granularity=True):
    torch.manual_seed(5)
    model = SegmentationModel(CONFIG, granularity, lora_rank)
    for name, parameter in model.named_parameters():
        if name.endswith("lora_B"):
            torch.nn.init.normal_(parameter, std=0.05)
    return model


def write_tiny_model(folder, **how):
    """`checkpoint.safetensors` (with a tensor that nobody knows) and `config.json`: their paths."""
    tensors = dict(tiny_model(**how).state_dict())
    tensors["memory_attention.norm.weight"] = torch.ones(3, dtype=torch.bfloat16)
    write_safetensors(folder / "checkpoint.safetensors", tensors)
    (folder / "config.json").write_text(json.dumps(written_config(CONFIG, "tiny")))
    return folder / "checkpoint.safetensors", folder / "config.json"
