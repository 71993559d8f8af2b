"""Matching of histograms, by which images are compared without their differences of brightness and contrast."""

from __future__ import annotations

import math

import tensorflow as tf


def matched(image: tf.Tensor, reference: tf.Tensor, keep: tf.Tensor) -> tf.Tensor:
    """Return an image with the histogram of each band of a reference, as `match_histograms` of scikit-image does it.

    A value becomes that of the reference with the same share of values at or below it, linearly between such shares.

    Args:
        image: (batch, height, width, band).
        reference: of the same shape.
        keep: (batch, height, width, 1), True at the pixels that count; the others keep their values.

    Returns:
        (batch, height, width, band).
    """
    shape = tf.shape(image)
    keep = tf.broadcast_to(keep, shape)
    values, sorted_values = _rows(image, keep)
    _, sorted_reference = _rows(reference, keep)
    # Values at or below each one; pixels that do not count are infinite, and stay in range.
    rank = tf.clip_by_value(tf.searchsorted(sorted_values, values, "right"), 1, tf.shape(values)[1])
    upper = tf.gather(sorted_reference, rank - 1, batch_dims=1)
    below, up_to = (tf.searchsorted(sorted_reference, upper, side) for side in ("left", "right"))
    lower = tf.where(below == 0, upper, tf.gather(sorted_reference, tf.maximum(below - 1, 0), batch_dims=1))
    weight = tf.cast(rank - below, image.dtype) / tf.cast(up_to - below, image.dtype)
    found = tf.reshape(lower + (upper - lower) * weight, (shape[0], shape[3], shape[1], shape[2]))
    return tf.where(keep, tf.transpose(found, (0, 2, 3, 1)), image)


def _rows(image: tf.Tensor, keep: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the values of each band (batch * band, pixel), and sorted, infinite where pixels do not count."""
    counted = tf.where(keep, image, tf.cast(math.inf, image.dtype))
    shape = tf.shape(image)
    rows = tf.reshape(tf.transpose(counted, (0, 3, 1, 2)), (shape[0] * shape[3], shape[1] * shape[2]))
    return rows, tf.sort(rows, axis=1)
