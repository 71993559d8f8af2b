"""Metrics of all bands together: the spectral angle and ERGAS.

Both take target and prediction (batch, height, width, band), mask (batch, height, width) or None, and return (batch,).
"""

from __future__ import annotations

import tensorflow as tf

from metrics import Scale
from metrics.fused import fused
from metrics.masking import apply_mask, mean


def spectral_angle(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the mean angle between the spectra of both images, in radians, 0 to pi.

    The mean is over the pixels where neither spectrum is zero, so that a prediction of zeros scores NaN, not a perfect
    0. The angle is computed from the sum and the difference of the unit vectors. It equals the arc cosine of the
    clipped cosine, but is accurate for small angles in float32 too (Kahan 2006, "How futile are mindless assessments
    of roundoff", section 12).

    Source: Kruse et al. 1993, doi:10.1016/0034-4257(93)90013-N.
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
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

    In percent; infinite or NaN if a band of the target has mean 0.

    Source: Wald 2000, "Quality of high resolution synthesised images: is there a simple criterion?".
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
    band_mean = mean(target, keep, [1, 2])
    band_error = mean(tf.math.squared_difference(prediction, target), keep, [1, 2])
    return 100 * scale.ratio * tf.sqrt(tf.reduce_mean(band_error / tf.square(band_mean), -1))
