"""Messages and progress of a run: on the terminal, and in a log file in ``nohup/``."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import Progress, TaskID

from pix2earth.console.progress import SECONDS_BETWEEN_LINES, bar
from pix2earth.settings.errors import discard_output


class Terminal(Console):
    """A console whose reader may end (``| head``, a lost connection) without ending the run."""

    def on_broken_pipe(self) -> None:
        """Print nothing more; the log file is still written."""
        self.quiet = True
        discard_output()


class RunConsole:
    """Prints and logs messages, and shows a progress bar of steps on a terminal; a context manager."""

    def __init__(self, log: Path | None, *, total: int, done: int, batch_size: int) -> None:
        """Open the log and prepare the bar.

        Args:
            log: the log file, which is continued; None: this process prints nothing.
            total: steps of the run.
            done: steps that are finished already.
            batch_size: images per step.
        """
        self.quiet = log is None
        self._console = Terminal(quiet=self.quiet, highlight=False, emoji=False, soft_wrap=True)
        self._log: TextIO | None = None
        if log is not None:
            log.parent.mkdir(parents=True, exist_ok=True)
            self._log = log.open("a", buffering=1)
        self._total, self._first, self._batch = total, done, batch_size
        self._started = self._last = time.monotonic()
        self._bar: Progress = bar(self._console, "img", "epoch {task.fields[epoch]:.1f}", "{task.fields[text]}",
                                  factor=batch_size)  # fmt: skip
        self._task: TaskID = self._bar.add_task("step", total=total, completed=done, first=done, epoch=0.0, text="")
        self.validation = ""
        self._seconds: list[float] = []
        self._finished: float | None = None

    @property
    def images_per_second(self) -> float | None:
        """Batch size over the median time between two finished steps; None before there are two."""
        return self._batch / statistics.median(self._seconds) if self._seconds else None

    def __enter__(self) -> RunConsole:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar and close the log."""
        self._bar.stop()
        if self._log:
            self._log.close()

    def message(self, line: str) -> None:
        """Print a line and log it with the time."""
        self._console.print(line, markup=False)
        self._to_log(line)

    def _to_log(self, line: str) -> None:
        if self._log:
            self._log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {line}\n")

    def step(self, step: int, epoch: float, losses: dict[str, float]) -> None:
        """Report a finished step: in the bar; in the log, and without a terminal, every ten seconds and at the end.

        Args:
            step: number of finished steps.
            epoch: number of finished epochs.
            losses: by name; those that start with "total" are shown, or all where there is none.
        """
        totals = {name: value for name, value in losses.items() if name.startswith("total")} or losses
        text = " ".join(f"{name} {value:.4g}" for name, value in totals.items())
        self._bar.update(self._task, completed=step, epoch=epoch, text=f"{text} {self.validation}")
        now = time.monotonic()
        if self._finished is not None:
            self._seconds.append(now - self._finished)
        self._finished = now
        if now - self._last < SECONDS_BETWEEN_LINES and step != self._total:
            return
        rate = (step - self._first) / max(now - self._started, 1e-9)
        self._last = now
        left = (self._total - step) / rate
        line = (
            f"step {step}/{self._total}, epoch {epoch:.1f}, {rate * self._batch:.1f} img/s, {left:.0f} s left,"
            f" {text} {self.validation}"
        ).rstrip()
        self._to_log(line)
        if not self._console.is_terminal:
            self._console.print(line, markup=False)
