"""The residual network of the RSGAN study, which none of its experiments uses: residuals are scaled by 0.1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import layers

from layers.padded_block import Block, padded_block


def scaled_residual(x: Any, block: Block, name: str, scaling: float = 0.1) -> Any:
    """Return ReLU(x + scaling * residual); where the shape changes, x passes a 1 x 1 convolution with batch norm.

    Args:
        x: ``(batch, height, width, channel)``.
        block: the first convolution; the second one has as many filters, 3 x 3 pixels and stride 1.
        name: published name of the block.
        scaling: factor of the residual.
    """
    filters = block.filters
    residual = padded_block(x, block, f"{name}.conv1")
    second = Block(filters, 3, 1, bias=False, activation=None)
    residual = padded_block(residual, second, f"{name}.conv2")
    if block.stride > 1 or x.shape[-1] != filters:
        identity = Block(filters, 1, block.stride, padding=0, bias=False, activation=None)
        x = padded_block(x, identity, f"{name}.adjust_identity")
    return layers.ReLU()(x + scaling * residual)


def residual_network(x: Any, filters: Sequence[int], blocks: Sequence[int], output_channels: int) -> Any:
    """Return features at a fraction of the size: ``(batch, h, w, output_channels)``, h = height / 2**len(filters).

    Args:
        x: ``(batch, height, width, channel)``.
        filters: channels of the first convolution and of each stage.
        blocks: residual blocks of each stage; the first of each has stride 2.
        output_channels: channels of the output.
    """
    x = padded_block(x, Block(filters[0], 7, 2, 3, bias=False, activation="relu"), "input_layer")
    for stage, (count, number) in enumerate(zip(filters[1:], blocks, strict=True)):
        for index in range(number):
            kernel, stride = (4, 2) if index == 0 else (3, 1)
            block = Block(count, kernel, stride, bias=False, activation="relu")
            x = scaled_residual(x, block, f"residual_layers.layers.{stage}.{index}")
    return padded_block(x, Block(output_channels, 3, 1, batchnorm=False, activation=None), "output_layer")
