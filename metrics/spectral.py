"""Metrics of all bands together: the spectral angle and ERGAS.

Both take target and prediction (batch, height, width, band), mask (batch, height, width) or None, and return (batch,).
"""

from __future__ import annotations

import math

import tensorflow as tf

from metrics import Scale
from metrics.fused import fused
from metrics.masking import apply_mask, mean

NEAR_ZERO = 1e-4
"""Of the range of the data: one digital number of reflectance. Images of unit norm have larger means too."""
NEAR_ZERO_OF_DEVIATION = 1e-2
"""Of the standard deviation of a band: only values of both signs, or a few bright pixels on black, are below it."""


def spectral_angle(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the mean angle between the spectra of both images, in radians, 0 to pi.

    The mean is over the pixels where neither spectrum is zero, so that a prediction of zeros scores NaN, not a perfect
    0. A single band has no spectra, and every pixel would have the angle 0: it scores NaN. The angle is computed from
    the sum and the difference of the unit vectors. It equals the arc cosine of the clipped cosine, but is accurate for
    small angles in float32 too (Kahan 2006, "How futile are mindless assessments of roundoff", section 12).

    Source: Kruse et al. 1993, doi:10.1016/0034-4257(93)90013-N.
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
    if target.shape[-1] == 1:
        return tf.fill([tf.shape(target)[0]], tf.cast(math.nan, target.dtype))
    angle, defined = angles(target, prediction)
    return mean(angle, defined if keep is None else defined & keep, [1, 2, 3])


@fused
def angles(target: tf.Tensor, prediction: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the angle of each pixel in radians, and whether it is defined, both (batch, height, width, 1)."""
    target_norm = tf.norm(target, axis=-1, keepdims=True)
    prediction_norm = tf.norm(prediction, axis=-1, keepdims=True)
    target_unit = target / target_norm
    prediction_unit = prediction / prediction_norm
    opposite = tf.norm(target_unit - prediction_unit, axis=-1, keepdims=True)
    adjacent = tf.norm(target_unit + prediction_unit, axis=-1, keepdims=True)
    return 2 * tf.atan(opposite / adjacent), (target_norm != 0) & (prediction_norm != 0)


def ergas(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the relative error 100 ratio sqrt(mean over bands of (RMSE / target mean)^2), 0 or more.

    In percent. NaN if the ratio is unknown, or if the mean of a band of the target is near 0, to which no error can be
    relative: below NEAR_ZERO of the range of the data, or below NEAR_ZERO_OF_DEVIATION of the band's deviation.

    Source: Wald 2000, "Quality of high resolution synthesised images: is there a simple criterion?".
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
    band_mean = mean(target, keep, [1, 2])
    band_error = mean(tf.math.squared_difference(prediction, target), keep, [1, 2])
    undefined = tf.cast(math.nan, target.dtype)
    if scale.ratio is None:
        return tf.fill([tf.shape(target)[0]], undefined)
    centred = target - mean(target, keep, [1, 2], keepdims=True)
    deviation = tf.sqrt(mean(tf.square(centred), keep, [1, 2]))
    size = tf.abs(band_mean)
    near_zero = (size < NEAR_ZERO * scale.data_range) | (size < NEAR_ZERO_OF_DEVIATION * deviation)
    result = 100 * scale.ratio * tf.sqrt(tf.reduce_mean(band_error / tf.square(band_mean), -1))
    return tf.where(tf.reduce_any(near_zero, -1), undefined, result)
