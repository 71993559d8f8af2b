"""Independent tasks in one process or several; the results do not depend on the number of processes."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from pix2earth.settings.errors import Stopped

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """Yield ``function(item)`` for every item, in the order of the items.

    Args:
        function: a function of a module, so that other processes can import it.
        items: its arguments.
        workers: number of processes; 1: the calling process.

    Raises:
        Stopped: a process was killed.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        yield from map(function, items)
        return
    # Spawned, not forked: a fork of a process in which TensorFlow runs can hang.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield from _bounded(pool, function, items, 2 * workers)
        except BrokenProcessPool:
            advice = "run the same command again to resume, with fewer --workers if memory was short"
            raise Stopped(f"a process was killed; {advice}") from None
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _bounded(
    pool: ProcessPoolExecutor, function: Callable[[Item], Result], items: Sequence[Item], ahead: int
) -> Iterator[Result]:
    """Yield results in order, with at most ``ahead`` items submitted in advance, to bound memory."""
    futures = [_submit(pool, function, item) for item in items[:ahead]]
    for number in range(len(items)):
        yield futures[number].result()
        futures[number] = None  # type: ignore[call-overload]  # frees its memory
        if number + ahead < len(items):
            futures.append(_submit(pool, function, items[number + ahead]))


def _submit(pool: ProcessPoolExecutor, function: Callable[[Item], Result], item: Item) -> Future[Result]:
    """Submit a task; a process that this starts inherits a blocked Ctrl-C, which must not interrupt its imports."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(_interruptible, function, item)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _interruptible(function: Callable[[Item], Result], item: Item) -> Result:
    """Return ``function(item)``; only here Ctrl-C interrupts a worker, as elsewhere it would print a traceback."""
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return function(item)
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
