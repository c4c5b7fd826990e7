"""Where a file holds a model's weights: the same search as the SDK's (packages/core/src/models/layers/find-weights.ts).

What stands before the official names is a place: keys that a training program wraps its state dict in (`model`, `ema` …),
wrappers of PyTorch, or a mix of them.
"""

from __future__ import annotations

from typing import Any, Mapping

from torch import Tensor

from ..errors import BadInput

# A few official names, of every part of a promptable model: PROMPTABLE_MARKS of packages/core/src/models/sam2/model.ts.
MARKS = (
    "image_encoder.trunk.patch_embed.proj.weight",
    "image_encoder.trunk.pos_embed",
    "sam_prompt_encoder.no_mask_embed.weight",
    "sam_prompt_encoder.not_a_point_embed.weight",
    "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
    "sam_mask_decoder.iou_token.weight",
    "sam_mask_decoder.mask_tokens.weight",
    "sam_mask_decoder.output_upscaling.0.weight",
)
# The top of a file, below no key.
TOP = "."
_WRAPPERS = {"module", "_orig_mod", "_forward_module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
_MOST_KEYS = 1_000_000
_DEEPEST = 64
_NAMED = 8


def flattened(path: Any, saved: Any) -> dict[str, Tensor]:
    """Every tensor below dicts of text keys, in their order, under its keys joined by dots. Other things are passed over."""
    tensors: dict[str, Tensor] = {}
    waiting: list[tuple[str, int, Any]] = [("", 0, saved)] if isinstance(saved, dict) else []
    seen = 0
    while waiting:
        prefix, depth, value = waiting.pop()
        seen += len(value)
        # A pickle can make a dict that holds itself.
        if seen > _MOST_KEYS or depth > _DEEPEST:
            raise BadInput(f"{path} has more than {_MOST_KEYS} keys, or more than {_DEEPEST} within each other.")
        named = [(f"{prefix}{key}", item) for key, item in value.items() if isinstance(key, str)]
        tensors.update((name, item) for name, item in named if isinstance(item, Tensor))
        # The one that is put there last is taken first.
        waiting += [(f"{name}.", depth + 1, item) for name, item in reversed(named) if isinstance(item, dict)]
    return tensors


def take_place(path: Any, tensors: Mapping[str, Tensor], key: str | None) -> dict[str, Tensor]:
    """The tensors of the place that `key` names, or of the only one, under their official names. Raises `BadInput` where
    there are several and no key says which, and for a key that is not there."""
    prefixes = _prefixes(tensors)
    if key is not None:
        prefix = _prefix_of(path, key, tensors, prefixes)
    elif len(prefixes) == 1:
        prefix = prefixes[0]
    else:
        raise BadInput(
            f"{path} holds the weights of {len(prefixes)} models: {_listed(tensors, prefixes)}; "
            "say which with --weights KEY."
        )
    found: dict[str, Tensor] = {}
    for name in _below(tensors, prefix, prefixes):
        plain = _plain(name[len(prefix) :])
        if plain in found:
            raise BadInput(f"{path} holds {plain} twice below {prefix[:-1] or TOP}; only one can be the model's.")
        found[plain] = tensors[name]
    return found


def has_places(tensors: Mapping[str, Tensor]) -> bool:
    return bool(_prefixes(tensors))


def _prefixes(tensors: Mapping[str, Tensor]) -> list[str]:
    """The prefixes under which most marks are there, in the order of the file."""
    marked = [mark.split(".") for mark in MARKS]
    parts: dict[str, set[str]] = {}
    for name in tensors:
        segments = name.split(".")
        for mark in marked:
            length = _prefix_length(segments, mark)
            if length is not None:
                parts.setdefault("".join(f"{segment}." for segment in segments[:length]), set()).add(mark[0])
    most = max((len(found) for found in parts.values()), default=0)
    return [prefix for prefix, found in parts.items() if len(found) == most]


def _prefix_length(segments: list[str], mark: list[str]) -> int | None:
    """Segments before the mark, where a name ends in it but for what wrappers put in between."""
    at = len(segments)
    for i in range(len(mark) - 1, -1, -1):
        at -= 1
        while at >= 0 and i < len(mark) - 1 and segments[at] != mark[i] and segments[at] in _WRAPPERS:
            at -= 1
        if at < 0 or segments[at] != mark[i]:
            return None
    return at


def _below(tensors: Mapping[str, Tensor], prefix: str, prefixes: list[str]) -> list[str]:
    """Names that begin with a prefix, but not with a longer one that is another place."""
    inner = tuple(other for other in prefixes if len(other) > len(prefix) and other.startswith(prefix))
    return [name for name in tensors if name.startswith(prefix) and not (inner and name.startswith(inner))]


def _plain(name: str) -> str:
    return ".".join(segment for segment in name.split(".") if segment not in _WRAPPERS)


def _prefix_of(path: Any, key: str, tensors: Mapping[str, Tensor], prefixes: list[str]) -> str:
    """The full prefix, the same without wrappers, or the one place below it."""
    wanted = "" if key in (TOP, "") else f"{key.rstrip('.')}."
    if wanted in prefixes:
        return wanted
    plain = [prefix for prefix in prefixes if (_plain(prefix) == wanted)]
    below = plain or [prefix for prefix in prefixes if wanted and prefix.startswith(wanted)]
    if len(below) == 1:
        return below[0]
    if not below and wanted and any(name.startswith(wanted) for name in tensors):
        return wanted
    problem = f"names {len(below)} places" if below else "is no place in it"
    raise BadInput(f"{path}: --weights {key} {problem}; weights of a model lie under {_listed(tensors, prefixes)}.")


def _listed(tensors: Mapping[str, Tensor], prefixes: list[str]) -> str:
    if not prefixes:
        return "no key"
    places = [f"{prefix[:-1] or TOP} ({len(_below(tensors, prefix, prefixes))} tensors)" for prefix in prefixes]
    more = len(places) - _NAMED
    return ", ".join(places[:_NAMED]) + (f" and {more} more" if more > 0 else "")
