"""The shift between two images, by phase correlation with a tenth of a pixel.

Source: Guizar-Sicairos, Thurman and Fienup 2008, "Efficient subpixel image registration algorithms",
doi:10.1364/OL.33.000156.
"""

from __future__ import annotations

import math

import tensorflow as tf

STEPS = 10
"""Positions to a pixel."""
REACH = 7
"""Positions on either side of the best whole shift that are tried."""
TINY = 100 * 2.0**-52
"""Products of spectra are divided by their size, or by this number where they are smaller."""


def shift(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Return by how many pixels (rows, columns) the second image is to be moved to lie on the first.

    Args:
        first: (batch, height, width).
        second: of the same shape.

    Returns:
        float64 (batch, 2), each a multiple of 1 / STEPS. Of an image that does not vary the shift says nothing.
    """
    product = tf.signal.fft2d(_complex(first)) * tf.math.conj(tf.signal.fft2d(_complex(second)))
    size = tf.abs(product)
    product /= tf.cast(tf.maximum(size, TINY), product.dtype)
    whole = _whole_shift(product)
    offsets = tf.range(-REACH, REACH + 1, dtype=tf.int32)
    tried = tf.cast(tf.cast(tf.round(whole * STEPS), tf.int32)[:, :, tf.newaxis] + offsets, size.dtype) / STEPS
    # The inverse transform at these positions alone, a product of two small matrices.
    rows, columns = (_waves(tried[:, axis], tf.shape(first)[1 + axis]) for axis in (0, 1))
    correlation = tf.abs(tf.einsum("bpi,bij,bqj->bpq", rows, product, columns))
    best = tf.argmax(tf.reshape(correlation, (tf.shape(first)[0], -1)), axis=1, output_type=tf.int32)
    count = 2 * REACH + 1
    found = tf.stack([best // count, best % count], axis=1)
    return tf.gather(tried, found[:, :, tf.newaxis], batch_dims=2)[..., 0]


def _whole_shift(product: tf.Tensor) -> tf.Tensor:
    """Return the whole shift (batch, 2) of the largest correlation, negative beyond half of the image."""
    height, width = tf.shape(product)[1], tf.shape(product)[2]
    correlation = tf.abs(tf.signal.ifft2d(product))
    best = tf.argmax(tf.reshape(correlation, (-1, height * width)), axis=1, output_type=tf.int32)
    found, sides = tf.stack([best // width, best % width], axis=1), tf.stack([height, width])
    return tf.cast(tf.where(found > sides // 2, found - sides, found), correlation.dtype)


def _waves(positions: tf.Tensor, length: tf.Tensor) -> tf.Tensor:
    """Return exp(2 pi i f x) for positions x (batch, position) and all frequencies f (batch, position, frequency)."""
    index = tf.range(length)
    frequency = tf.cast(tf.where(index >= (length + 1) // 2, index - length, index), positions.dtype)
    phase = 2 * math.pi * positions[..., tf.newaxis] * frequency / tf.cast(length, positions.dtype)
    return tf.complex(tf.cos(phase), tf.sin(phase))


def _complex(image: tf.Tensor) -> tf.Tensor:
    # In float32 the phase of weak frequencies is noise.
    return tf.cast(image, tf.complex128)
