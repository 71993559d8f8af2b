"""Nine metrics as the original ARISGAN code computes them, for comparisons with its published numbers.

``docs/metrics.md`` lists where they differ from the literature; the correct ones are in the other modules. The original
code has neither masks nor a valid range: these metrics use every pixel and ignore `mask` and `scale`. They are computed
in float64, because that code clips no value and replaces NaN, so that rounding errors would change results.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import tensorflow as tf

from metrics import Scale
from metrics.correlation import pearson, varies
from metrics.fused import fused
from metrics.haarpsi import similarity_index
from metrics.structural import shifted, ssim_of_moments

SSIM_SIDE = 7
ERGAS_RATIO = 0.25
UIQC_DIVISOR = 4  # for any number of bands

Formula = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
Metric = Callable[[tf.Tensor, tf.Tensor, tf.Tensor | None, Scale], tf.Tensor]


def as_published(formula: Formula) -> Metric:
    """Return a metric that computes a formula of two images (batch, height, width, band) in float64.

    The formula returns (batch,). The metric takes float32 or float64 and returns the type of its target.
    """

    @functools.wraps(formula)
    def metric(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
        target = tf.convert_to_tensor(target)
        result = formula(tf.cast(target, tf.float64), tf.cast(prediction, tf.float64))
        return tf.cast(result, target.dtype)

    return metric


def stretched(image: tf.Tensor) -> tf.Tensor:
    """Return each image scaled to 0..1 by its own minimum and maximum over all bands; NaN for a constant image.

    Args:
        image: (batch, height, width, band); the result has the same shape.
    """
    smallest = tf.reduce_min(image, [1, 2, 3], keepdims=True)
    largest = tf.reduce_max(image, [1, 2, 3], keepdims=True)
    return (image - smallest) / (largest - smallest)


@as_published
def spectral_angle(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return (batch,): the mean spectral angle over all pixels, in radians, with 0 for an undefined angle.

    A prediction of zeros or of NaN therefore has the perfect score 0.
    """
    norms = tf.norm(prediction, axis=-1) * tf.norm(target, axis=-1)
    angle = tf.acos(tf.reduce_sum(target * prediction, -1) / norms)
    return tf.reduce_mean(tf.where(tf.math.is_nan(angle), tf.zeros_like(angle), angle), [1, 2])


@as_published
def correlation(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return (batch,): the mean over bands of Pearson's correlation; NaN if a band is constant in either image."""
    return pearson_of_all(target, prediction)


@as_published
def spatial_correlation(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return (batch,): `correlation` of both images after `sobel_across_bands`; NaN for a single band."""
    return pearson_of_all(sobel_across_bands(target), sobel_across_bands(prediction))


def pearson_of_all(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Return (batch,): the mean over bands of Pearson's correlation, NaN if that of one band is undefined."""
    defined = tf.reduce_all(varies(first, None) & varies(second, None), -1)
    return tf.where(defined, pearson(first, second, None), tf.cast(math.nan, first.dtype))


def sobel_across_bands(image: tf.Tensor) -> tf.Tensor:
    """Return the image after a Sobel filter along the band axis, with zeros outside of the image.

    Rows and columns are smoothed by (1, 2, 1); each band is replaced by the next band minus the previous one.

    Args:
        image: (batch, height, width, band); the result has the same shape.
    """
    image = tf.pad(image, [[0, 0], [1, 1], [1, 1], [1, 1]])
    image = image[..., 2:] - image[..., :-2]
    for axis in (1, 2):
        previous, centre, following = shifted(image, axis, 3)
        image = previous + 2 * centre + following
    return image


@as_published
def haarpsi(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return (batch,): HaarPSI of the stretched images, with the first three bands as red, green and blue.

    With fewer than three bands, the first one is grey. NaN if an image is constant.
    """
    bands = (0, 1, 2) if target.shape[-1] >= 3 else (0,)
    return similarity_index(stretched(target), stretched(prediction), bands, 255.0)


@as_published
def ssim(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return (batch,): SSIM of the stretched images, over windows of 7 x 7 pixels of equal weights inside the image.

    Variances are sample variances (n - 1). NaN if an image is constant or has fewer than 7 pixels a side.
    """
    return uniform_ssim(stretched(target), stretched(prediction), 1.0)


def uniform_ssim(x: tf.Tensor, y: tf.Tensor, data_range: float) -> tf.Tensor:
    """Return (batch,): SSIM of two images as scikit-image computes it by default, as in `ssim`."""
    squares, product = window_means(x * x + y * y), window_means(x * y)
    x, y = window_means(x), window_means(y)
    sample = SSIM_SIDE**2 / (SSIM_SIDE**2 - 1)
    variances, covariance = sample * (squares - x * x - y * y), sample * (product - x * y)
    return tf.reduce_mean(ssim_of_moments(x, y, variances, covariance, data_range), [1, 2, 3])


def window_means(image: tf.Tensor) -> tf.Tensor:
    """Return the mean of each 7 x 7 window inside the image: (batch, height - 6, width - 6, band)."""
    return run_means(run_means(image, 1), 2)


@fused
def run_means(image: tf.Tensor, axis: int) -> tf.Tensor:
    """Return the mean of each 7 adjacent pixels along axis 1 or 2."""
    return sum(shifted(image, axis, SSIM_SIDE)) / SSIM_SIDE


@as_published
def psnr(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return (batch,): the peak signal-to-noise ratio of the stretched images in dB, NaN if one is constant.

    The range is 1, because both are stretched to it; errors of gain and offset therefore have no influence.
    """
    error = tf.math.squared_difference(stretched(target), stretched(prediction))
    return -10 / math.log(10) * tf.math.log(tf.reduce_mean(error, [1, 2, 3]))


@as_published
def rmse(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return (batch,): the root of the squared error, summed over bands and averaged over pixels."""
    return tf.sqrt(tf.reduce_mean(tf.reduce_sum(tf.math.squared_difference(target, prediction), -1), [1, 2]))


@as_published
def ergas(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return (batch,): ERGAS in percent, relative to the band means of the prediction, with a ratio of 1/4."""
    error = tf.reduce_mean(tf.math.squared_difference(target, prediction), [1, 2])
    relative = error / tf.square(tf.reduce_mean(prediction, [1, 2]))
    return 100 * ERGAS_RATIO * tf.sqrt(tf.reduce_mean(relative, -1))


@as_published
def uiqc(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return (batch,): the sum over bands of the quality index of the whole image, divided by 4.

    Two equal images of three bands score 0.75. NaN if a band is constant in both images.
    """
    target_mean, target_variance = tf.nn.moments(target, [1, 2], keepdims=True)
    prediction_mean, prediction_variance = tf.nn.moments(prediction, [1, 2], keepdims=True)
    covariance = tf.reduce_mean((target - target_mean) * (prediction - prediction_mean), [1, 2], keepdims=True)
    means = tf.square(target_mean) + tf.square(prediction_mean)
    quality = 4 * covariance * target_mean * prediction_mean / ((target_variance + prediction_variance) * means)
    # Tested with the values: the variance of a constant band is 0 only up to rounding errors.
    defined = tf.reduce_all(varies(target, None) | varies(prediction, None), -1)
    return tf.where(defined, tf.reduce_sum(quality, [1, 2, 3]) / UIQC_DIVISOR, tf.cast(math.nan, target.dtype))
