"""The training loop: one for all recipes."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Callable, Mapping

import torch
from torch import Tensor, nn

from ..devices import to_device
from ..errors import BadInput, TrainingFailed
from ..progress import tell
from .checkpoint import load_run, restore, save_run
from .distributed import Processes, processes
from .ema import MovingAverage, averaged
from .interrupt import Interrupt, interruptible
from .loader import batches
from .logs import Log, Window
from .recipe import Recipe, recipe_module
from .report import draw_report, save_previews
from .schedule import learning_rate
from ..seeding import seed_torch
from .settings import BOOKKEEPING, Settings

CHECKPOINT = "last.pt"
LOG = "log.jsonl"
EVENTS = "events.out.tfevents.unsam"
WEIGHTS = "model.safetensors"
_REPORT = "report/"
# A step whose gradient is not finite is skipped; this many in a row are a failure.
_PATIENCE = 20


class _Losses(nn.Module):
    """The recipe's losses as a module's forward pass, which is what DistributedDataParallel wraps."""

    def __init__(self, recipe: Recipe, model: nn.Module) -> None:
        super().__init__()
        self.recipe = recipe
        self.model = model

    def forward(self, batch: Any) -> dict[str, Tensor]:
        return self.recipe.losses(self.model, batch)


def train(
    recipe_name: str,
    options: Mapping[str, Any],
    settings: Settings,
    out: Path,
    *,
    resume: str = "same",
    export_only: bool = False,
    progress: Callable[[str], None] = tell,
) -> dict[str, Any]:
    """Trains until `settings.last_step`, going on from `out/last.pt` where that is there, and returns a summary.

    `resume`: "same" refuses a checkpoint of a run with other options, "changed" goes on from it, "never" starts over.
    The summary's `exit_code` is 128 + signal where one ended the run. Raises `BadInput`, `TrainingFailed`.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    with processes(settings.device) as group, interruptible() as interrupt:
        run = _Run(recipe_name, options, settings, out, group, progress if group.leads else lambda text: None)
        run.prepare(resume)
        if not export_only:
            run.train(interrupt)
        return run.finish(interrupt, export=export_only or run.step >= settings.last_step)


class _Run:
    def __init__(
        self,
        recipe_name: str,
        options: Mapping[str, Any],
        settings: Settings,
        out: Path,
        group: Processes,
        progress: Callable[[str], None],
    ) -> None:
        self.settings, self.out, self.group, self.progress = settings, out, group, progress
        self.identity = {
            "recipe": recipe_name,
            "options": dict(options),
            "settings": {k: v for k, v in dataclasses.asdict(settings).items() if k not in BOOKKEEPING},
        }
        self.share = group.share(int(options.get("batch_size", 1)))
        self.recipe: Recipe = recipe_module(recipe_name).create(dict(options))
        seed_torch(settings.seed)
        self.model = self.recipe.build_model(options).to(group.device)
        self.source = self.recipe.build_data(options, settings.seed)
        groups = self.recipe.parameter_groups(self.model)
        for parameters in groups:
            parameters["params"] = [p for p in parameters["params"] if p.requires_grad]
            parameters.setdefault("lr_scale", 1.0)
        self.trained = [p for parameters in groups for p in parameters["params"]]
        missing = {id(p) for p in self.model.parameters() if p.requires_grad} - {id(p) for p in self.trained}
        if missing or not self.trained:
            raise TrainingFailed(f"The recipe leaves {len(missing)} trained tensors out of its parameter groups.")
        self.optimizer = torch.optim.AdamW(
            groups,
            lr=settings.learning_rate,
            betas=(settings.beta1, settings.beta2),
            weight_decay=settings.weight_decay,
        )
        self.average = MovingAverage(self.model, settings.ema_decay) if settings.ema_decay else None
        self.window = Window()
        self.step = 0
        self.evaluations: list[dict[str, float]] = []
        self.first_loss: float | None = None
        self.last_loss: float | None = None

    def prepare(self, resume: str) -> None:
        path = self.out / CHECKPOINT
        if resume != "never" and path.exists():
            state = load_run(path)
            changes = _differences(state["identity"], self.identity)
            if changes and resume == "same":
                raise BadInput(
                    f"{path} belongs to a run with other options ({'; '.join(changes)}). Give the same options, "
                    "--resume changed to go on from it with these, --resume never to start over, or another --out."
                )
            restore(state, path, self.model, self.optimizer, self.average)
            self.window = Window(state["log_window"])
            self.step = state["step"]
            self.progress(
                f"going on from {path} after step {self.step}" + (f"; {'; '.join(changes)}" if changes else "")
            )
        if self.group.leads:
            self.out.mkdir(parents=True, exist_ok=True)

    def train(self, interrupt: Interrupt) -> None:
        settings, group = self.settings, self.group
        losses: nn.Module = _Losses(self.recipe, self.model)
        if group.count > 1:
            losses = nn.parallel.DistributedDataParallel(losses, find_unused_parameters=True)
        log = Log(self.out / LOG, self.out / EVENTS, self.step) if group.leads else None
        self.model.train()
        skipped = 0
        began, step_began = time.monotonic(), self.step
        self.progress(
            f"training {sum(p.numel() for p in self.trained):,} of {sum(p.numel() for p in self.model.parameters()):,} "
            f"parameters on {group.device} in {group.count} process(es), steps {self.step + 1} to {settings.last_step}"
        )
        try:
            if self.step == 0 and settings.last_step > 0:
                if settings.evaluate_every:
                    self._evaluate(log)
                if group.leads:
                    self._preview()
            for batch in batches(self.source, range(self.step, settings.last_step), self.share, settings.workers):
                values, finite = self._update(losses, to_device(batch, group.device))
                skipped = 0 if finite else skipped + 1
                if skipped == _PATIENCE:
                    raise TrainingFailed(
                        f"The gradient has not been finite for {_PATIENCE} steps, up to step {self.step + 1}; "
                        "lower --learning-rate, or look at the log."
                    )
                self.step += 1
                self.window.add(values)
                self.last_loss = values["loss"]
                if self.first_loss is None:
                    self.first_loss = values["loss"]
                last = self.step >= settings.last_step
                if self.step % settings.log_every == 0 or last:
                    self._log(log, (self.step - step_began) / (time.monotonic() - began), last)
                if settings.evaluate_every and (self.step % settings.evaluate_every == 0 or last):
                    self._evaluate(log)
                stop = group.any(interrupt.signal is not None)
                if self.step % settings.checkpoint_every == 0 or last or stop:
                    self._save()
                if group.leads and (self.step % settings.preview_every == 0 or last) and not stop:
                    self._preview()
                if stop:
                    self.progress(f"interrupted after step {self.step}; the same command goes on from here")
                    break
        finally:
            if log:
                log.close()

    def _update(self, losses: nn.Module, batch: Any) -> tuple[dict[str, float], bool]:
        """One step of the optimizer. Returns the losses of this step, averaged over processes, and whether they were
        finite; where not, nothing was changed."""
        settings, group = self.settings, self.group
        seed_torch(settings.seed, self.step, group.rank)
        rate = learning_rate(self.step, settings)
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = rate * parameters["lr_scale"]
        precision = (
            torch.autocast(group.device.type, dtype=torch.bfloat16)
            if settings.precision == "bfloat16"
            else nullcontext()
        )
        with precision:
            parts = losses(batch)
        learned = [v.float() for name, v in parts.items() if not name.startswith(_REPORT)]
        if not any(loss.requires_grad for loss in learned):
            raise BadInput("Every objective of the recipe has weight 0, so nothing would be learned; give one a weight.")
        total = torch.stack(learned).sum()
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        # Also without clipping: the norm tells whether the gradient is finite.
        norm = nn.utils.clip_grad_norm_(self.trained, settings.clip_norm or math.inf)
        finite = bool(torch.isfinite(norm))
        if finite:
            self.optimizer.step()
            if self.average:
                self.average.update(self.model, self.step)
        values = group.mean(torch.stack([total.detach(), *(v.detach().float() for v in parts.values())]))
        named = dict(zip(("loss", *parts), values.tolist()))
        return {**named, "gradient_norm": float(norm), "skipped": float(not finite)}, finite

    def _log(self, log: Log | None, rate: float, last: bool) -> None:
        means = self.window.take()
        if not log:
            return
        line = {"step": self.step, "learning_rate": learning_rate(self.step - 1, self.settings), **means}
        log.write({**line, "steps_per_second": round(rate, 3)})
        left = (self.settings.last_step - self.step) / rate
        parts = "  ".join(
            f"{name} {value:.4g}" for name, value in means.items() if name not in ("loss", "skipped", "gradient_norm")
        )
        self.progress(
            f"step {self.step}/{self.settings.last_step}  loss {means['loss']:.4f}  {parts}  "
            f"{rate:.2f} steps/s" + ("" if last else f", {_duration(left)} left")
        )

    def _evaluate(self, log: Log | None) -> None:
        evaluate = getattr(self.recipe, "evaluate", None)
        if evaluate and log:
            with averaged(self.model, self.average):
                found = {name: float(value) for name, value in evaluate(self.model).items()}
            log.write({"step": self.step, "evaluation": found})
            self.evaluations.append({"step": self.step, **found})
            self.progress(f"step {self.step}  " + "  ".join(f"{name} {value:.4f}" for name, value in found.items()))
        self.group.wait()

    def _save(self) -> None:
        if not self.group.leads:
            return
        save_run(
            self.out / CHECKPOINT,
            step=self.step,
            identity=self.identity,
            model=self.model,
            optimizer=self.optimizer,
            average=self.average,
            log_window=self.window.state(),
        )

    def _preview(self) -> None:
        with averaged(self.model, self.average):
            pictures = self.recipe.previews(self.model)
        save_previews(self.out, self.step, pictures)
        draw_report(self.out, self.out / LOG, self.identity, self.step)

    def finish(self, interrupt: Interrupt, export: bool) -> dict[str, Any]:
        summary: dict[str, Any] = {
            "recipe": self.identity["recipe"],
            "out": str(self.out),
            "step": self.step,
            "steps": self.settings.steps,
            "first_loss": self.first_loss,
            "last_loss": self.last_loss,
            "exit_code": interrupt.exit_code if interrupt.signal else 0,
        }
        if self.evaluations:
            summary["evaluation"] = {"first": self.evaluations[0], "last": self.evaluations[-1]}
        if export and self.group.leads:
            with averaged(self.model, self.average):
                told = self.recipe.export(self.model, self.out / WEIGHTS)
            summary.update(weights=str(self.out / WEIGHTS), **told)
        self.group.wait()
        return summary


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs, one short text each. Compared as JSON, which is how options come in."""

    def flat(value: Mapping[str, Any]) -> dict[str, str]:
        flat = {key: json.dumps(item) for part in ("options", "settings") for key, item in value[part].items()}
        # An option that is None is as good as absent: a run of an older version may not know it yet.
        return {key: text for key, text in flat.items() if text != "null"} | {"recipe": json.dumps(value["recipe"])}

    old, new = flat(before), flat(now)
    return [
        f"{key} was {old.get(key, 'absent')}, is {new.get(key, 'absent')}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
