"""The Wasserstein distance of the values of pixels: whether the predictions have the brightness that targets have."""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from metrics import Scale
from metrics.distributions.kernel import complete

GRID = 16
"""Rows and columns of the pixels that are taken from each image, at most."""


def values_of_both(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the values of targets and predictions at pixels of a regular grid.

    Args:
        target: (batch, height, width, band) in physical units, of known height and width.
        prediction: of the same shape and unit.
        mask: (batch, height, width), non-zero at valid pixels, or None.
        scale: not used.

    Returns:
        (batch, 2, pixel, band), first those of the target; NaN with a masked pixel.
    """
    rows, columns = (places(side) for side in target.shape[1:3])
    both = tf.stack([target, tf.cast(prediction, target.dtype)], axis=1)
    taken = tf.gather(tf.gather(both, rows, axis=2), columns, axis=3)
    taken = tf.reshape(taken, (-1, 2, len(rows) * len(columns), target.shape[-1]))
    return taken if mask is None else complete(taken, mask)


def places(side: int) -> np.ndarray:
    """Return at most `GRID` indices, evenly spread over a side, each in the middle of its part."""
    count = min(GRID, side)
    return np.asarray((2 * np.arange(count) + 1) * side // (2 * count))


def wasserstein(values: np.ndarray, side: int, scale: Scale) -> float:
    """Return the mean over bands of the first Wasserstein distance of the values of all images together.

    With as many values of both it is the mean absolute difference of the sorted ones.

    Args:
        values: (image, 2, pixel, band) of `values_of_both`.
        side: not used.
        scale: not used.

    Returns:
        0 or more, in units of the data; NaN without images.
    """
    if not len(values):
        return math.nan
    target, prediction = (np.sort(values[:, one].reshape(-1, values.shape[-1]), axis=0) for one in (0, 1))
    return float(np.abs(prediction.astype(float) - target).mean())
