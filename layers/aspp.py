"""Atrous spatial pyramid pooling (Chen et al. 2017): parallel convolutions of several dilations, and a global mean."""

from __future__ import annotations

from typing import Any

from keras import layers, ops

from layers.batch_norm import UnbiasedBatchNorm


def convolved(
    x: Any, filters: int, kernel_size: int, named: dict[str, Any], name: str, *, dilation: int = 1, number: int = 0
) -> Any:
    """Return a convolution without bias, batch norm and ReLU, padded with zeros to the same size.

    Args:
        x: ``(batch, height, width, channel)``.
        filters: number of output channels.
        kernel_size: side of the kernel.
        named: receives convolution and batch norm by their published names.
        name: published name of the block.
        dilation: distance of the kernel's pixels.
        number: of the convolution in the block; that of the batch norm follows.
    """
    conv = layers.Conv2D(filters, kernel_size, padding="same", dilation_rate=dilation, use_bias=False)
    norm = UnbiasedBatchNorm()
    named[f"{name}.{number}"], named[f"{name}.{number + 1}"] = conv, norm
    return ops.relu(norm(conv(x)))


def aspp(
    x: Any, filters: int, hidden: int, named: dict[str, Any], name: str, *, dropout: float = 0.1,
    dilations: tuple[int, ...] = (12, 24, 36),
) -> Any:  # fmt: skip
    """Return the pyramid of a tensor.

    Args:
        x: ``(batch, height, width, channel)``.
        filters: number of output channels.
        hidden: channels of each branch.
        named: receives the layers by their published names.
        name: published name of the block.
        dropout: share of outputs that are dropped in training.
        dilations: of the 3 x 3 convolutions.
    """
    branches = [convolved(x, hidden, 1, named, f"{name}.convs.0")]
    for number, dilation in enumerate(dilations, start=1):
        branches.append(convolved(x, hidden, 3, named, f"{name}.convs.{number}", dilation=dilation))
    mean = ops.mean(x, axis=(1, 2), keepdims=True)
    mean = convolved(mean, hidden, 1, named, f"{name}.convs.{len(dilations) + 1}", number=1)
    branches.append(mean + ops.zeros_like(branches[0]))
    x = convolved(layers.Concatenate()(branches), filters, 1, named, f"{name}.project")
    return layers.Dropout(dropout)(x)
