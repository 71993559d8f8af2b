"""Means over the pixels of a target that are measurements: missing pixels are never learnt."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


def mean(values: Any, validity: Any = None) -> Any:
    """Return the mean over valid pixels of the whole batch, also on several devices; 0 where there is none.

    Args:
        values: (batch, [time step,] height, width, channel).
        validity: float32, 1 where valid, else 0: of the same shape but for one channel, or with one channel for each
            time step whose bands follow one another in ``values``; None: all pixels are valid.
    """
    if validity is None:
        return ops.mean(values)
    channels, steps = values.shape[-1], validity.shape[-1]
    weights = ops.repeat(validity, channels // steps, axis=-1)
    return ops.sum(values * weights) / ops.maximum(_mean_over_devices(ops.sum(weights)), 1.0)


def _mean_over_devices(count: Any) -> Any:
    """Return the mean of a number over all devices that share a step.

    Each device has another number of valid pixels. Divided by their mean, losses average over devices to the mean over
    all valid pixels of the batch.
    """
    if keras.backend.backend() != "tensorflow":
        return count
    import tensorflow as tf

    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return count
    return context.all_reduce(tf.distribute.ReduceOp.MEAN, count)


def whole_windows(validity: Any, size: int) -> Any:
    """Return for each position of a size x size window whether all its pixels are valid, as 1 or 0.

    Args:
        validity: (batch, height, width, channel).
        size: side of the window in pixels.

    Returns:
        (batch, height - size + 1, width - size + 1, channel).
    """
    return 1.0 - ops.max_pool(1.0 - validity, size, strides=1, padding="valid", data_format="channels_last")
