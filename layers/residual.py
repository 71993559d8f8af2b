"""Residual blocks of srgan and dsen2w, and their PReLU."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from layers.convolution import conv


def prelu() -> layers.Layer:
    """Return PReLU with one slope for each channel, initially 0.25 (He et al. 2015)."""
    return layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25), shared_axes=[1, 2])


def srgan_block(x: Any, filters: int = 64) -> Any:
    """Return the sum of x and its residual: conv, batch norm, PReLU, conv, batch norm (SRGAN, Ledig et al. 2017).

    Args:
        x: ``(batch, height, width, filters)``.
        filters: number of channels of x.
    """
    residual = conv(3, filters, 1, batchnorm=True, lrelu=False)(x)
    residual = prelu()(residual)
    residual = conv(3, filters, 1, batchnorm=True, lrelu=False)(residual)
    return layers.Add()([x, residual])


def dsen2_block(x: Any, filters: int = 64) -> Any:
    """Return the sum of x and its residual: conv, LeakyReLU, conv, batch norm, conv (after DSen2, Lanaras et al. 2018).

    Args:
        x: ``(batch, height, width, filters)``.
        filters: number of channels of x.
    """
    residual = conv(3, filters, 1, batchnorm=False, lrelu=True)(x)
    residual = conv(3, filters, 1, batchnorm=True, lrelu=False)(residual)
    residual = conv(3, filters, 1, batchnorm=False, lrelu=False)(residual)
    return layers.Add()([x, residual])
