"""Independent pieces of work, in this process or in several; the results do not depend on how many."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from pix2earth.settings.errors import Stopped

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(function: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """Yield ``function(item)`` of every item in order.

    Args:
        function: of a module, so that other processes find it.
        items: what to work on.
        workers: processes; 1: this one.

    Raises:
        Stopped: a process was killed.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        yield from map(function, items)
        return
    # Fresh processes: copies of one in which TensorFlow runs can hang.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            yield from _bounded(pool, function, items, 2 * workers)
        except BrokenProcessPool:
            advice = "the same command goes on where it was, with fewer --workers if memory was short"
            raise Stopped(f"a process was killed; {advice}") from None
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _bounded(
    pool: ProcessPoolExecutor, function: Callable[[Item], Result], items: Sequence[Item], ahead: int
) -> Iterator[Result]:
    """Yield in order, with only so many results waiting in memory."""
    futures = [pool.submit(function, item) for item in items[:ahead]]
    for number in range(len(items)):
        yield futures[number].result()
        futures[number] = None  # type: ignore[call-overload]  # lets its memory go
        if number + ahead < len(items):
            futures.append(pool.submit(function, items[number + ahead]))
