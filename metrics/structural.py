"""Metrics of structure in sliding windows: SSIM and the universal image quality index.

Both take target and prediction (batch, height, width, band), mask (batch, height, width) or None, and return (batch,):
the mean over bands and over all windows inside the image without a masked pixel, NaN if there is none.

Windows are separable. Each metric is computed along columns and then along rows, in two fused loops.
"""

from __future__ import annotations

import math

import tensorflow as tf

from metrics import Scale
from metrics.correlation import varies
from metrics.fused import fused
from metrics.masking import apply_mask, mean, whole_windows

SSIM_TAPS, SSIM_SIGMA = 11, 1.5
UIQI_SIDE = 8
Moments = tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]


def ssim(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the structural similarity, -1 to 1: Gaussian window of 11 taps, sigma 1.5, K = 0.01 and 0.03.

    Source: Wang, Bovik, Sheikh and Simoncelli 2004, doi:10.1109/TIP.2003.819861.
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
    origin = mean(target, keep, [1, 2], keepdims=True)
    columns = blurred_columns(target, prediction, origin)
    similarity = ssim_map(*columns, origin, float(scale.data_range))
    return mean(similarity, keep if keep is None else whole_windows(keep, SSIM_TAPS), [1, 2, 3])


@fused
def blurred_columns(x: tf.Tensor, y: tf.Tensor, origin: tf.Tensor) -> Moments:
    """Return x, y, x^2 + y^2 and x y, blurred along columns, after subtracting an origin from x and y.

    With an origin near the mean, E[x^2] - E[x]^2 loses fewer digits in float32.
    """
    x, y = x - origin, y - origin
    return blurred(x, 1), blurred(y, 1), blurred(x * x + y * y, 1), blurred(x * y, 1)


@fused
def ssim_map(
    x: tf.Tensor, y: tf.Tensor, squares: tf.Tensor, product: tf.Tensor, origin: tf.Tensor, data_range: float
) -> tf.Tensor:
    """Return the SSIM of each window from the results of `blurred_columns`."""
    x, y, squares, product = blurred(x, 2), blurred(y, 2), blurred(squares, 2), blurred(product, 2)
    variances, covariance = squares - x * x - y * y, product - x * y
    return ssim_of_moments(x + origin, y + origin, variances, covariance, data_range)


def ssim_of_moments(
    x: tf.Tensor, y: tf.Tensor, variances: tf.Tensor, covariance: tf.Tensor, data_range: float
) -> tf.Tensor:
    """Return the SSIM of windows from both means, the sum of both variances, and the covariance."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    return (2 * x * y + c1) / (x * x + y * y + c1) * (2 * covariance + c2) / (variances + c2)


def blurred(image: tf.Tensor, axis: int) -> tf.Tensor:
    """Return the Gaussian mean along axis 1 or 2 at each position where its 11 taps are inside the image."""
    taps = [math.exp(-0.5 * ((index - SSIM_TAPS // 2) / SSIM_SIGMA) ** 2) for index in range(SSIM_TAPS)]
    values = shifted(image, axis, SSIM_TAPS)
    return sum(tap / sum(taps) * value for tap, value in zip(taps, values, strict=True))


def uiqi(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the universal image quality index over 8 x 8 windows, -1 to 1.

    A window that is constant in both images scores by its luminance term alone, 2 m1 m2 / (m1^2 + m2^2), and one whose
    means are both 0 scores 1, as in the code of the authors. Of a band whose target is constant, only windows count
    that are constant in both: the others score 0 for any noise, however small. NaN if no window is left.

    Source: Wang and Bovik 2002, doi:10.1109/97.995823.
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
    quality, both_constant = uiqi_map(*column_moments(target, prediction))
    defined = both_constant | varies(target, keep)[:, tf.newaxis, tf.newaxis, :]
    return mean(quality, defined if keep is None else defined & whole_windows(keep, UIQI_SIDE), [1, 2, 3])


@fused
def column_moments(x: tf.Tensor, y: tf.Tensor) -> Moments:
    """Return `moments` of windows of 8 x 1 pixels."""
    return moments(x, y, 1)


@fused
def uiqi_map(x: tf.Tensor, y: tf.Tensor, variances: tf.Tensor, covariance: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the UIQI of each window of 8 x 8 pixels, and whether it is constant in both images.

    The arguments are the results of `column_moments`.

    The variance of a window is the mean variance of its columns plus the variance of their means.
    """
    inner_variances = pairwise_mean(shifted(variances, 2, UIQI_SIDE))
    inner_covariance = pairwise_mean(shifted(covariance, 2, UIQI_SIDE))
    x, y, variances, covariance = moments(x, y, 2)
    variances, covariance = variances + inner_variances, covariance + inner_covariance

    means = x * x + y * y
    one = tf.ones([], x.dtype)
    structure = tf.where(variances == 0, one, 2 * covariance / variances)
    return tf.where(means == 0, one, 2 * x * y / means * structure), variances == 0


def moments(x: tf.Tensor, y: tf.Tensor, axis: int) -> Moments:
    """Return both means, the sum of both variances, and the covariance of each 8 adjacent pixels along axis 1 or 2.

    Deviations are taken from the mean of these pixels, not as E[x^2] - E[x]^2, so that float32 is sufficient. Pairwise
    sums of equal values are exact, so the variance of equal pixels is exactly 0.
    """
    x_values, y_values = shifted(x, axis, UIQI_SIDE), shifted(y, axis, UIQI_SIDE)
    x_mean, y_mean = pairwise_mean(x_values), pairwise_mean(y_values)
    deviations = [(x - x_mean, y - y_mean) for x, y in zip(x_values, y_values, strict=True)]
    variances = pairwise_mean([dx * dx + dy * dy for dx, dy in deviations])
    return x_mean, y_mean, variances, pairwise_mean([dx * dy for dx, dy in deviations])


def pairwise_mean(values: list[tf.Tensor]) -> tf.Tensor:
    """Return the mean of tensors whose number is a power of two."""
    count = len(values)
    while len(values) > 1:
        values = [even + odd for even, odd in zip(values[::2], values[1::2], strict=True)]
    return values[0] / count


def shifted(image: tf.Tensor, axis: int, count: int) -> list[tf.Tensor]:
    """Return the image shifted by 0 to count - 1 along axis 1 or 2, cropped to where all shifts exist."""
    length = tf.maximum(tf.shape(image)[axis] - count + 1, 0)
    if axis == 1:
        return [image[:, start : start + length] for start in range(count)]
    return [image[:, :, start : start + length] for start in range(count)]
