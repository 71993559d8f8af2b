"""Metrics of single pixel values: RMSE, MAE and PSNR.

All take target and prediction (batch, height, width, band), mask (batch, height, width) or None, and return (batch,).
"""

from __future__ import annotations

import math

import tensorflow as tf

from metrics import Scale
from metrics.masking import apply_mask, mean


def mean_square_error(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Return the mean over pixels and bands of the squared error, in squared units of the data."""
    target, prediction, keep = apply_mask(target, prediction, mask)
    return mean(tf.math.squared_difference(prediction, target), keep, [1, 2, 3])


def rmse(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the root mean square error over pixels and bands, 0 or more, in units of the data."""
    return tf.sqrt(mean_square_error(target, prediction, mask))


def mae(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the mean absolute error over pixels and bands, 0 or more, in units of the data."""
    target, prediction, keep = apply_mask(target, prediction, mask)
    return mean(tf.abs(prediction - target), keep, [1, 2, 3])


def psnr(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the peak signal-to-noise ratio 10 log10(data_range^2 / MSE), in dB.

    The range is that of the data, not of the image, so that errors of gain and offset are included. Identical images
    score +inf.
    """
    error = mean_square_error(target, prediction, mask)
    return 20 * math.log10(scale.data_range) - 10 / math.log(10) * tf.math.log(error)
