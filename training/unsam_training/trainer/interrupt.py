"""SIGINT and SIGTERM end a run after the step in hand, with a checkpoint."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from types import FrameType
from typing import Iterator

_ECHO_SECONDS = 1.0


class Interrupt:
    """Which signal came, if one did."""

    def __init__(self) -> None:
        self.signal: int | None = None

    @property
    def exit_code(self) -> int:
        return 128 + (self.signal or 0)


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """The first signal is noted; another of the kind acts as if this were not here, unless it comes at once: a terminal
    signals every process of a command, and the one that started this passes the signal on."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    noted: dict[int, float] = {}

    def note(number: int, _frame: FrameType | None) -> None:
        interrupt.signal = number
        since = time.monotonic() - noted.setdefault(number, time.monotonic())
        if since > _ECHO_SECONDS:
            signal.signal(number, before[number])
            signal.raise_signal(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        # After a signal its echo may still come.
        for number in before.keys() - noted.keys():
            signal.signal(number, before[number])
