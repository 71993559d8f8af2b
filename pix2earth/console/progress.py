"""Progress of long work: a bar on a terminal, a line now and then where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 10.0


class Rate(ProgressColumn):
    """Items a second."""

    def __init__(self, unit: str, factor: float = 1.0) -> None:
        """Show ``factor`` times the mean speed since the task's field ``first``, followed by the unit."""
        super().__init__()
        self.unit, self.factor = unit, factor

    def render(self, task: Task) -> Text:
        """Return the rate of a task."""
        seconds = task.finished_time or task.elapsed
        done = task.completed - task.fields.get("first", 0)
        shown = f"{done * self.factor / seconds:.1f} {self.unit}/s" if seconds and done > 0 else ""
        return Text(shown, style="progress.data.speed")


def bar(console: Console, unit: str, *extra: str, factor: float = 1.0) -> Progress:
    """Return a progress bar with count, rate, time left, and more columns taken from the task's fields."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(), Rate(unit, factor),
        TimeRemainingColumn(), *(TextColumn(text) for text in extra), console=console,
        disable=not console.is_terminal,
    )  # fmt: skip


@contextmanager
def counted(title: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """Show a progress bar, or without a terminal a line every ten seconds and at the end.

    Yields:
        A function that says how many more are done.
    """
    console = Console(stderr=True)
    started = last = time.monotonic()
    done = 0
    with bar(console, unit) as progress:
        task = progress.add_task(title, total=total)

        def advance(more: int) -> None:
            nonlocal done, last
            done += more
            progress.advance(task, more)
            now = time.monotonic()
            if not console.is_terminal and (done == total or now - last > SECONDS_BETWEEN_LINES):
                last, rate = now, done / max(now - started, 1e-9)
                left = (total - done) / rate
                console.print(
                    f"{title}: {done}/{total} {unit}, {rate:.1f} {unit}/s, {left:.0f} s left", highlight=False
                )

        yield advance


def tracked(items: Iterable[Item], title: str, total: int, unit: str) -> Iterator[Item]:
    """Yield the items under a progress bar; without a terminal print a line every ten seconds and at the end."""
    with counted(title, total, unit) as advance:
        for item in items:
            yield item
            advance(1)
