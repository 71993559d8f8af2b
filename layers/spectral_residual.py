"""Blocks of an encoder and decoder whose convolutions have spectral normalisation."""

from __future__ import annotations

from typing import Any

from keras import initializers, layers, ops

from layers.batch_norm import UnbiasedBatchNorm
from layers.padding import Padding
from layers.spectral_normalization import SpectralConv2D


def fan_in_uniform() -> initializers.Initializer:
    """Return a new initialiser of kernels: uniform in +-1 / sqrt(number of inputs), the default of PyTorch."""
    return initializers.VarianceScaling(1 / 3, "fan_in", "uniform")


def padded(x: Any, filters: int, size: int, named: dict[str, Any], name: str) -> Any:
    """Return x reflected at its edges and convolved, of the same height and width.

    Args:
        x: (batch, height, width, channel).
        filters: output channels.
        size: side of the kernel, odd.
        named: receives the layer by its published name.
        name: this name.
    """
    named[name] = SpectralConv2D(filters, size)
    return named[name](Padding(size // 2, "reflection")(x))


def downsampled(x: Any, filters: int, named: dict[str, Any], name: str) -> Any:
    """Return x convolved to half the height and width, normalised over the batch, and ReLU."""
    convolution, norm = SpectralConv2D(filters, 3, 2), UnbiasedBatchNorm()
    named[f"{name}.conv"], named[f"{name}.norm"] = convolution, norm
    return ops.relu(norm(convolution(layers.ZeroPadding2D()(x))))


def residual(x: Any, filters: int, named: dict[str, Any], name: str) -> Any:
    """Return x plus a correction of two convolutions, each after padding, batch normalisation and ReLU.

    The reflected pixels are part of the batch's statistics. Where the number of channels changes, x passes a 1 x 1
    convolution first.
    """
    y = x
    for number in (1, 2):
        norm, convolution = UnbiasedBatchNorm(), SpectralConv2D(filters, 3)
        named[f"{name}.norm{number}"], named[f"{name}.conv{number}"] = norm, convolution
        y = convolution(ops.relu(norm(Padding(1, "reflection")(y))))
    if x.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, use_bias=False, kernel_initializer=fan_in_uniform())
        named[f"{name}.shortcut"] = shortcut
        x = shortcut(x)
    return layers.Add()([y, x])
