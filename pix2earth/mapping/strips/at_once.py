"""Several items computed at once: the cores that one leaves idle work on another, where the order does not matter."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from tensorflow.python.framework import op_def_registry

Item = TypeVar("Item")
Result = TypeVar("Result")
AT_ONCE = 2
"""Batches of windows that are computed at once: on processors, one does not keep all cores busy."""
READING = {"ReadVariableOp", "ResourceGather", "PartitionedCall", "StatefulPartitionedCall"}
"""Operations that TensorFlow counts among those with a state, and that change none; calls are looked into."""


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


def has_no_state(function: Any) -> bool:
    """Return whether a ``tf.function`` of some shapes reads variables at most: calls may then be in any order.

    One that changes variables, such as the state of a recurrent network, or draws random numbers may not.
    """
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    return all(node.op in READING or not op_def_registry.get(node.op).is_stateful for node in nodes)
