"""Which pixels and which windows count, and means over them."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

Pair = tuple[tf.Tensor, tf.Tensor, tf.Tensor | None]


def counted(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None) -> Pair:
    """Return both images with zeros where nothing counts, and the mask as booleans with a band axis.

    Zeros, because a NaN outside of the mask would survive a multiplication with the mask.

    Args:
        target: (batch, height, width, band), float32 or float64.
        prediction: likewise; it takes the type of `target`.
        mask: (batch, height, width), non-zero where a pixel counts, or None.

    Returns:
        Target, prediction, and keep (batch, height, width, 1) or None.
    """
    target = tf.convert_to_tensor(target)
    prediction = tf.cast(prediction, target.dtype)
    if mask is None:
        return target, prediction, None
    keep = tf.cast(mask, tf.bool)[..., tf.newaxis]
    zero = tf.zeros([], target.dtype)
    return tf.where(keep, target, zero), tf.where(keep, prediction, zero), keep


def mean(values: tf.Tensor, keep: tf.Tensor | None, axes: Sequence[int], keepdims: bool = False) -> tf.Tensor:
    """Return the mean over `axes` of the values that count, NaN where none does.

    Axes are reduced one by one: TensorFlow adds up all pixels of a band in sequence, which in float32 is 1 %
    off for 1024 x 1024 of them; and this order is the fastest.

    Args:
        values: any shape.
        keep: booleans that broadcast to `values`, or None where all count.
        axes: the axes to reduce, ascending.
        keepdims: keep the reduced axes with length 1.
    """
    if keep is None:
        for axis in axes:
            values = tf.reduce_mean(values, axis, keepdims=True)
        return values if keepdims else tf.squeeze(values, axes)
    keep = tf.broadcast_to(keep, tf.shape(values))
    count = tf.math.count_nonzero(keep, axes, keepdims, values.dtype)
    values = tf.where(keep, values, tf.zeros([], values.dtype))
    for axis in axes:
        values = tf.reduce_sum(values, axis, keepdims=True)
    return (values if keepdims else tf.squeeze(values, axes)) / count


def whole_windows(keep: tf.Tensor, size: int) -> tf.Tensor:
    """Return at which positions a size x size window holds only pixels that count.

    Args:
        keep: (batch, height, width, 1) booleans.
        size: side of the window in pixels.

    Returns:
        (batch, height - size + 1, width - size + 1, 1) booleans.
    """
    reached = 1
    while reached < size:
        step = min(reached, size - reached)
        keep = keep[:, :-step] & keep[:, step:]
        keep = keep[:, :, :-step] & keep[:, :, step:]
        reached += step
    return keep
