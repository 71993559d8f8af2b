"""Linear correlation band by band, of the values (CC) and of their fine detail (sCC).

Both take target and prediction (batch, height, width, band), mask (batch, height, width) or None, and return
(batch,).
"""

from __future__ import annotations

import tensorflow as tf

from metrics import Scale
from metrics.counting import counted, mean, whole_windows
from metrics.fused import fused


def correlation(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return Pearson's correlation, -1 to 1: the mean over bands that vary in both images, or NaN."""
    return pearson(*counted(target, prediction, mask))


def spatial_correlation(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return Pearson's correlation of the Laplacian high-pass of both images, -1 to 1, as `correlation` does.

    Only positions whose 3 x 3 neighbourhood lies in the image and in the mask count; NaN if there is none.

    Source: Zhou, Civco and Silander 1998, doi:10.1080/014311698215973.
    """
    target, prediction, keep = counted(target, prediction, mask)
    return pearson(laplacian(target), laplacian(prediction), keep if keep is None else whole_windows(keep, 3))


@fused
def laplacian(image: tf.Tensor) -> tf.Tensor:
    """Return 8 x the pixel minus its 8 neighbours, where all are in the image.

    Written as second differences, which round far less in float32 than the weighted sum and are exactly 0 on
    a plane.

    Args:
        image: (batch, height, width, band).

    Returns:
        (batch, height - 2, width - 2, band).
    """
    down = image[:, 1:] - image[:, :-1]
    down = down[:, 1:] - down[:, :-1]
    across = image[:, 1:-1, 1:] - image[:, 1:-1, :-1]
    across = across[:, :, 1:] - across[:, :, :-1]
    return -(down[:, :, :-2] + down[:, :, 1:-1] + down[:, :, 2:] + 3 * across)


def pearson(first: tf.Tensor, second: tf.Tensor, keep: tf.Tensor | None) -> tf.Tensor:
    """Return the mean over bands of the correlation of two images; a band constant in either is left out.

    Args:
        first: (batch, height, width, band).
        second: likewise.
        keep: (batch, height, width, 1) booleans, or None where all count.

    Returns:
        (batch,), NaN where no band is left.
    """
    first_mean = mean(first, keep, [1, 2], keepdims=True)
    second_mean = mean(second, keep, [1, 2], keepdims=True)
    products = centred_products(first, second, first_mean, second_mean)
    covariance, first_variance, second_variance = (mean(product, keep, [1, 2]) for product in products)
    defined = varies(first, keep) & varies(second, keep)
    return mean(covariance / tf.sqrt(first_variance) / tf.sqrt(second_variance), defined, [1])


@fused
def centred_products(
    first: tf.Tensor, second: tf.Tensor, first_mean: tf.Tensor, second_mean: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return products of the deviations from the means: first with second, first and second squared."""
    first, second = first - first_mean, second - second_mean
    return first * second, first * first, second * second


def varies(image: tf.Tensor, keep: tf.Tensor | None) -> tf.Tensor:
    """Return which bands (batch, band) hold two values or more.

    Asked of the values, because the rounded mean of a constant need not equal it and would leave a false
    spread.
    """
    largest, smallest = image, image
    if keep is not None:
        largest = tf.where(keep, image, image.dtype.min)
        smallest = tf.where(keep, image, image.dtype.max)
    for _ in range(2):  # twice axis 1 is faster than both axes at once
        largest, smallest = tf.reduce_max(largest, 1), tf.reduce_min(smallest, 1)
    return largest != smallest
