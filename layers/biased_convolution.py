"""Convolutions with bias and explicit padding: PyTorch's geometry and initial biases, weights from Normal(0, 0.02)."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from layers import convolution


def conv(x: Any, filters: int, kernel_size: int, name: str, stride: int = 1, padding: int = 0) -> Any:
    """Return a convolution of images that are padded with zeros first.

    Args:
        x: ``(batch, height, width, channel)``.
        filters: output channels.
        kernel_size: side of the kernel in pixels.
        name: of the layer.
        stride: 2 downsamples height and width by 2.
        padding: zeros added at each side.
    """
    bias = uniform(x.shape[-1] * kernel_size**2)
    if padding:
        x = layers.ZeroPadding2D(padding)(x)
    layer = layers.Conv2D(
        filters, kernel_size, stride, kernel_initializer=convolution.weights(), bias_initializer=bias, name=name
    )
    return layer(x)


def doubling_conv(x: Any, filters: int, name: str) -> Any:
    """Return a transposed 3 x 3 convolution of stride 2: images of twice the height and width.

    It is PyTorch's with padding 1 and output padding 1, with its default initial weights.

    Args:
        x: ``(batch, height, width, channel)``.
        filters: output channels.
        name: of the layer.
    """
    kernel, bias = uniform(filters * 9), uniform(filters * 9)
    layer = layers.Conv2DTranspose(filters, 3, 2, kernel_initializer=kernel, bias_initializer=bias, name=name)
    return layers.Cropping2D(((1, 0), (1, 0)))(layer(x))


def uniform(inputs: int) -> keras.initializers.Initializer:
    """Return the initialiser that is uniform within +-1 / sqrt(inputs), PyTorch's default."""
    return keras.initializers.RandomUniform(-(inputs**-0.5), inputs**-0.5)
