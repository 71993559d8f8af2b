"""An exponential moving average of the generator's weights, for any plug-in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from pix2earth.plugins import state
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment

ATTRIBUTE = "averaged_weights"
"""The attribute of a plug-in that holds the averages: checkpoints hold what is in a plug-in's attributes."""
PREFIX = "generator"


def add(experiment: Experiment, gan: Any, plugin: Path) -> None:
    """Give a plug-in averages of the weights of its generators, where the experiment has the key ``ema``.

    Generators are all networks whose name begins with "generator". Call it before a checkpoint is restored.

    Raises:
        UserError: the plug-in has no such network, or uses the attribute for something else.
    """
    if experiment.settings.ema is None:
        return
    if hasattr(gan, ATTRIBUTE):
        raise UserError(f"{plugin}: GAN has an attribute {ATTRIBUTE}, which the key 'ema' needs; rename it")
    weights = _weights(gan)
    if not weights:
        raise UserError(f"{experiment.file}: ema: {plugin.name} has no network whose name begins with '{PREFIX}'")
    setattr(gan, ATTRIBUTE, [_copy(weight) for weight in weights])


def _copy(weight: Any) -> tf.Variable:
    """Return a variable with the value of a weight; on several devices all assign the same to it."""
    value = tf.convert_to_tensor(weight)
    return tf.Variable(value, trainable=False, aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA)


def update(gan: Any, decay: float, step: tf.Tensor) -> None:
    """Move the averages towards the weights after a step.

    The decay is lower at the beginning, (1 + step) / (10 + step), so that the initial weights are forgotten, as in
    ``tf.train.ExponentialMovingAverage``.

    Args:
        gan: the plug-in.
        decay: the key ``ema``.
        step: number of steps that were finished before this one, int64.
    """
    finished = tf.cast(step, tf.float32)
    rest = 1.0 - tf.minimum(decay, (1.0 + finished) / (10.0 + finished))
    for average, weight in zip(getattr(gan, ATTRIBUTE), _weights(gan), strict=True):
        average.assign_sub(tf.cast(rest, average.dtype) * (average - tf.convert_to_tensor(weight)))


def use(gan: Any) -> None:
    """Replace the weights of the generators by their averages, where a plug-in has them."""
    for average, weight in zip(getattr(gan, ATTRIBUTE, ()), _weights(gan), strict=False):
        weight.assign(tf.convert_to_tensor(average))


@contextmanager
def used(gan: Any) -> Iterator[None]:
    """Replace the weights of the generators by their averages in a block; a context manager."""
    if not hasattr(gan, ATTRIBUTE):
        yield
        return
    weights = _weights(gan)
    values = [tf.identity(tf.convert_to_tensor(weight)) for weight in weights]
    use(gan)
    try:
        yield
    finally:
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)


def _weights(gan: Any) -> list[Any]:
    """Return the trainable weights of all generators, each once; batch statistics are averages already."""
    networks = [network for name, network in state.networks(gan).items() if name.startswith(PREFIX)]
    weights = [weight for network in networks for weight in network.trainable_weights]
    return list({id(weight): weight for weight in weights}.values())
