"""Residual blocks."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from layers.convolution import conv


def prelu() -> layers.Layer:
    """Return PReLU with one slope a channel, 0.25 at first (He et al. 2015)."""
    return layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25), shared_axes=[1, 2])


def srgan_block(x: Any, filters: int = 64) -> Any:
    """Return x plus conv, batch norm, PReLU, conv, batch norm of it (SRGAN, Ledig et al. 2017).

    Args:
        x: ``(batch, height, width, filters)``.
        filters: its channels.
    """
    change = conv(3, filters, 1, batchnorm=True, lrelu=False)(x)
    change = prelu()(change)
    change = conv(3, filters, 1, batchnorm=True, lrelu=False)(change)
    return layers.Add()([x, change])


def dsen2_block(x: Any, filters: int = 64) -> Any:
    """Return x plus conv, LeakyReLU, conv, batch norm, conv of it (after DSen2, Lanaras et al. 2018).

    Args:
        x: ``(batch, height, width, filters)``.
        filters: its channels.
    """
    change = conv(3, filters, 1, batchnorm=False, lrelu=True)(x)
    change = conv(3, filters, 1, batchnorm=True, lrelu=False)(change)
    change = conv(3, filters, 1, batchnorm=False, lrelu=False)(change)
    return layers.Add()([x, change])
