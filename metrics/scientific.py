"""Metrics of scientific images such as magnetograms: correlation of bins, concordance, total flux, pixels within 10 %.

All take target and prediction (batch, height, width, band), mask (batch, height, width) or None, and return (batch,).
"""

from __future__ import annotations

import tensorflow as tf

from metrics import Scale
from metrics.correlation import centred_products, pearson, varies
from metrics.masking import apply_mask, mean

BIN = 8
"""Side of the bins of `binned_correlation` in pixels."""
WITHIN = 0.1
"""Largest error of a pixel that `within_ten_percent` counts, as part of the target's magnitude."""


def binned_correlation(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return Pearson's correlation of the means of bins of 8 x 8 pixels, -1 to 1: the mean over bands that vary.

    Bins begin at the first pixel; rows and columns that fill none, and bins with a masked pixel, are left out. NaN
    where no band varies over the bins.

    Source: Jeong et al. 2022, arXiv:2204.12068.
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
    whole = keep if keep is None else _bins(tf.cast(keep, tf.float32)) == 1
    return pearson(_bins(target), _bins(prediction), whole)


def _bins(image: tf.Tensor) -> tf.Tensor:
    """Return the means of bins, (batch, height // 8, width // 8, band)."""
    rows, columns = tf.shape(image)[1] // BIN, tf.shape(image)[2] // BIN
    image = image[:, : rows * BIN, : columns * BIN]
    bins = tf.reshape(image, (tf.shape(image)[0], rows, BIN, columns, BIN, image.shape[-1]))
    return tf.reduce_mean(tf.reduce_mean(bins, 4), 2)


def concordance(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the concordance 2 cov / (var T + var P + (mean T - mean P)^2), -1 to 1, with variances over n pixels.

    It is the mean over the bands of which either image varies, NaN if there is none. Unlike a correlation it falls with
    errors of gain and offset.

    Source: Lin 1989, doi:10.2307/2532051.
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
    target_mean, prediction_mean = (mean(image, keep, [1, 2], keepdims=True) for image in (target, prediction))
    products = centred_products(target, prediction, target_mean, prediction_mean)
    covariance, target_variance, prediction_variance = (mean(product, keep, [1, 2]) for product in products)
    distance = tf.squeeze(tf.math.squared_difference(target_mean, prediction_mean), [1, 2])
    agreement = 2 * covariance / (target_variance + prediction_variance + distance)
    return mean(agreement, varies(target, keep) | varies(prediction, keep), [1])


def flux_error(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the relative error of the total unsigned flux, |sum |P| - sum |T|| / sum |T|, in percent, 0 or more.

    It is the mean over the bands whose target is not zero everywhere, NaN if there is none.
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
    flux = mean(tf.abs(target), keep, [1, 2])
    error = tf.abs(mean(tf.abs(prediction), keep, [1, 2]) - flux)
    return 100 * mean(error / flux, flux != 0, [1])


def within_ten_percent(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the share of pixel values with |P - T| <= 0.1 |T|, over pixels and bands, in percent, 0 to 100.

    A target of 0 is met by exactly 0 alone. A prediction that is not finite makes the score NaN.
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
    error = tf.abs(prediction - target)
    met = tf.cast(error <= tf.cast(WITHIN, target.dtype) * tf.abs(target), target.dtype)
    return 100 * mean(tf.where(tf.math.is_finite(error), met, tf.cast(float("nan"), target.dtype)), keep, [1, 2, 3])
