"""Reads and writes .safetensors files: 8 bytes header length, a JSON header, the tensors' bytes."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Mapping

import torch
from torch import Tensor

from ..errors import BadInput
from ..whole_file import whole_file

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_TAGS = {dtype: tag for tag, dtype in _DTYPES.items()}
_LARGEST_HEADER = 100_000_000


class _Unreadable(Exception):
    pass


def read_safetensors(path: str | Path) -> dict[str, Tensor]:
    """All tensors, on the CPU, in their own types. Raises `BadInput` naming the file and what is wrong with it."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            return _read(file, size)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    except (_Unreadable, ValueError, RecursionError) as error:
        raise BadInput(f"{path} is no safetensors file: {error}") from error


def _read(file, size: int) -> dict[str, Tensor]:
    if size < 8:
        raise _Unreadable(f"it has {size} bytes.")
    (length,) = struct.unpack("<Q", file.read(8))
    if length > min(size - 8, _LARGEST_HEADER):
        raise _Unreadable(f"its header of {length} bytes exceeds the file.")
    header = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise _Unreadable("its header is no JSON object.")
    start = 8 + length
    tensors: dict[str, Tensor] = {}
    end_before = 0
    entries = [(name, _entry(name, entry, size - start)) for name, entry in header.items() if name != "__metadata__"]
    for name, (dtype, shape, begin, end) in sorted(entries, key=lambda item: item[1][2:]):
        if begin < end_before:
            raise _Unreadable(f"tensor {name} overlaps another.")
        end_before = end
        file.seek(start + begin)
        data = bytearray(file.read(end - begin))
        values = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
        tensors[name] = values.reshape(shape)
    return tensors


def _entry(name: str, entry: object, available: int) -> tuple[torch.dtype, list[int], int, int]:
    if not isinstance(entry, dict):
        raise _Unreadable(f"the entry of {name} is no JSON object.")
    dtype, shape, offsets = _DTYPES.get(entry.get("dtype")), entry.get("shape"), entry.get("data_offsets")
    if dtype is None:
        raise _Unreadable(f"tensor {name} has the type {entry.get('dtype')}.")
    for numbers in (shape, offsets):
        if not isinstance(numbers, list) or not all(type(number) is int and number >= 0 for number in numbers):
            raise _Unreadable(f"tensor {name} has shape {shape} and offsets {offsets}.")
    if len(offsets) != 2 or not offsets[0] <= offsets[1] <= available:
        raise _Unreadable(f"tensor {name} has offsets {offsets} in {available} bytes.")
    count = torch.empty(0, dtype=dtype).element_size()
    for side in shape:  # Python's integers do not overflow
        count *= side
    if count != offsets[1] - offsets[0]:
        raise _Unreadable(f"tensor {name} of shape {shape} has {offsets[1] - offsets[0]} bytes instead of {count}.")
    return dtype, shape, offsets[0], offsets[1]


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Writes the file whole, its data aligned to 8 bytes and every tensor in its own type."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    # The widest types first, so that every tensor is aligned.
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    for name in order:
        tensor = tensors[name]
        size = tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _TAGS[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with whole_file(path) as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for name in order:
            file.write(_bytes(tensors[name]))


def _bytes(tensor: Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous().flatten()
    # NumPy has no bfloat16; the bits are the same.
    return (flat.view(torch.int16) if flat.dtype == torch.bfloat16 else flat).numpy().tobytes()
