"""What a training tells to a console, a test or a benchmark."""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """Receives messages and losses of a training: a console, or an object of a test or benchmark."""

    validation: str
    """The newest validation as a short text, set by the loop."""

    def message(self, line: str) -> None:
        """Receive a message of one line."""

    def step(self, step: int, epoch: float, losses: dict[str, float]) -> None:
        """Receive the losses of a finished step."""
