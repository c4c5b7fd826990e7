import json
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from PIL import Image

from unsam_training.checkpoint.safetensors_file import read_safetensors
from unsam_training.command import main
from unsam_training.errors import BadInput, TrainingFailed
from unsam_training.trainer.checkpoint import load_run
from unsam_training.trainer.loop import train
from unsam_training.trainer.schedule import learning_rate
from unsam_training.trainer.settings import Settings
from recipes import toy


def options(**others):
    return {**toy.DEFAULTS, **others}


def settings(**others):
    return Settings(**{**toy.SETTINGS, **others})


def lines(out):
    """The log without the one number that is a clock's."""
    read = [json.loads(text) for text in (out / "log.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "steps_per_second"} for line in read]


def state_of(out):
    state = load_run(out / "last.pt")
    average = state["average"] or {}
    moments = {
        f"{key}.{name}": value for key, values in state["optimizer"]["state"].items() for name, value in values.items()
    }
    return {**state["model"], **{f"average {k}": v for k, v in average.items()}, **moments}


def assert_same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert torch.equal(torch.as_tensor(a[name]), torch.as_tensor(b[name])), name


def test_training_lowers_the_loss_and_leaves_everything_behind(tmp_path, quiet):
    summary = train("toy", options(), settings(steps=300, evaluate_every=100, preview_every=100), tmp_path, **quiet)
    log = lines(tmp_path)
    losses = [line["loss"] for line in log if "loss" in line]
    assert len(losses) == 300
    assert sum(losses[-50:]) < 0.5 * sum(losses[:50])
    assert [line["step"] for line in log if "evaluation" in line] == [0, 100, 200, 300]
    assert sorted(p.name for p in (tmp_path / "previews").iterdir()) == [
        f"step-{step:07d}.png" for step in (0, 100, 200, 300)
    ]
    assert Image.open(tmp_path / "curves.png").size[0] > 300
    assert "data:image/png" in (tmp_path / "report.html").read_text()
    assert summary["step"] == 300 and summary["exit_code"] == 0 and summary["tensors"] == 5
    assert not list(tmp_path.glob(".*.tmp"))


def test_the_average_is_exported_and_what_is_frozen_stays(tmp_path, quiet):
    train("toy", options(), settings(), tmp_path, **quiet)
    exported, state = read_safetensors(tmp_path / "model.safetensors"), load_run(tmp_path / "last.pt")
    assert_same({name: exported[name] for name in state["average"]}, state["average"])
    assert not torch.equal(exported["0.weight"], state["model"]["0.weight"])
    assert torch.equal(exported["frozen"], torch.ones(2))


@pytest.mark.parametrize("stop", [1, 13, 39])
def test_a_stopped_and_resumed_run_equals_one_not_stopped(tmp_path, quiet, stop):
    given = options(noise=0.3)
    train("toy", given, settings(log_every=5), tmp_path / "whole", **quiet)
    train("toy", given, settings(log_every=5, stop_after=stop), tmp_path / "parts", **quiet)
    assert load_run(tmp_path / "parts" / "last.pt")["step"] == stop
    torch.rand(7)
    train("toy", given, settings(log_every=5), tmp_path / "parts", **quiet)
    assert_same(state_of(tmp_path / "whole"), state_of(tmp_path / "parts"))
    whole, parts = lines(tmp_path / "whole"), lines(tmp_path / "parts")
    # The stop itself leaves one more line; later means are over what was left of the window.
    assert [line for line in parts if line["step"] > stop + 5] == [line for line in whole if line["step"] > stop + 5]


def test_a_log_beyond_the_checkpoint_is_written_again(tmp_path, quiet):
    given = settings(checkpoint_every=10)
    train("toy", options(), given, tmp_path, **quiet)
    whole = lines(tmp_path)
    # As after a crash at step 37: the checkpoint is of step 30, the log's last line is cut off.
    train("toy", options(), settings(stop_after=30), tmp_path / "crashed", **quiet)
    with open(tmp_path / "crashed" / "log.jsonl", "a") as log:
        log.write("".join(json.dumps(line) + "\n" for line in whole[30:36]) + '{"step": 37, "lo')
    train("toy", options(), given, tmp_path / "crashed", **quiet)
    assert lines(tmp_path / "crashed") == whole


def test_workers_change_nothing(tmp_path, quiet):
    train("toy", options(), settings(steps=12), tmp_path / "none", **quiet)
    train("toy", options(), settings(steps=12, workers=2), tmp_path / "two", **quiet)
    assert_same(state_of(tmp_path / "none"), state_of(tmp_path / "two"))


def test_the_seed_decides(tmp_path, quiet):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train("toy", options(), settings(steps=5, seed=seed), tmp_path / name, **quiet)
    assert lines(tmp_path / "a") == lines(tmp_path / "b")
    assert lines(tmp_path / "a")[0]["loss"] != lines(tmp_path / "c")[0]["loss"]


def test_other_options_are_refused_unless_wanted(tmp_path, quiet):
    train("toy", options(), settings(stop_after=5), tmp_path, **quiet)
    with pytest.raises(BadInput, match="learning_rate was 0.01, is 0.02.*--resume"):
        train("toy", options(), settings(learning_rate=0.02), tmp_path, **quiet)
    changed = train("toy", options(), settings(learning_rate=0.02), tmp_path, resume="changed", **quiet)
    assert changed["step"] == 40
    again = train("toy", options(), settings(stop_after=3), tmp_path, resume="never", **quiet)
    assert again["step"] == 3
    # What does not change the result may differ.
    assert train("toy", options(), settings(log_every=7, checkpoint_every=3), tmp_path, **quiet)["step"] == 40


def test_a_gradient_that_is_not_finite_changes_nothing_and_ends_the_run(tmp_path, quiet):
    with pytest.raises(TrainingFailed, match="not been finite for 20 steps, up to step 25"):
        train("toy", options(explode_from=5), settings(checkpoint_every=1), tmp_path, **quiet)
    train("toy", options(), settings(stop_after=5), tmp_path / "before", **quiet)
    assert_same(state_of(tmp_path), state_of(tmp_path / "before"))


def test_bfloat16_stays_near(tmp_path, quiet):
    train("toy", options(), settings(), tmp_path / "full", **quiet)
    train("toy", options(), settings(precision="bfloat16"), tmp_path / "half", **quiet)
    full, half = (sum(line["loss"] for line in lines(tmp_path / name)) for name in ("full", "half"))
    assert full != half and half == pytest.approx(full, rel=0.02)
    assert all(value.dtype == torch.float32 for value in load_run(tmp_path / "half" / "last.pt")["model"].values())


def test_a_short_run_warms_up_over_a_tenth():
    given = Settings(steps=30, warmup_steps=100, learning_rate=1.0)
    assert [learning_rate(step, given) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]


def test_the_schedule_warms_up_and_comes_down():
    given = Settings(steps=100, warmup_steps=10, learning_rate=1.0, final_lr_ratio=0.1)
    rates = [learning_rate(step, given) for step in range(100)]
    assert rates[0] == pytest.approx(1 / 11) and rates[10] == 1.0 and rates[-1] == pytest.approx(0.1)
    assert all(a < b for a, b in zip(rates[:10], rates[1:11])) and all(a > b for a, b in zip(rates[10:], rates[11:]))
    assert rates[10 + 45] == pytest.approx((1 + 0.1) / 2, abs=0.01)


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"learning_rate": -1.0}, {"precision": "float8"}, {"ema_decay": 1.0}, {"clip_norm": float("nan")}],
)
def test_wrong_settings_are_named(wrong):
    with pytest.raises(BadInput, match=next(iter(wrong))):
        Settings(**wrong)


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_with_a_checkpoint(tmp_path, quiet, entry, number, code):
    command = [*entry, "--recipe", "toy", "--out", str(tmp_path / "run"), "--threads", "1", "--set", "pause=0.02"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for text in child.stderr:
        if text.startswith("step 3/"):
            break
    # As a terminal and a parent that passes it on do.
    child.send_signal(number)
    time.sleep(0.1)
    child.send_signal(number)
    _, said = child.communicate(timeout=60)
    assert child.returncode == code and "interrupted after step" in said
    assert 3 <= load_run(tmp_path / "run" / "last.pt")["step"] < 40
    for name in ("run", "whole"):
        assert train("toy", options(pause=0.02), settings(), tmp_path / name, **quiet)["step"] == 40
    assert_same(state_of(tmp_path / "run"), state_of(tmp_path / "whole"))


def test_two_processes_learn_what_one_learns(tmp_path, quiet):
    # Dropout differs from process to process; the data must not.
    given = options(batch_size=16)
    train("toy", given, settings(), tmp_path / "one", **quiet)
    run = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    if torch.__version__ < "2":
        # Under Python 3.11 torchrun 1.13 trips over its own default ("0" redirects); a process 9 does not exist.
        run += ["--redirects=9:1", "--tee=9:1"]
    script = [os.path.join(os.path.dirname(__file__), "run_trainer.py"), "--recipe", "toy", "--batch-size", "16"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*run, *script, "--device", "cpu", "--out", str(tmp_path / "two")],
        capture_output=True, text=True, timeout=120, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    one, two = lines(tmp_path / "one"), lines(tmp_path / "two")
    assert two[0]["report/mean"] == pytest.approx(one[0]["report/mean"], rel=1e-5)
    assert len(one) == len(two)
    assert sum(line["loss"] for line in two) == pytest.approx(sum(line["loss"] for line in one), rel=0.05)


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["--recipe", "toy"], "--out"),
        (["--recipe", "none", "--out", "x"], "invalid choice"),
        (["--recipe", "toy", "--out", "x", "--images", "y"], "takes no --images"),
        (["--recipe", "toy", "--out", "x", "--set", "colour=1"], "KEY=VALUE with a key of the recipe"),
        (["--recipe", "toy", "--out", "x", "--set", "noise=much"], "give a value like 0.0"),
        (["--recipe", "toy", "--out", "x", "--device", "abacus"], "abacus"),
        (["--recipe", "toy", "--out", "x", "--preset", "unsamv2"], 'no preset "unsamv2"; it has none'),
        (["--recipe", "adapt", "--out", "x", "--preset", "mine"], 'no preset "mine"; there are: unsamv2'),
        (["--recipe", "toy", "--out", "x", "--batch-size", "0"], "at least 1"),
    ],
)
def test_bad_usage_exits_with_2(tmp_path, monkeypatch, capsys, arguments, text):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(arguments)
    except SystemExit as stopped:  # argparse
        code = stopped.code
    said = capsys.readouterr()
    assert code == 2 and text in said.err and said.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_preset_gives_other_defaults_and_what_is_named_wins(tmp_path, capsys):
    asked = ["--recipe", "adapt", "--out", str(tmp_path / "x"), "--list-options", "--preset", "unsamv2"]
    assert main([*asked, "--set", "correction_rounds=2", "--learning-rate", "0.5"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["options"]["prompts_per_image"] == 30 and found["options"]["correction_rounds"] == 2
    assert found["options"]["dice"] == 1.0
    assert found["settings"]["weight_decay"] == 1e-5 and found["settings"]["learning_rate"] == 0.5
