"""A convolutional network with fixed random weights, whose features describe an image of any number of bands.

Its weights are drawn by `numpy.random.Generator` with a stated seed and used in double precision, so that features are
the same on all machines and with all versions of Keras, apart from rounding.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import tensorflow as tf

SEED = 20260101
WIDTHS = (32, 64, 128, 256)
"""Filters of the layers."""
FEATURES = sum(WIDTHS)
LEAST = 1e-3
"""It is added to means before their logarithm."""
MIDDLE = 1.5
"""It is added to logarithms, most of which are then between -1.5 and 1.5."""


@functools.cache
def weights(bands: int) -> list[np.ndarray]:
    """Return the kernel (3, 3, input, filter) of each layer, float64.

    The first half of the filters of the first layer has no mean over its 3 x 3 pixels, so that their outputs are those
    of detail alone, which is weak beside the differences of brightness between images.

    Args:
        bands: of the images.
    """
    layers = []
    for number, (before, width) in enumerate(zip((bands, *WIDTHS), WIDTHS, strict=False)):
        random = np.random.Generator(np.random.PCG64([SEED, number]))
        layers.append(random.standard_normal((3, 3, before, width)) * math.sqrt(2 / (9 * before)))
    detail = layers[0][..., : WIDTHS[0] // 2]
    detail -= detail.mean(axis=(0, 1), keepdims=True)
    return layers


def features(images: tf.Tensor) -> tf.Tensor:
    """Return the features of images: log10 of the mean over all pixels of each filter's output, layer by layer.

    Each layer is a convolution of 3 x 3 pixels with stride 2 (zeros beyond the edge, as TensorFlow's "SAME") and then
    ReLU. By the logarithm a feature says by which factor there is more or less of something.

    Args:
        images: (batch, height, width, band), about -1 to 1.

    Returns:
        float64 (batch, FEATURES); an image with a value that is not finite has features that are not.
    """
    values = tf.cast(images, tf.float64)
    finite = tf.reduce_all(tf.math.is_finite(values), axis=(1, 2, 3))
    found = []
    for kernel in weights(values.shape[-1]):
        values = tf.nn.relu(tf.nn.conv2d(values, tf.constant(kernel), 2, "SAME"))
        found.append(tf.reduce_mean(values, axis=(1, 2)))
    logarithms = tf.math.log(tf.concat(found, axis=-1) + LEAST) / math.log(10) + MIDDLE
    return tf.where(finite[:, tf.newaxis], logarithms, tf.cast(math.nan, tf.float64))
