"""Baselines of super-resolution: bicubic interpolation, alone and followed by back-projection."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

ITERATIONS = 20


def bicubic(values: tf.Tensor, size: tuple[int, int], own_size: tuple[int, int] | None = None) -> tf.Tensor:
    """Upsample by cubic convolution.

    Args:
        values: (batch, height, width, band).
        size: height and width of the result.
        own_size: height and width of the input's own grid, where it is stored upsampled; it is averaged to it first.

    Returns:
        float32 (batch, *size, band).
    """
    if own_size is not None and tuple(values.shape[1:3]) != tuple(own_size):
        values = tf.image.resize(values, own_size, method="area")
    return tf.image.resize(values, size, method="bicubic")


def bicubic_image(image: np.ndarray, factor: int) -> np.ndarray:
    """Return one image (height, width, band) upsampled by an integer factor."""
    height, width, _ = image.shape
    return bicubic(image[None], (height * factor, width * factor)).numpy()[0]


def back_projected(image: np.ndarray, factor: int, observe: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return a fine image that the sensor would record as the coarse one.

    Args:
        image: float32 (height, width, band), as the sensor recorded it.
        factor: how much finer the result is.
        observe: from a fine image to what the sensor records of it.

    Returns:
        float32 (height * factor, width * factor, band). Source: Irani and Peleg 1991, "Improving resolution by image
        registration", doi:10.1016/1049-9652(91)90045-L.
    """
    fine = bicubic_image(image, factor)
    for _ in range(ITERATIONS):
        fine += bicubic_image(image - observe(fine), factor)
    return fine
