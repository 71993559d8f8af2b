"""Several items computed at once by threads: the cores that one leaves idle work on another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(function: Callable[[Item], Result], items: Iterable[Item], count: Callable[[], int]) -> Iterator[Result]:
    """Yield the results of a function for items, in their order.

    An error of the function is raised where its result would have been yielded.

    Args:
        function: is called in threads.
        items: read in the caller's thread, each when there is room for it.
        count: returns how many items may be computed at once; asked after each result.

    Yields:
        The result for each item.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(thread_name_prefix="at-once") as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            while len(waiting) >= count():
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
