"""Scores by region: inside and outside of a mask, such as the clouds that a network is to remove."""

from __future__ import annotations

import tensorflow as tf

REGIONS = ("inside", "outside")
"""Where the mask is not 0, and where it is 0."""


def column(metric: str, region: str) -> str:
    """Return the name of the CSV column with a metric of a region."""
    return f"{metric}.{region}"


def split_time_steps(values: tf.Tensor, time_steps: int | None) -> tf.Tensor:
    """Return every time step as a separate sample.

    Args:
        values: (batch, height, width, band), or with time steps (batch, time step, height, width, band) or, folded,
            (batch, height, width, time step * band).
        time_steps: number of time steps; None: there is no such axis.

    Returns:
        (batch * time step, height, width, band), the time steps of a sample one after the other.
    """
    if time_steps is None:
        return values
    if len(values.shape) == 4:
        height, width, folded = values.shape[1:]
        unfolded = tf.reshape(values, (-1, height, width, time_steps, folded // time_steps))
        values = tf.transpose(unfolded, (0, 3, 1, 2, 4))
    return tf.reshape(values, (-1, *values.shape[2:]))


def masks(mask: tf.Tensor, time_steps: int | None, valid: tf.Tensor | None) -> dict[str, tf.Tensor]:
    """Return the valid pixels of each region, bool (batch * time step, height, width).

    Args:
        mask: one band, with axes as in ``split_time_steps``.
        time_steps: number of time steps, or None.
        valid: bool (batch, height, width), the pixels that are scored in any region; None: all.
    """
    inside = split_time_steps(mask, time_steps)[..., 0] > 0
    if valid is None:
        return {"inside": inside, "outside": ~inside}
    valid = tf.repeat(valid, time_steps or 1, axis=0)
    return {"inside": inside & valid, "outside": ~inside & valid}


def mean_over_time_steps(scores: tf.Tensor, time_steps: int | None) -> tf.Tensor:
    """Return the mean of the finite scores of each sample over its time steps, NaN where none is finite.

    Args:
        scores: (batch * time step,).
        time_steps: number of time steps, or None.

    Returns:
        (batch,).
    """
    table = tf.reshape(scores, (-1, time_steps or 1))
    finite = tf.math.is_finite(table)
    total = tf.reduce_sum(tf.where(finite, table, tf.zeros_like(table)), axis=1)
    return total / tf.reduce_sum(tf.cast(finite, table.dtype), axis=1)
