"""The log as TensorBoard reads it: event files, whose format is records of protocol buffers, written without its packages."""

from __future__ import annotations

import os
import struct
import time
from pathlib import Path
from typing import Any, Mapping, Sequence

from ..whole_file import whole_file
from .curves import series

_POLYNOMIAL = 0x82F63B78
"""Of CRC-32C (Castagnoli), bits reversed."""


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc_table()


class Events:
    """Scalars of the log's lines, by name. What the log has when it is opened is written anew, so that a resumed run has each
    step once."""

    def __init__(self, path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
        with whole_file(path) as file:
            file.write(record(_double(1, time.time()) + _text(3, b"brain.Event:2")))
            for line in lines:
                file.write(record_of(line))
        self._file = open(path, "ab")

    def write(self, line: Mapping[str, Any]) -> None:
        self._file.write(record_of(line))
        self._file.flush()

    def close(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()


def record_of(line: Mapping[str, Any]) -> bytes:
    """One event with every number of a line of the log; nothing where it has none."""
    values = b""
    for name, points in series([dict(line)]).items():
        tag, (_, value) = name.removeprefix("report/"), points[0]
        values += _text(1, _text(1, tag.encode()) + struct.pack("<Bf", 2 << 3 | 5, value))
    if not values:
        return b""
    return record(_double(1, time.time()) + bytes([2 << 3]) + _varint(line["step"]) + _text(5, values))


def record(data: bytes) -> bytes:
    """Length, its checksum, the data, their checksum."""
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", masked_crc(length)) + data + struct.pack("<I", masked_crc(data))


def masked_crc(data: bytes) -> int:
    """CRC-32C, turned by 15 bits with a constant added, as records hold it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _double(field: int, value: float) -> bytes:
    return struct.pack("<Bd", field << 3 | 1, value)


def _text(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
