"""Progress of long work: a bar on a terminal, otherwise a line every ten seconds."""

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
    """Column of a progress bar with the rate in items per second."""

    def __init__(self, unit: str, factor: float = 1.0) -> None:
        """Set up the column.

        Args:
            unit: name of the items.
            factor: number of items in each of the task's steps; steps before the task's field ``first`` do not count.
        """
        super().__init__()
        self.unit, self.factor = unit, factor

    def render(self, task: Task) -> Text:
        """Return the mean rate of a task as text."""
        seconds = task.finished_time or task.elapsed
        done = task.completed - task.fields.get("first", 0)
        rate = f"{done * self.factor / seconds:.1f} {self.unit}/s" if seconds and done > 0 else ""
        return Text(rate, style="progress.data.speed")


def bar(console: Console, unit: str, *extra: str, factor: float = 1.0) -> Progress:
    """Return a progress bar with count, rate and remaining time; it is not shown without a terminal.

    Args:
        console: where the bar is shown.
        unit: name of the items.
        *extra: formats of further columns, such as ``"epoch {task.fields[epoch]}"``.
        factor: number of items in each of the task's steps.
    """
    return Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(), Rate(unit, factor),
        TimeRemainingColumn(), *(TextColumn(text) for text in extra), console=console,
        disable=not console.is_terminal,
    )  # fmt: skip


@contextmanager
def counted(title: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
    """Show the progress of work that is done in batches: a bar, or without a terminal a line every ten seconds.

    Args:
        title: start of the line.
        total: number of items.
        unit: name of the items.

    Yields:
        A function that is called with the number of items finished since its last call.
    """
    console = Console(stderr=True)
    started = last = time.monotonic()
    done = 0
    with bar(console, unit) as progress:
        task = progress.add_task(title, total=total)

        def advance(count: int) -> None:
            nonlocal done, last
            done += count
            progress.advance(task, count)
            now = time.monotonic()
            if not console.is_terminal and (done == total or now - last > SECONDS_BETWEEN_LINES):
                last, rate = now, done / max(now - started, 1e-9)
                left = (total - done) / rate
                console.print(
                    f"{title}: {done}/{total} {unit}, {rate:.1f} {unit}/s, {left:.0f} s left", highlight=False
                )

        yield advance


def tracked(items: Iterable[Item], title: str, total: int, unit: str) -> Iterator[Item]:
    """Yield the items and show how many are done: a bar, or without a terminal a line every ten seconds."""
    with counted(title, total, unit) as advance:
        for item in items:
            yield item
            advance(1)
