import io
import os
import pickle
import struct
import zipfile
from collections import OrderedDict

import pytest
import torch

from parity import SHARED, needs_shared
from tiny_model import tiny_model
from unsam_training.checkpoint.average import average
from unsam_training.checkpoint.pytorch_file import read_pytorch
from unsam_training.checkpoint.safetensors_file import read_safetensors, write_safetensors
from unsam_training.checkpoint.state_dict import read_state_dict
from unsam_training.checkpoint.weight_places import flattened
from unsam_training.errors import BadInput

# Well formed, but no model: these stop later, where tensors are checked against the configuration.
MODEL_ERRORS = ("missing-tensor.pt", "wrong-shape.pt")
HOSTILE = [
    path
    for path in sorted((SHARED / "parity" / "hostile").glob("*.*"))
    if path.suffix in (".pt", ".safetensors") and path.name not in MODEL_ERRORS
]


@needs_shared
@pytest.mark.parametrize("path", HOSTILE, ids=lambda path: path.name)
def test_hostile_files_are_refused_by_name(path):
    with pytest.raises(BadInput, match=path.name):
        read_state_dict(path)
    assert not os.path.exists("/tmp/pwned")


@needs_shared
def test_both_formats_of_the_same_weights_agree():
    one = read_state_dict(SHARED / "parity/unsamv2-mini/checkpoint.pt")
    two = read_state_dict(SHARED / "parity/unsamv2-mini-safetensors/checkpoint.safetensors")
    assert len(two) > 250 and two.keys() <= one.keys()
    for name, value in two.items():
        assert torch.equal(value.float(), one[name]), name


def assorted():
    return {
        "floats": torch.randn(3, 5),
        "halves": torch.randn(7).half(),
        "brains": torch.randn(3, 3, 3).bfloat16(),
        "ints": torch.arange(-4, 5),
        "bools": torch.tensor([True, False, True]),
        "scalar": torch.tensor(2.5, dtype=torch.float64),
        "none": torch.empty(0, 4),
    }


def test_safetensors_come_back_as_they_were(tmp_path):
    path = tmp_path / "deep" / "x.safetensors"
    write_safetensors(path, assorted(), {"format": "pt"})
    read = read_safetensors(path)
    for name, value in assorted().items():
        assert read[name].dtype == value.dtype and read[name].shape == value.shape
    written = assorted()
    write_safetensors(path, written)
    assert all(torch.equal(value, written[name]) for name, value in read_safetensors(path).items())
    assert [p.name for p in path.parent.iterdir()] == ["x.safetensors"]
    with open(path, "rb") as file:
        assert struct.unpack("<Q", file.read(8))[0] % 8 == 0


@pytest.mark.parametrize("step", [1, 7, 64])
def test_a_damaged_safetensors_file_gives_an_error_or_tensors(tmp_path, step):
    path = tmp_path / "x.safetensors"
    write_safetensors(path, assorted())
    whole = path.read_bytes()
    for cut in range(0, len(whole), 5 * step):
        path.write_bytes(whole[:cut])
        with pytest.raises(BadInput):
            read_safetensors(path)
    for place in range(0, len(whole), step):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        try:
            read_safetensors(path)
        except BadInput:
            pass


def test_what_torch_saves_comes_back(tmp_path):
    path = tmp_path / "x.pt"
    shared = torch.arange(12.0).reshape(3, 4)
    state = OrderedDict(weight=shared, view=shared.t()[1:], **{k: v for k, v in assorted().items()})
    state._metadata = {"": {"version": 1}}
    saved = {"model": state, "epoch": 3, "names": ["a", "b"], "betas": (0.9, 0.999), "none": None, "big": 1 << 80}
    torch.save(saved, path)
    read = read_pytorch(path)
    assert {k: v for k, v in read.items() if k != "model"} == {k: v for k, v in saved.items() if k != "model"}
    for name, value in state.items():
        assert read["model"][name].dtype == value.dtype and torch.equal(read["model"][name], value)
    parameter = torch.nn.Linear(2, 3)
    torch.save({"model": dict(parameter.named_parameters())}, path)
    assert torch.equal(read_state_dict(path)["weight"], parameter.weight)


def with_pickle(path, pickled, records=()):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, data in records:
            archive.writestr(f"archive/data/{name}", data)


class Call:
    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


ATTACKS = {
    "system": pickle.dumps(Call(os.system, "touch /tmp/pwned"), 2),
    "eval": pickle.dumps({"model": Call(eval, "1 + 1")}, 4),
    "getattr": pickle.dumps(Call(getattr, "x", "upper"), 2),
    "attributes of a function": b"ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb.",
    "bytearray of 2^62 bytes": b"\x80\x05\x96" + struct.pack("<Q", 1 << 62) + b".",
    "memo of 2^31 entries": b"\x80\x02}r\xff\xff\xff\x7f.",
    "string of 2^31 bytes": b"\x80\x02X" + struct.pack("<I", (1 << 31) - 1) + b"abc.",
    "nested deeply": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "nothing": b"",
    "stack underflow": b"\x80\x02R.",
    "a class made by its name": b"cos\nsystem\n(S'true'\no.",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_attacks_by_pickle_do_nothing(tmp_path, attack):
    with_pickle(tmp_path / "x.pt", attack)
    with pytest.raises(BadInput, match="x.pt"):
        read_state_dict(tmp_path / "x.pt")
    assert not os.path.exists("/tmp/pwned")


def test_a_compressed_record_is_refused(tmp_path):
    buffer = io.BytesIO()
    torch.save({"model": {"w": torch.zeros(1 << 20)}}, buffer)
    with zipfile.ZipFile(buffer) as saved, zipfile.ZipFile(tmp_path / "x.pt", "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in saved.namelist():
            bomb.writestr(name, saved.read(name))
    with pytest.raises(BadInput, match="compressed"):
        read_state_dict(tmp_path / "x.pt")


def test_a_missing_file_is_named(tmp_path):
    for name in ("no.pt", "no.safetensors"):
        with pytest.raises(BadInput, match=f"{name} cannot be read: No such file"):
            read_state_dict(tmp_path / name)


def test_the_average_lies_between_and_refuses_what_does_not_match():
    first, second = ({"a": torch.tensor([value, -value]).half(), "b": torch.tensor(value)} for value in (1.0, 3.0))
    mean = average(first, second, 0.25)
    assert mean["a"].dtype == torch.half and torch.equal(mean["a"], torch.tensor([1.5, -1.5]).half())
    assert mean["b"] == 1.5
    for other, share, message in [
        ({"a": first["a"]}, 0.5, "different tensors: b"),
        ({**second, "a": torch.zeros(3)}, 0.5, r"a is \[2\] in one file and \[3\]"),
        (second, 1.5, "share is 1.5"),
    ]:
        with pytest.raises(BadInput, match=message):
            average(first, other, share)


def several_models():
    """Two models in one file, one of them in PyTorch's wrappers, beside what a training run leaves."""
    model = {name: value.clone() for name, value in tiny_model().state_dict().items()}
    ema = {f"module.{name}": value + 1 for name, value in model.items()}
    return model, {"model": model, "ema": ema, "optimizer": {"state": {0: {"step": torch.ones(1)}}}, "step": 3}


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_weights_says_which_model_of_a_file(tmp_path, ending):
    model, saved = several_models()
    path = tmp_path / f"run.{ending}"
    if ending == "pt":
        torch.save(saved, path)
    else:
        flat = {f"{key}.{name}": value for key in ("model", "ema") for name, value in saved[key].items()}
        write_safetensors(path, flat)
    for key, shift in (("model", 0), ("ema", 1), ("ema.module", 1), ("ema.module.", 1)):
        found = read_state_dict(path, key)
        assert found.keys() == model.keys()
        assert all(torch.equal(found[name], model[name] + shift) for name in model)
    with pytest.raises(BadInput, match=r"weights of 2 models: .*--weights KEY") as told:
        read_state_dict(path)
    assert f"ema.module ({len(model)} tensors)" in str(told.value) and f"model ({len(model)} tensors)" in str(told.value)
    with pytest.raises(BadInput, match=r"--weights best is no place in it; .* lie under .*model"):
        read_state_dict(path, "best")
    with pytest.raises(BadInput, match="--weights . is no place in it"):
        read_state_dict(path, ".")


def test_one_model_is_found_wherever_it_lies(tmp_path):
    model, _ = several_models()
    for saved in (model, {"checkpoint": {"state_dict": {f"module.sam2.{n}": v for n, v in model.items()}}, "epoch": 1}):
        torch.save(saved, tmp_path / "one.pt")
        found = read_state_dict(tmp_path / "one.pt")
        assert found.keys() == model.keys()


def test_a_dict_that_holds_itself_is_refused():
    circle = {"a": torch.ones(1)}
    circle["self"] = circle
    with pytest.raises(BadInput, match="within each other"):
        flattened("x.pt", circle)


def test_several_models_of_a_key_are_told(tmp_path):
    model, _ = several_models()
    torch.save({"runs": {"a": model, "b": model}}, tmp_path / "runs.pt")
    with pytest.raises(BadInput, match="--weights runs names 2 places"):
        read_state_dict(tmp_path / "runs.pt", "runs")
    with pytest.raises(BadInput, match="lie under no key"):
        torch.save({"a": torch.ones(2)}, tmp_path / "other.pt")
        read_state_dict(tmp_path / "other.pt", "ema")
