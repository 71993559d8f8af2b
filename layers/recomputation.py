"""Gradient checkpointing (Chen et al. 2016, arXiv:1604.06174): less memory in training, for a second forward pass.

Of each segment of a network training keeps the input alone; what is computed inside of it is computed again for the
gradient. Running statistics and the states of random numbers move in the first pass alone, and the second one starts
from the states that the first one had: it drops the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import keras
from keras import ops


class Segments:
    """A chain of segments, which share the layers of a network; calling it is a pass in training mode.

    It is no Keras model, so that a plug-in may have it as an attribute without having another network.
    """

    def __init__(
        self, boundaries: Sequence[Any], *, source: Any = None, beside: Sequence[Any] = (), output: Any = None
    ) -> None:
        """Divide a network.

        Args:
            boundaries: tensors of a functional Keras model in the order in which they are computed, each a function of
                the one before alone.
            source: input of the network, from which the first boundary is computed as usual; None: it is the first one.
            beside: further outputs that are computed from ``source`` alone.
            output: output of the network that is computed from the last boundary as usual; None: it is the last one.
        """
        self.head = None if source is None else keras.Model(source, [boundaries[0], *beside])
        self.parts = [keras.Model(one, other) for one, other in pairwise(boundaries)]
        self.tail = None if output is None else keras.Model(boundaries[-1], output)

    def __call__(self, x: Any) -> Any:
        """Return the output of the network, or the list of it and what is beside."""
        beside: list[Any] = []
        if self.head is not None:
            x, *beside = self.head(x, training=True)
        for part in self.parts:
            x = _recomputed(part, x)
        x = x if self.tail is None else self.tail(x, training=True)
        return [x, *beside] if beside else x


def _recomputed(part: keras.Model, x: Any) -> Any:
    """Return the output of a network in training mode; its gradient computes it again, without moving its state."""
    states = part.non_trainable_variables
    # Copies: `convert_to_tensor` of a variable may be the variable itself, which changes.
    before = [ops.copy(state) for state in states]
    after: list[Any] = []

    @keras.remat
    def compute(features: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(states, before, strict=True))) as scope:
            output = part(features, training=True)
        if not after:  # the first pass
            after.extend(scope.get_current_value(state) for state in states)
        return output

    output = compute(x)
    for state, value, old in zip(states, after, before, strict=True):
        if value is not old:
            state.assign(value)
    return output
