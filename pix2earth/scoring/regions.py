"""Scores inside and outside of a mask, such as the clouds that a network was to see through."""

from __future__ import annotations

import tensorflow as tf

REGIONS = ("inside", "outside")
"""Where the mask is not 0, and where it is."""


def column(metric: str, region: str) -> str:
    """Return the name of a metric's column for a region."""
    return f"{metric}.{region}"


def by_date(values: tf.Tensor, dates: int | None) -> tf.Tensor:
    """Return every date as a sample of its own.

    Args:
        values: (batch, height, width, band), with dates also (batch, date, height, width, band) or, folded,
            (batch, height, width, date * band).
        dates: number of dates, or None.

    Returns:
        (batch * date, height, width, band), the dates of a sample one after the other.
    """
    if dates is None:
        return values
    if len(values.shape) == 4:
        height, width, folded = values.shape[1:]
        values = tf.transpose(tf.reshape(values, (-1, height, width, dates, folded // dates)), (0, 3, 1, 2, 4))
    return tf.reshape(values, (-1, *values.shape[2:]))


def masks(mask: tf.Tensor, dates: int | None, valid: tf.Tensor | None) -> dict[str, tf.Tensor]:
    """Return by region which pixels count, bool (batch * date, height, width).

    Args:
        mask: as ``by_date`` takes values, one band.
        dates: number of dates, or None.
        valid: bool (batch, height, width), pixels that count at all; None: all.
    """
    inside = by_date(mask, dates)[..., 0] > 0
    if valid is None:
        return {"inside": inside, "outside": ~inside}
    everywhere = tf.repeat(valid, dates or 1, axis=0)
    return {"inside": inside & everywhere, "outside": ~inside & everywhere}


def mean_over_dates(scores: tf.Tensor, dates: int | None) -> tf.Tensor:
    """Return (batch,) of (batch * date,): the mean over the dates that have a finite score, else NaN."""
    table = tf.reshape(scores, (-1, dates or 1))
    finite = tf.math.is_finite(table)
    total = tf.reduce_sum(tf.where(finite, table, tf.zeros_like(table)), axis=1)
    return total / tf.reduce_sum(tf.cast(finite, table.dtype), axis=1)
