"""Reads what `torch.save` wrote (zip format) without running anything that is in it.

`torch.load(weights_only=True)` is no shelter before PyTorch 2.6 (CVE-2025-32434), and this package runs on 1.13. So this
is a reader of its own for all versions: Python's pickle machine with a short list of allowed globals, no opcode that allocates by a
number in the file, and tensors whose bounds are checked against the bytes that are there.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..errors import BadInput

_DTYPES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
_LARGEST_PICKLE = 1 << 28


class _StorageType(NamedTuple):
    dtype: torch.dtype


# Ordinary data beside the weights (optimizer state, arguments): read past, never made.
_INERT = {
    "_codecs.encode", "argparse.Namespace", "collections.Counter", "collections.defaultdict", "torch.device",
    "numpy._core.multiarray._reconstruct", "numpy._core.multiarray.scalar", "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar", "numpy.dtype", "numpy.ndarray",
}  # fmt: skip


class _Unreadable(Exception):
    pass


class _Inert:
    """Stands for a value that is not wanted; nothing that a pickle does to it has an effect."""

    def __call__(self, *_arguments: Any) -> "_Inert":
        return self

    def __setitem__(self, _key: Any, _value: Any) -> None:
        pass

    def append(self, _value: Any) -> None:
        pass

    def extend(self, _values: Any) -> None:
        pass


def read_pytorch(path: str | Path) -> Any:
    """The saved object, its tensors on the CPU. Raises `BadInput` naming the file and what is wrong with it."""
    try:
        size = os.path.getsize(path)
        with zipfile.ZipFile(path) as archive:
            return _read(archive, size)
    except zipfile.BadZipFile as error:
        raise BadInput(f"{path} is no PyTorch zip checkpoint, or it is cut off: {error}") from error
    except _Unreadable as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error
    except RecursionError as error:
        raise BadInput(f"{path} cannot be read: its pickle is nested too deeply.") from error
    # A damaged pickle makes Python's machine fail in any of these ways.
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        RuntimeError,
        OverflowError,
        MemoryError,
        NotImplementedError,
    ) as error:
        raise BadInput(f"{path} cannot be read: its pickle is damaged ({type(error).__name__}: {error}).") from error


def _read(archive: zipfile.ZipFile, size: int) -> Any:
    records = {info.filename: info for info in archive.infolist()}
    pickles = [name for name in records if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise _Unreadable(f"it has {len(pickles)} records named data.pkl instead of one.")
    prefix = pickles[0][: -len("data.pkl")]

    def record(name: str) -> bytes:
        info = records.get(prefix + name)
        if info is None:
            raise _Unreadable(f"it refers to a record {name} that it does not hold.")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size > size:
            raise _Unreadable(f"its record {name} is compressed or larger than the file.")
        return archive.read(info)

    if records[pickles[0]].file_size > _LARGEST_PICKLE:
        raise _Unreadable("its pickle is larger than 256 MiB.")
    return _Reader(record, size).load()


class _Reader(pickle._Unpickler):  # type: ignore[name-defined] # the Python one: its opcodes can be taken away
    dispatch = dict(pickle._Unpickler.dispatch)  # type: ignore[attr-defined]

    def __init__(self, record: Any, file_size: int) -> None:
        super().__init__(io.BytesIO(record("data.pkl")), encoding="utf-8")
        self._record = record
        self._file_size = file_size
        self._storages: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return _new_state_dict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._view
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if module == "torch" and name in _DTYPES:
            return _StorageType(_DTYPES[name])
        if (module, name) == ("torch", "Size"):
            return tuple
        if f"{module}.{name}" in _INERT:
            return _Inert()
        raise _Unreadable(
            f"its pickle asks for {module}.{name}, which is not on the list of what a checkpoint may hold."
        )

    def persistent_load(self, pid: Any) -> Tensor:
        if not (isinstance(pid, tuple) and len(pid) == 5 and pid[0] == "storage" and isinstance(pid[1], _StorageType)):
            raise _Unreadable("its pickle refers to something that is no storage.")
        _, (dtype,), key, _, count = pid
        if key not in self._storages:
            data = self._record(f"data/{key}")
            width = torch.empty(0, dtype=dtype).element_size()
            if not isinstance(count, int) or count < 0 or count * width != len(data):
                raise _Unreadable(
                    f"storage {key} is said to hold {count} values of {width} bytes, but has {len(data)} bytes."
                )
            empty = torch.empty(0, dtype=dtype)
            self._storages[key] = torch.frombuffer(bytearray(data), dtype=dtype) if data else empty
        return self._storages[key]

    def build(self) -> None:
        # Only the attributes that a state dict carries (`_metadata`) come this way; they are not needed.
        self.stack.pop()
        if not isinstance(self.stack[-1], (OrderedDict, _Inert)):
            raise _Unreadable("its pickle sets attributes of something that is no state dict.")

    def new_object(self) -> None:
        self.stack.pop()
        if not isinstance(self.stack[-1], _Inert):
            raise _Unreadable("its pickle makes an object that a checkpoint does not need.")

    dispatch[pickle.BUILD[0]] = build
    dispatch[pickle.NEWOBJ[0]] = new_object
    for _opcode in (
        pickle.INST, pickle.OBJ, pickle.NEWOBJ_EX, pickle.EXT1, pickle.EXT2, pickle.EXT4,
        pickle.BYTEARRAY8, pickle.NEXT_BUFFER, pickle.READONLY_BUFFER,
    ):  # fmt: skip
        del dispatch[_opcode[0]]

    def _view(self, storage: Any, offset: Any, shape: Any, stride: Any, *_ignored: Any) -> Tensor:
        """A tensor over a storage, after a look at whether it stays inside."""
        numbers = (offset, *shape, *stride)
        if not isinstance(storage, Tensor) or not all(type(number) is int and number >= 0 for number in numbers):
            raise _Unreadable(f"a tensor has offset {offset}, shape {shape}, strides {stride}.")
        if len(shape) != len(stride) or len(shape) > 16:
            raise _Unreadable(f"a tensor of shape {shape} has strides {stride}.")
        count = math.prod(shape)
        if count == 0:
            return torch.empty(0, dtype=storage.dtype).reshape(shape)
        last = offset + sum((side - 1) * step for side, step in zip(shape, stride))
        # A stride of 0 repeats values, so the storage does not bound the size of such a view; the file does.
        if last >= storage.numel() or count > self._file_size:
            raise _Unreadable(f"a tensor of shape {shape} reaches value {last} of a storage of {storage.numel()}.")
        return storage.as_strided(shape, stride, offset)


def _new_state_dict(*items: Any) -> OrderedDict:
    if items:
        raise _Unreadable("its pickle fills a state dict in a way that PyTorch does not.")
    return OrderedDict()


def _parameter(data: Any, *_ignored: Any) -> Any:
    return data
