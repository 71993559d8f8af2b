"""Convolution blocks with padding on all four sides, as PyTorch pads: convolution, batch norm, dropout, activation.

"same" padding of Keras pads a strided convolution at other sides. Layers have the names of published weights, so that
`published_variables` finds each variable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
from keras import layers

from layers.batch_norm import UnbiasedBatchNorm
from layers.shared_prelu import SharedPReLU

PUBLISHED_NAMES = {
    "kernel": "weight",
    "gamma": "weight",
    "alpha": "weight",
    "bias": "bias",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Last part of a Keras variable's name -> that of the published one."""


@dataclass(frozen=True)
class Block:
    """One convolution and what follows it.

    Attributes:
        filters: channels of the output.
        kernel_size: side of the kernel in pixels.
        stride: factor of the downsampling, or of the upsampling where it is transposed.
        padding: pixels of zeros on each side; of a transposed convolution, pixels that are cropped there.
        bias: whether the convolution has a bias.
        batchnorm: whether batch norm follows.
        dropout: rate of the dropout that follows, of single values.
        activation: "prelu" with one slope, "relu", "leaky" with `leak`, or None.
        leak: slope of "leaky".
        transposed: whether the convolution is transposed.
    """

    filters: int
    kernel_size: int = 4
    stride: int = 2
    padding: int = 1
    bias: bool = True
    batchnorm: bool = True
    dropout: float = 0.0
    activation: str | None = "prelu"
    leak: float = 0.2
    transposed: bool = False


def weights() -> keras.initializers.Initializer:
    """Return a new Glorot normal initialiser that is not truncated, as Keras' own is."""
    return keras.initializers.VarianceScaling(1.0, "fan_avg", "untruncated_normal")


def padded_block(x: Any, block: Block, name: str) -> Any:
    """Return the features after a block.

    Args:
        x: ``(batch, height, width, channel)``.
        block: its settings.
        name: published name of the block; its layers are ``name.conv``, ``name.bn``, ``name.relu``.
    """
    settings = {"use_bias": block.bias, "kernel_initializer": weights(), "name": f"{name}.conv"}
    if block.transposed:
        x = layers.Conv2DTranspose(block.filters, block.kernel_size, block.stride, **settings)(x)
        x = layers.Cropping2D(block.padding)(x) if block.padding else x
    else:
        x = layers.ZeroPadding2D(block.padding)(x) if block.padding else x
        x = layers.Conv2D(block.filters, block.kernel_size, block.stride, **settings)(x)
    if block.batchnorm:
        x = UnbiasedBatchNorm(name=f"{name}.bn")(x)
    if block.dropout:
        x = layers.Dropout(block.dropout)(x)
    return activated(x, block.activation, block.leak, f"{name}.relu")


def activated(x: Any, activation: str | None, leak: float, name: str) -> Any:
    """Return x after the activation of a block.

    Raises:
        ValueError: an activation that there is not.
    """
    if activation is None:
        return x
    if activation == "prelu":
        return SharedPReLU(name=name)(x)
    if activation == "relu":
        return layers.ReLU(name=name)(x)
    if activation == "leaky":
        return layers.LeakyReLU(negative_slope=leak, name=name)(x)
    raise ValueError(f"activation must be prelu, relu, leaky or none, not {activation!r}")


def published_variables(network: keras.Model) -> dict[str, keras.Variable]:
    """Return all weights of a network of these blocks by their published names."""
    return {
        f"{layer.name}.{PUBLISHED_NAMES[variable.name]}": variable
        for layer in network.layers
        for variable in layer.weights
        if variable.name in PUBLISHED_NAMES
    }
