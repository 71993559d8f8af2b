"""Signals that ask a run to end between two steps."""

from __future__ import annotations

import signal
from typing import Any

# Windows has no SIGHUP.
SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]


class Interruption:
    """Notes SIGTERM, SIGHUP and Ctrl-C, so that the loop can end between two steps; a second Ctrl-C ends at once."""

    def __init__(self) -> None:
        """Begin to listen."""
        self.signal: int | None = None
        # Under nohup, SIGHUP is ignored and stays so.
        heard = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._before = {number: signal.signal(number, self._note) for number in heard}

    def _note(self, number: int, _: Any) -> None:
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number

    def close(self) -> None:
        """Listen no more."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
