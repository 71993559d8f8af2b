"""Densely connected convolutions (Huang et al. 2017; in super-resolution: ESRGAN, Wang et al. 2018)."""

from __future__ import annotations

from typing import Any

from keras import layers

from layers.convolution import conv, deconv


def dense_block(x: Any, depth: int = 5, kernel_size: int = 3, filters: int = 32) -> Any:
    """Return `filters` features; each convolution gets the input and the features of all earlier convolutions.

    The last convolution has no activation; there is no residual connection.

    Args:
        x: ``(batch, height, width, channel)``.
        depth: number of convolutions.
        kernel_size: side of all kernels in pixels.
        filters: channels of each convolution.
    """
    earlier = [x]
    for _ in range(max(depth - 1, 1)):
        features = conv(kernel_size, filters, 1, batchnorm=False, lrelu=True)(x)
        x = layers.Concatenate()([features, *earlier])
        earlier.append(features)
    return conv(kernel_size, filters, 1, batchnorm=False, lrelu=False)(x)


def strided_dense_block(x: Any, depth: int = 4, kernel_size: int = 3, filters: int = 32, stride: int = 2) -> Any:
    """Return a dense block whose inner features are computed on a grid that is `stride` times coarser.

    Args:
        x: ``(batch, height, width, channel)``; sides are multiples of `stride`.
        depth: number of convolutions; all but the last downsample, each with a transposed convolution after it.
        kernel_size: side of all kernels in pixels.
        filters: channels of each convolution.
        stride: factor by which the inner grid is coarser.
    """
    downs: list[Any] = []
    ups = [x]
    for _ in range(depth - 1):
        down = conv(kernel_size, filters, stride, batchnorm=False, lrelu=True)(x)
        joined = layers.Concatenate()([down, *downs]) if downs else down
        downs.append(down)
        up = deconv(kernel_size, filters, stride, batchnorm=False, relu=True, dropout=0.5)(joined)
        x = layers.Concatenate()([up, *ups])
        ups.append(up)
    return conv(kernel_size, filters, 1, batchnorm=False, lrelu=False)(x)
