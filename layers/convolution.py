"""The convolution blocks of pix2pix and ARISGAN: no bias, weights from Normal(0, 0.02), batch norm, LeakyReLU 0.3.

A slope of 0.3 is the Keras default, which the published ARISGAN architectures use; the pix2pix paper has 0.2.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

LEAKY_SLOPE = 0.3


def weights() -> keras.initializers.Initializer:
    """Return a new Normal(0, 0.02) initialiser; one for each layer, because a shared one repeats its numbers."""
    return keras.initializers.RandomNormal(0.0, 0.02)


def conv(
    kernel_size: int, filters: int, stride: int, batchnorm: bool, lrelu: bool, padding: str = "same"
) -> keras.layers.Layer:
    """Return a convolution, optionally followed by batch norm and LeakyReLU.

    Args:
        kernel_size: side of the kernel in pixels.
        filters: output channels.
        stride: 2 downsamples height and width by 2.
        batchnorm: append batch normalisation (momentum 0.99, epsilon 1e-3).
        lrelu: append LeakyReLU with slope 0.3.
        padding: "same" or "valid".
    """
    block = [layers.Conv2D(filters, kernel_size, stride, padding, use_bias=False, kernel_initializer=weights())]
    if batchnorm:
        block.append(layers.BatchNormalization())
    if lrelu:
        block.append(layers.LeakyReLU(negative_slope=LEAKY_SLOPE))
    return block[0] if len(block) == 1 else keras.Sequential(block)


def deconv(
    kernel_size: int,
    filters: int,
    stride: int,
    batchnorm: bool,
    relu: bool,
    dropout: float | None,
    activation: str | None = None,
) -> keras.layers.Layer:
    """Return a transposed convolution, optionally followed by batch norm, dropout and ReLU.

    Args:
        kernel_size: side of the kernel in pixels.
        filters: output channels.
        stride: 2 upsamples height and width by 2.
        batchnorm: append batch normalisation.
        relu: append ReLU as the last layer.
        dropout: append dropout of this rate; None for none.
        activation: activation of the convolution itself, before the layers above.
    """
    block = [
        layers.Conv2DTranspose(
            filters,
            kernel_size,
            stride,
            "same",
            use_bias=False,
            kernel_initializer=weights(),
            activation=activation,
        )
    ]
    if batchnorm:
        block.append(layers.BatchNormalization())
    if dropout:
        block.append(layers.Dropout(dropout))
    if relu:
        block.append(layers.ReLU())
    return block[0] if len(block) == 1 else keras.Sequential(block)


def image_output(x: Any, channels: int, kernel_size: int) -> Any:
    """Return the output image of a network: one linear convolution of its features, float32.

    Args:
        x: ``(batch, height, width, channel)``.
        channels: bands of the image.
        kernel_size: side of the convolution's kernel.
    """
    x = conv(kernel_size, channels, 1, batchnorm=False, lrelu=False)(x)
    return layers.Activation("linear", dtype="float32", name="image")(x)
