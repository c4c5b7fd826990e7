"""Progress of a run, on standard error."""

from __future__ import annotations

import sys


def tell(text: str) -> None:
    """Prints a line. A run does not end because nobody reads it any more, or because its log has filled the device."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        pass
