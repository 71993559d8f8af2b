"""The kernel inception distance (Binkowski et al. 2018, "Demystifying MMD GANs"), with features of a random network.

Features are those of `metrics.distributions.random_network`, and not of the Inception network, which was trained on
photographs in three bands: values cannot be compared with published ones.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from metrics import Scale
from metrics.distributions import random_network


def features_of_both(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the features of targets and predictions, scaled such that the valid range is -1 to 1.

    Args:
        target: (batch, height, width, band) in physical units.
        prediction: of the same shape and unit.
        mask: (batch, height, width), non-zero at valid pixels, or None.
        scale: its data_range and low are used.

    Returns:
        float64 (batch, 2, feature), first those of the target; NaN with a masked pixel.
    """
    both = [(tf.cast(image, tf.float64) - scale.low) / scale.data_range * 2 - 1 for image in (target, prediction)]
    found = tf.stack([random_network.features(image) for image in both], axis=1)
    return found if mask is None else complete(found, mask)


def complete(values: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Return values (batch, ...) with NaN for images that have a masked pixel."""
    whole = tf.reduce_all(tf.cast(mask, tf.bool), axis=(1, 2))
    shape = [-1, *[1] * (len(values.shape) - 1)]
    return tf.where(tf.reshape(whole, shape), values, tf.cast(math.nan, values.dtype))


def kid(features: np.ndarray, side: int, scale: Scale) -> float:
    """Return the squared maximum mean discrepancy of the features of targets x and predictions y, without bias.

    The kernel is k(a, b) = (a.b / d + 1)^3 with d features. The mean over all i != j of
    k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i) (Gretton et al. 2012, "A kernel two-sample test", section
    2.2) leaves out the kernels of an image and its own prediction, which are not independent.

    Args:
        features: (image, 2, feature) of `features_of_both`.
        side: not used.
        scale: not used.

    Returns:
        About 0 for equal distributions, also less; NaN with fewer than two images.
    """
    count = len(features)
    if count < 2:
        return math.nan
    x, y = features[:, 0], features[:, 1]
    terms = kernel(x, x) + kernel(y, y) - kernel(x, y) - kernel(y, x)
    return float((terms.sum() - np.trace(terms)) / (count * (count - 1)))


def kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the polynomial kernel of all pairs of rows."""
    return (first @ second.T / first.shape[1] + 1) ** 3
