"""Signals that end a run between two steps: SIGTERM, SIGHUP and Ctrl-C."""

from __future__ import annotations

import signal
from typing import Any

# Windows has no SIGHUP.
SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]


class Interruption:
    """Keeps the number of a received signal, so that the loop can end between two steps; a second Ctrl-C ends at once.

    Attributes:
        signal: the number of the received signal, or None.
    """

    def __init__(self) -> None:
        """Install the signal handlers."""
        self.signal: int | None = None
        # Under nohup, SIGHUP is ignored and stays so.
        handled = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        self._previous_handlers = {number: signal.signal(number, self._handle) for number in handled}

    def _handle(self, number: int, _: Any) -> None:
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number

    def close(self) -> None:
        """Restore the previous signal handlers."""
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)
