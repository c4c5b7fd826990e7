"""The run's log: JSON lines, one per `log_every` steps."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Mapping

from ..whole_file import write_text
from .events import Events


class Log:
    """Appends lines to `path`, and the same to `events` for TensorBoard; what an earlier run wrote beyond `step` is dropped,
    because it will be written again."""

    def __init__(self, path: Path, events: Path, step: int) -> None:
        kept = [line for line in read_log(path) if line.get("step", 0) <= step] if path.exists() else []
        write_text(path, "".join(json.dumps(line) + "\n" for line in kept))
        self._file = open(path, "a", encoding="utf-8")
        self._events = Events(events, kept)

    def write(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        self._events.write(line)

    def close(self) -> None:
        self._events.close()
        os.fsync(self._file.fileno())
        self._file.close()


def read_log(path: Path) -> list[dict[str, Any]]:
    """The log's lines; one cut off by a crash is left out."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines


class Window:
    """Means of the losses since the last line of the log."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self.sums: dict[str, float] = dict(state["sums"]) if state else {}
        self.count: int = state["count"] if state else 0

    def add(self, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1

    def take(self) -> dict[str, float]:
        means = {name: total / self.count for name, total in self.sums.items()}
        self.sums, self.count = {}, 0
        return means

    def state(self) -> dict[str, Any]:
        return {"sums": self.sums, "count": self.count}
