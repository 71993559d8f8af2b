"""Work ahead of its use: a thread computes the next items while the present one is used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")
DEPTH = 4
"""Number of items that wait at most: two stages then overlap, and the memory stays that of a few batches."""
PAUSE = 0.1
"""Seconds after which a thread that waits looks whether it is to end."""


@contextmanager
def ahead(items: Iterator[Item], depth: int = DEPTH) -> Iterator[Iterator[Item]]:
    """Compute items in a thread of their own, in their order, a few more than have been used.

    An error in the thread is raised where its item would have been used. At the end of the ``with`` block, also after
    an error or Ctrl-C, the thread finishes the item that it is computing and closes the iterator.

    Args:
        items: computed in the thread; a generator is closed in it.
        depth: number of items that wait at most.

    Yields:
        The same items.
    """
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(depth)
    stopped = threading.Event()

    def put(kind: str, value: Any) -> None:
        while not stopped.is_set():
            try:
                return waiting.put((kind, value), timeout=PAUSE)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put("item", item)
                if stopped.is_set():
                    break
            else:
                put("end", None)
        except BaseException as error:  # of any kind: it is raised again where the item is used
            put("error", error)
        finally:
            if hasattr(items, "close"):
                items.close()

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        yield _taken(waiting)
    finally:
        stopped.set()
        thread.join()


def _taken(waiting: queue.Queue[tuple[str, Any]]) -> Iterator[Any]:
    """Yield what a thread has put into a queue, until its end or its error."""
    while True:
        kind, value = waiting.get()
        if kind == "error":
            raise value
        if kind == "end":
            return
        yield value
