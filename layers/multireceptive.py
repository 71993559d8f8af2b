"""Convolutions that look at a pixel through windows of several sizes at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers

from layers.convolution import conv

#: Sides of the three windows of the ARISGAN family and of srs3.
KERNEL_SIZES = (5, 9, 13)


def multireceptive(x: Any, kernel_sizes: Sequence[int] = KERNEL_SIZES, filters: int = 64) -> Any:
    """Return parallel convolutions of several kernel sizes, each with ReLU, concatenated.

    Args:
        x: ``(batch, height, width, channel)``.
        kernel_sizes: side of each kernel, pixels.
        filters: channels of each; the result has ``len(kernel_sizes) * filters``.
    """
    views = [conv(size, filters, 1, batchnorm=False, lrelu=False)(x) for size in kernel_sizes]
    return layers.Concatenate()([layers.ReLU()(view) for view in views])
