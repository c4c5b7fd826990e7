import json
import struct

import pytest

from unsam_training.trainer.events import Events, masked_crc, record_of
from unsam_training.trainer.loop import train


def records(path):
    """The records of an event file, their checksums checked."""
    data, found = path.read_bytes(), []
    while data:
        (length, first) = struct.unpack("<QI", data[:12])
        assert first == masked_crc(data[:8])
        body = data[12 : 12 + length]
        assert struct.unpack("<I", data[12 + length : 16 + length]) == (masked_crc(body),)
        found.append(body)
        data = data[16 + length :]
    return found


def fields(message):
    """A protocol buffer's fields: numbers and values (varint, 64 bits, bytes, 32 bits)."""
    found, at = [], 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            found.append((key >> 3, varint()))
            continue
        size = {1: 8, 5: 4}.get(key & 7) or varint()
        found.append((key >> 3, message[at : at + size]))
        at += size
    return found


def scalars(path):
    """(step, name, value) of every scalar."""
    found = []
    for body in records(path)[1:]:
        event = dict(fields(body))
        for _, value in fields(event[5]):
            one = dict(fields(value))
            found.append((event[2], one[1].decode(), struct.unpack("<f", one[2])[0]))
    return found


def test_the_checksum_is_that_of_its_definition():
    # RFC 3720, appendix B.4: 32 bytes of zeros, of ones, and rising.
    def crc(data):
        turned = (masked_crc(data) - 0xA282EAD8) & 0xFFFFFFFF
        return (turned << 15 | turned >> 17) & 0xFFFFFFFF

    assert crc(bytes(32)) == 0x8A9136AA and crc(b"\xff" * 32) == 0x62A8AB43 and crc(bytes(range(32))) == 0x46DD794E


def test_lines_become_scalars_of_their_step(tmp_path):
    path = tmp_path / "e"
    events = Events(path, [{"step": 1, "loss": 2.5}])
    events.write({"step": 300, "loss": 0.25, "report/iou": 0.5, "steps_per_second": 9.0, "text": "no number"})
    events.write({"step": 70000, "evaluation": {"held_out_iou": 0.125}})
    events.close()
    first = dict(fields(records(path)[0]))
    assert first[3] == b"brain.Event:2" and struct.unpack("<d", first[1])[0] > 1e9
    assert scalars(path) == [
        (1, "loss", 2.5),
        (300, "loss", 0.25),
        (300, "iou", 0.5),
        (70000, "held_out_iou", 0.125),
    ]
    assert record_of({"step": 3, "loss": float("nan")}) == b""


def test_a_resumed_run_has_each_step_once(tmp_path, quiet):
    from test_trainer import options, settings

    train("toy", options(), settings(stop_after=20, evaluate_every=10), tmp_path, **quiet)
    train("toy", options(), settings(evaluate_every=10), tmp_path, **quiet)
    steps = [step for step, name, _ in scalars(tmp_path / "events.out.tfevents.unsam") if name == "loss"]
    assert steps == sorted(set(steps)) and steps[-1] == settings().steps
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    last = next(line["loss"] for line in reversed(log) if "loss" in line)
    found = [value for _, name, value in scalars(tmp_path / "events.out.tfevents.unsam") if name == "loss"]
    assert found[-1] == pytest.approx(last, rel=1e-6)
