"""The command line: `python3 -m unsam_training --recipe NAME --images DIR --labels DIR --out DIR …`.

Progress goes to standard error, the summary as one JSON document to standard output. Exit codes: 0 done, 1 the work
failed, 2 bad usage or bad input, 128 + signal where one ended the run (the same command goes on from there).
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Sequence

from .errors import BadInput, TrainingFailed
from .trainer.loop import train
from .trainer.recipe import recipe_module, recipe_names
from .trainer.settings import Settings

# Options that the command line names itself, where a recipe has them.
_COMMON = {
    "images": "folder of images",
    "labels": "folder of label files, as `unsam pseudo-label` writes them",
    "checkpoint": "weights to start from, .pt or .safetensors",
    "config": "model configuration of the checkpoint (JSON)",
    "weights": "which weights of the checkpoint, where it holds several (`unsam inspect` lists them)",
    "batch_size": "samples of one step, over all processes",
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        summary = _run(given)
    except BadInput as error:
        print(f"unsam_training: {error}", file=sys.stderr)
        return 2
    except TrainingFailed as error:
        print(f"unsam_training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    code = summary.pop("exit_code")
    if code > 128:
        # An echo of the signal must not kill the process that is ending already, and so change its exit code.
        signal.signal(code - 128, signal.SIG_IGN)
    if int(os.environ.get("RANK", "0")) == 0:
        print(json.dumps(summary, indent=2))
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m unsam_training",
        description="Train a promptable segmentation model from images and label files.",
        allow_abbrev=False,
    )
    parser.add_argument("--recipe", required=True, choices=recipe_names())
    parser.add_argument("--out", required=True, type=Path, help="folder for checkpoints, log, pictures and weights")
    for name, text in _COMMON.items():
        parser.add_argument(_flag(name), type=int if name == "batch_size" else str, help=text)
    parser.add_argument("--preset", help="other defaults for the options and settings, where the recipe has them")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="an option of the recipe")
    parser.add_argument(
        "--resume",
        choices=("same", "changed", "never"),
        default="same",
        help="what to do with a checkpoint in --out: go on if the options are the same (default), go on anyhow, start over",
    )
    parser.add_argument("--export-only", action="store_true", help="write the weights of the checkpoint in --out")
    parser.add_argument("--list-options", action="store_true", help="print the recipe's options and settings as JSON")
    steering = parser.add_argument_group("settings of the run (defaults: the recipe's)")
    for field in dataclasses.fields(Settings):
        steering.add_argument(_flag(field.name), type=type(field.default), default=None)
    return parser


def _run(given: argparse.Namespace) -> dict[str, Any]:
    module = recipe_module(given.recipe)
    preset = _preset(given, module)
    options = _options(given, {**module.DEFAULTS, **preset.get("options", {})})
    settings = _settings(given, {**module.SETTINGS, **preset.get("settings", {})})
    if given.list_options:
        return {"options": options, "settings": dataclasses.asdict(settings), "exit_code": 0}
    return train(given.recipe, options, settings, given.out, resume=given.resume, export_only=given.export_only)


def _preset(given: argparse.Namespace, module: Any) -> dict[str, dict[str, Any]]:
    if given.preset is None:
        return {}
    presets = getattr(module, "PRESETS", {})
    if given.preset not in presets:
        names = f"there are: {', '.join(sorted(presets))}" if presets else "it has none"
        raise BadInput(f'The recipe {given.recipe} has no preset "{given.preset}"; {names}.')
    return presets[given.preset]


def _options(given: argparse.Namespace, defaults: dict[str, Any]) -> dict[str, Any]:
    options = dict(defaults)
    for name in _COMMON:
        value = getattr(given, name)
        if value is None:
            continue
        if name not in options:
            raise BadInput(f"The recipe {given.recipe} takes no {_flag(name)}.")
        options[name] = value
    for text in given.set:
        key, equals, value = text.partition("=")
        if not equals or key not in options:
            raise BadInput(f"--set {text}: give KEY=VALUE with a key of the recipe: {', '.join(sorted(options))}.")
        options[key] = _parsed(key, value, defaults[key])
    if options.get("batch_size", 1) < 1:
        raise BadInput(f"batch_size is {options['batch_size']}; it must be at least 1.")
    return options


def _parsed(key: str, text: str, default: Any) -> Any:
    """JSON where it is JSON, else the text; of the default's kind."""
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    kind = (int, float) if isinstance(default, float) else type(default)
    if default is not None and (not isinstance(value, kind) or isinstance(value, bool) != isinstance(default, bool)):
        raise BadInput(f"--set {key}={text}: give a value like {json.dumps(default)}.")
    return value


def _settings(given: argparse.Namespace, defaults: dict[str, Any]) -> Settings:
    chosen = {field.name: getattr(given, field.name) for field in dataclasses.fields(Settings)}
    return Settings(**{**defaults, **{name: value for name, value in chosen.items() if value is not None}})


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
