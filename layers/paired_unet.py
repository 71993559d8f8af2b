"""U-Net and PatchGAN of the RSGAN study, of any depth: strided convolutions without tanh, one slope for each PReLU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import layers

from layers.padded_block import Block, padded_block

DROPOUT_LEVELS = 3
"""Number of the innermost decoder levels that have dropout."""


def encoder_blocks(filters: Sequence[int]) -> list[Block]:
    """Return the encoder: the first level is linear, the last one has stride 1."""
    blocks = [Block(count) for count in filters]
    blocks[0] = replace(blocks[0], batchnorm=False, activation=None)
    blocks[-1] = replace(blocks[-1], stride=1)
    return blocks


def decoder_blocks(filters: Sequence[int], last_filters: int, dropout: float = 0.4) -> list[Block]:
    """Return the decoder that mirrors an encoder.

    Args:
        filters: channels of the encoder's levels, the outermost first.
        last_filters: channels of the decoder's last level, which is linear.
        dropout: rate of dropout in the innermost three levels.
    """
    blocks = [Block(count, transposed=True) for count in [*reversed(filters[:-1]), last_filters]]
    blocks[:DROPOUT_LEVELS] = [replace(block, dropout=dropout) for block in blocks[:DROPOUT_LEVELS]]
    blocks[0] = replace(blocks[0], kernel_size=2, stride=1, padding=0)
    blocks[-1] = replace(blocks[-1], batchnorm=False, activation=None, dropout=0.0)
    return blocks


def encode_decode(
    x: Any, encoder: Sequence[Block], decoder: Sequence[Block], output_channels: int, *, skips: bool = True
) -> Any:
    """Return an image, linear and float32: ``(batch, height, width, output_channels)``.

    Args:
        x: ``(batch, height, width, channel)``.
        encoder: blocks from the outermost to the innermost level.
        decoder: as many blocks, from the innermost to the outermost one.
        output_channels: bands of the image.
        skips: whether the decoder gets the encoder's features too, behind its own.
    """
    features = []
    for number, block in enumerate(encoder):
        x = padded_block(x, block, f"encoder.encoding_layers.{number}")
        features.append(x)
    mirrored = features[-2::-1]
    for number, block in enumerate(decoder):
        x = padded_block(x, block, f"decoder.decoding_layers.{number}")
        if skips and number < len(decoder) - 1:
            x = layers.Concatenate()([x, mirrored[number]])
    output = Block(output_channels, 3, 1, batchnorm=False, activation=None)
    x = padded_block(x, output, "output_layer")
    return layers.Activation("linear", dtype="float32", name="image")(x)


def paired_patchgan(input_channels: int, target_channels: int, filters: Sequence[int]) -> keras.Model:
    """Return the discriminator of ``[input_image, target_image]``; its output is logits, ``(batch, h, w, 1)``, float32.

    All levels but the last two have stride 2; the target comes first in the concatenation.

    Args:
        input_channels: bands of the input image.
        target_channels: bands of the target or generated image.
        filters: channels of all levels but the last, which has one.
    """
    input_image = keras.Input((None, None, input_channels), name="input_image")
    target_image = keras.Input((None, None, target_channels), name="target_image")
    x = layers.Concatenate()([target_image, input_image])
    return keras.Model([input_image, target_image], _patches(x, filters), name="discriminator")


def single_patchgan(channels: int, filters: Sequence[int]) -> keras.Model:
    """Return the same network as a discriminator of single images, in a list of one: ``[image]``.

    Args:
        channels: bands of the image.
        filters: as of `paired_patchgan`.
    """
    image = keras.Input((None, None, channels), name="image")
    return keras.Model([image], _patches(image, filters), name="discriminator")


def _patches(x: Any, filters: Sequence[int]) -> Any:
    """Return the logits of the patches of an image."""
    for number, count in enumerate(filters):
        stride = 1 if number == len(filters) - 1 else 2
        x = padded_block(
            x, Block(count, stride=stride, batchnorm=number > 0, activation="leaky"), f"conv_layers.{number}"
        )
    last = Block(1, stride=1, batchnorm=False, activation=None)
    x = padded_block(x, last, f"conv_layers.{len(filters)}")
    return layers.Activation("linear", dtype="float32", name="logits")(x)


def fitting_depth(height: int, width: int, levels: int) -> int:
    """Return the largest number of encoder levels for images of a size, at most ``levels``; 0 where none fits.

    With d levels, height and width are multiples of 2**(d - 1) and at least 2**d.
    """
    for depth in range(levels, 1, -1):
        if all(side % 2 ** (depth - 1) == 0 and side >= 2**depth for side in (height, width)):
            return depth
    return 0
