"""Errors of the vegetation index NDVI and the water index NDWI, of images in reflectance.

Both take target and prediction (batch, height, width, band), mask (batch, height, width) or None, and return (batch,).
"""

from __future__ import annotations

import math

import tensorflow as tf

from metrics import Scale
from metrics.masking import apply_mask, mean
from metrics.spectral import NEAR_ZERO


def ndvi_error(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the mean absolute error of (near infrared - red) / (near infrared + red), 0 to 2 of positive reflectance.

    Source: Rouse et al. 1974, "Monitoring vegetation systems in the Great Plains with ERTS".
    """
    return _error_of_index(target, prediction, mask, scale, 2, 1)


def ndwi_error(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the mean absolute error of (green - near infrared) / (green + near infrared).

    Source: McFeeters 1996, doi:10.1080/01431169608948714.
    """
    return _error_of_index(target, prediction, mask, scale, 0, 2)


def _error_of_index(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, first: int, second: int
) -> tf.Tensor:
    """Return the error (batch,) of (first - second) / (first + second), by their places in scale.green_red_infrared.

    Pixels are left out where the sum is not above NEAR_ZERO of the range in the target or the prediction. NaN where
    none is left, where a valid pixel is not finite, and where the bands are not known.
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
    undefined = tf.cast(math.nan, target.dtype)
    if scale.green_red_infrared is None:
        return tf.fill([tf.shape(target)[0]], undefined)
    bands = [scale.green_red_infrared[place] for place in (first, second)]
    pairs = [[image[..., band] for band in bands] for image in (target, prediction)]
    least = NEAR_ZERO * scale.data_range
    bright = tf.logical_and(*(x + y > least for x, y in pairs))
    one = tf.ones([], target.dtype)
    indices = [(x - y) / tf.where(bright, x + y, one) for x, y in pairs]
    error = mean(tf.abs(indices[0] - indices[1]), bright if keep is None else bright & keep[..., 0], [1, 2])
    sound = tf.reduce_all([tf.reduce_all(tf.math.is_finite(x + y), axis=(1, 2)) for x, y in pairs], axis=0)
    return tf.where(sound, error, undefined)
