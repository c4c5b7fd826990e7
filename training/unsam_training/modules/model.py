"""The whole network for single images, and its way from and to a checkpoint's tensors."""

from __future__ import annotations

from typing import Mapping, NamedTuple

import torch
from torch import Tensor, nn

from ..errors import BadInput
from .config import ModelConfig
from .image_encoder import ImageEncoder
from .lora import SCALING, LoraLinear, add_lora
from .mask_decoder import Decoded, Features, MaskDecoder
from .prompt_encoder import PromptEncoder

GRANULARITY_MARK = "sam_mask_decoder.gra_token.weight"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Prompts(NamedTuple):
    """Prompts of one kind for images of a batch. Pixels are those of the S frame, x first; what is absent is None."""

    images: Tensor
    """Index of each prompt's image, [n]."""
    coords: Tensor | None = None
    """[n, points, 2]; a box is its two corners, first."""
    labels: Tensor | None = None
    """[n, points]: 1 foreground, 0 background, 2 and 3 a box's corners, -1 ignored."""
    granularity: Tensor | None = None
    """[n], in [0, 1]."""
    mask: Tensor | None = None
    """Logits of an earlier answer, [n, 1, S/4, S/4]."""


class SegmentationModel(nn.Module):
    """UnSAMv2 (`granularity`) or SAM 2.1, without what only videos need. Tensor names are the official ones."""

    def __init__(self, config: ModelConfig, granularity: bool = True, lora_rank: int = 0) -> None:
        super().__init__()
        self.config = config
        self.image_encoder = ImageEncoder(config)
        if config.add_no_mem_embed:
            self.no_mem_embed = nn.Parameter(torch.zeros(1, 1, config.width))
        self.sam_prompt_encoder = PromptEncoder(
            config.width, config.image_size, granularity, config.fourier_dim, config.temperature
        )
        self.sam_mask_decoder = MaskDecoder(config.width, granularity, config.object_score, config.iou_sigmoid)
        if lora_rank:
            add_lora(self.sam_mask_decoder, lora_rank)

    def encode(self, pixels: Tensor) -> Features:
        """Normalised pixels [n, 3, S, S] to the decoder's features."""
        fine, middle, coarse = self.image_encoder(pixels)
        if self.config.add_no_mem_embed:
            coarse = coarse + self.no_mem_embed.reshape(1, -1, 1, 1)
        decoder = self.sam_mask_decoder
        return Features(coarse, decoder.conv_s0(fine), decoder.conv_s1(middle))

    def decode(self, features: Features, prompts: Prompts) -> Decoded:
        encoder = self.sam_prompt_encoder
        if prompts.coords is None and prompts.granularity is None:
            tokens = features.embed.new_zeros(len(prompts.images), 0, self.config.width)
        else:
            tokens = encoder.tokens(prompts.coords, prompts.labels, prompts.granularity)
        dense = encoder.no_mask() if prompts.mask is None else encoder.mask(prompts.mask)
        position = encoder.pe_layer.grid(self.config.side)
        return self.sam_mask_decoder(features.of(prompts.images), position, tokens, dense)

    def forward(self, pixels: Tensor, prompts: Prompts) -> Decoded:
        return self.decode(self.encode(pixels), prompts)


def normalised(rgb: Tensor) -> Tensor:
    """RGB in [0, 1], [..., 3, h, w], as the encoder wants it."""
    mean, std = (torch.tensor(values, device=rgb.device).reshape(3, 1, 1) for values in (_MEAN, _STD))
    return (rgb - mean) / std


class LoadedModel(NamedTuple):
    model: SegmentationModel
    carried: dict[str, Tensor]
    """Tensors of the file that the model has no use for (memory modules); they go back out unchanged."""
    added: list[str]
    """Tensors that the file does not have: granularity modules and LoRA factors where it is a plain SAM 2.1."""


def load_model(
    tensors: Mapping[str, Tensor], config: ModelConfig, *, granularity: bool | None = None, lora_rank: int = 0
) -> LoadedModel:
    """A model with a checkpoint's weights. `granularity` None takes what the file is; True adds the modules where it has
    none. `lora_rank` 0 folds the file's LoRA into its weights; else the factors are kept, or new ones of that rank made.
    Raises `BadInput` naming missing or misshapen tensors."""
    has_granularity = GRANULARITY_MARK in tensors
    given = dict(tensors)
    ranks = {value.shape[0] for name, value in given.items() if name.endswith(".lora_A")}
    if lora_rank and ranks and ranks != {lora_rank}:
        raise BadInput(f"The checkpoint's LoRA has rank {sorted(ranks)}; {lora_rank} was asked for.")
    if not lora_rank:
        given = folded(given)
    model = SegmentationModel(config, has_granularity if granularity is None else granularity, lora_rank)
    given = {_stored_name(name, model, given): value for name, value in given.items()}
    own = model.state_dict()
    may_lack = {
        name
        for name in own
        if (not has_granularity and _is_granularity(name)) or (not ranks and name.endswith((".lora_A", ".lora_B")))
    }
    missing = sorted(own.keys() - given.keys() - may_lack)
    if missing:
        raise BadInput(
            f"The checkpoint has no tensor {missing[0]}" + (f" (and {len(missing) - 1} more)." if missing[1:] else ".")
        )
    for name, value in own.items():
        if name in given and given[name].shape != value.shape:
            raise BadInput(f"Tensor {name} is {list(given[name].shape)}; the configuration says {list(value.shape)}.")
    if not has_granularity and model.sam_mask_decoder.granular:
        _start_granularity(model, given)
    added = sorted(may_lack - given.keys())
    loaded = {name: given[name].to(value.dtype) for name, value in own.items() if name in given}
    model.load_state_dict(loaded, strict=False)
    return LoadedModel(model, {name: value for name, value in given.items() if name not in own}, added)


def _start_granularity(model: SegmentationModel, given: Mapping[str, Tensor]) -> None:
    """A plain SAM 2.1's granularity mask begins as its mask 0 (token and hypernetwork), which already answers a click."""
    decoder = model.sam_mask_decoder
    prefix = "sam_mask_decoder."
    with torch.no_grad():
        decoder.gra_token.weight.copy_(given[prefix + "mask_tokens.weight"][:1])
        for name, parameter in decoder.gra_output_token_mlp.named_parameters():
            parameter.copy_(given[f"{prefix}output_hypernetworks_mlps.0.{name}"])


def folded(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as if there had been no LoRA: W + SCALING * B * A under the plain names."""
    plain = {name.replace(".original_layer.", "."): value for name, value in tensors.items() if ".lora_" not in name}
    for name in tensors:
        if name.endswith(".lora_A"):
            prefix = name[: -len(".lora_A")]
            if prefix + ".lora_B" not in tensors or prefix + ".weight" not in plain:
                raise BadInput(f"The checkpoint has {name}, but not the tensors it belongs to.")
            product = tensors[prefix + ".lora_B"].double() @ tensors[name].double()
            plain[prefix + ".weight"] = (plain[prefix + ".weight"].double() + SCALING * product).float()
    return plain


def _stored_name(name: str, model: SegmentationModel, given: Mapping[str, Tensor]) -> str:
    """A plain layer's tensor belongs to the `original_layer` of a model with LoRA."""
    prefix, _, last = name.rpartition(".")
    if last not in ("weight", "bias") or prefix.endswith(".original_layer"):
        return name
    wrapped = isinstance(_module(model, prefix), LoraLinear)
    return f"{prefix}.original_layer.{last}" if wrapped else name


def _module(model: nn.Module, path: str) -> nn.Module | None:
    for part in path.split("."):
        child = getattr(model, part, None)
        if not isinstance(child, nn.Module):
            return None
        model = child
    return model


def _is_granularity(name: str) -> bool:
    return any(
        part in name for part in ("gra_token", "gra_output_token_mlp", "fourier_embedder", "granularity_embedding")
    )
