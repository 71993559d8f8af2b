"""Parallel convolutions with kernels of several sizes (multireceptive field)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers

from layers.convolution import conv

#: Sides of the three kernels of aris-a, aris-b, aris-c and srs3, in pixels.
KERNEL_SIZES = (5, 9, 13)


def multireceptive(x: Any, kernel_sizes: Sequence[int] = KERNEL_SIZES, filters: int = 64) -> Any:
    """Return parallel convolutions of several kernel sizes, each with ReLU, concatenated.

    Args:
        x: ``(batch, height, width, channel)``.
        kernel_sizes: side of each kernel in pixels.
        filters: channels of each convolution; the result has ``len(kernel_sizes) * filters``.
    """
    branches = [conv(size, filters, 1, batchnorm=False, lrelu=False)(x) for size in kernel_sizes]
    return layers.Concatenate()([layers.ReLU()(branch) for branch in branches])
