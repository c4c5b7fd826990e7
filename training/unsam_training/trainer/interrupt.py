"""SIGINT and SIGTERM end a run after the step in hand, with a checkpoint."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import Iterator


class Interrupt:
    """Which signal came, if one did."""

    def __init__(self) -> None:
        self.signal: int | None = None

    @property
    def exit_code(self) -> int:
        return 128 + (self.signal or 0)


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """The first signal is noted; a second one of the kind acts at once, as if this were not here."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def note(number: int, _frame: object) -> None:
        interrupt.signal = number
        signal.signal(number, before[number])

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interrupt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
