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

    def __init__(self, boundaries: Sequence[Any], *, source: Any = None, output: Any = None) -> None:
        """Divide a network.

        Args:
            boundaries: tensors of a functional Keras model, or lists of them, in the order in which they are computed,
                each a function of the one before alone.
            source: input of the network, from which the first boundary is computed as usual; None: it is the first one.
            output: output of the network that is computed from the last boundary as usual; None: it is the last one.
        """
        self.head = None if source is None else keras.Model(source, boundaries[0])
        self.parts = [keras.Model(one, other) for one, other in pairwise(boundaries)]
        self.tail = None if output is None else keras.Model(boundaries[-1], output)

    def __call__(self, x: Any) -> Any:
        """Return the output of the network, a tensor or a list as the last boundary or ``output`` is."""
        if self.head is not None:
            x = self.head(x, training=True)
        for part in self.parts:
            x = _recomputed(part, x)
        return x if self.tail is None else self.tail(x, training=True)


class TimeSteps:
    """A network that is applied to one time step of a series after the other, and computed again for the gradient.

    The gradient takes the time steps one after the other too: each hands the series on as its first tensor, whose
    gradient is known when those of later time steps are. TensorFlow computes a time step again when the gradient of its
    first output is known; without it all time steps would be computed again at once, and kept.
    """

    def __init__(self, image: Any, outputs: Sequence[Any], steps: int) -> None:
        """Take a network.

        Args:
            image: input of a functional Keras model, a time step.
            outputs: tensors that are computed from it.
            steps: number of time steps.
        """
        network = keras.Model(image, outputs)
        self.parts = [self._part(network, step, steps) for step in range(steps)]

    @staticmethod
    def _part(network: keras.Model, step: int, steps: int) -> keras.Model:
        """Return the network of a time step of the series; all but that of the last one hand the series on."""
        (image,) = network.inputs
        series = keras.Input((steps, *image.shape[1:]), dtype=image.dtype)
        handed_on = [keras.layers.Identity()(series)] if step < steps - 1 else []
        return keras.Model(series, [*handed_on, *network(series[:, step])])

    def __call__(self, series: Any) -> list[list[Any]]:
        """Return the outputs for each time step of ``(batch, time step, height, width, band)``."""
        found: list[list[Any]] = []
        for part in self.parts[:-1]:
            series, *outputs = _recomputed(part, series)
            found.append(outputs)
        return [*found, keras.tree.flatten(_recomputed(self.parts[-1], series))]


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
