"""Whether the order of batches matters to a network."""

from __future__ import annotations

from typing import Any

from tensorflow.python.framework import op_def_registry

AT_ONCE = 2
"""Batches of windows that are computed at once: on processors, one does not keep all cores busy."""
READING = {"ReadVariableOp", "ResourceGather", "PartitionedCall", "StatefulPartitionedCall"}
"""Operations that TensorFlow counts among those with a state, and that change none; calls are looked into."""


def has_no_state(function: Any) -> bool:
    """Return whether a ``tf.function`` of some shapes reads variables at most: calls may then be in any order.

    One that changes variables, such as the state of a recurrent network, or draws random numbers may not.
    """
    graph = function.graph.as_graph_def()
    nodes = [*graph.node, *(node for each in graph.library.function for node in each.node_def)]
    return all(node.op in READING or not op_def_registry.get(node.op).is_stateful for node in nodes)
