"""Pearson's correlation of each band, of the values (CC) and of their high-pass (sCC).

Both take target and prediction (batch, height, width, band), mask (batch, height, width) or None, and return (batch,).
"""

from __future__ import annotations

import tensorflow as tf

from metrics import Scale
from metrics.fused import fused
from metrics.masking import apply_mask, mean, whole_windows


def correlation(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return Pearson's correlation, -1 to 1: the mean over the bands that vary in both images, NaN if none does."""
    return pearson(*apply_mask(target, prediction, mask))


def spatial_correlation(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the `correlation` of both images after a Laplacian high-pass, -1 to 1.

    Only positions are used whose 3 x 3 neighbourhood is inside the image and valid; NaN if there is none.

    Source: Zhou, Civco and Silander 1998, doi:10.1080/014311698215973.
    """
    target, prediction, keep = apply_mask(target, prediction, mask)
    return pearson(laplacian(target), laplacian(prediction), keep if keep is None else whole_windows(keep, 3))


@fused
def laplacian(image: tf.Tensor) -> tf.Tensor:
    """Return 8 x the pixel minus its 8 neighbours, at positions where all of them are inside the image.

    It is computed from second differences, which have much smaller rounding errors in float32 than the weighted sum and
    are exactly 0 on a plane.

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
    """Return the mean over bands of the correlation of two images; bands that are constant in either are left out.

    Args:
        first: (batch, height, width, band).
        second: of the same shape.
        keep: (batch, height, width, 1) booleans, True at valid pixels, or None if all are valid.

    Returns:
        (batch,), NaN where every band is left out.
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
    """Return products of deviations from the means: first x second, first squared, second squared."""
    first, second = first - first_mean, second - second_mean
    return first * second, first * first, second * second


def varies(image: tf.Tensor, keep: tf.Tensor | None) -> tf.Tensor:
    """Return (batch, band): whether a band has at least two different values.

    It is tested with the values, because the rounded mean of a constant band may differ from the constant, which would
    give a variance above 0.
    """
    largest, smallest = image, image
    if keep is not None:
        largest = tf.where(keep, image, image.dtype.min)
        smallest = tf.where(keep, image, image.dtype.max)
    for _ in range(2):  # twice axis 1 is faster than both axes at once
        largest, smallest = tf.reduce_max(largest, 1), tf.reduce_min(smallest, 1)
    return largest != smallest
