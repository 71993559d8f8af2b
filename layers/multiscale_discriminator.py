"""Patch discriminators of an image pair at several scales (Wang et al. 2018, pix2pixHD), with all their features."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import keras
from keras import layers, ops

from layers.biased_convolution import conv
from layers.instance_norm import InstanceNorm
from losses.pooling import halved

BLOCKS = ((1, 2), (2, 2), (4, 2), (8, 1), (None, 1))
"""Factor of the filters and stride of each 4 x 4 convolution; the last one has one channel, the logits."""


@keras.saving.register_keras_serializable("pix2earth")
class Halve(layers.Layer):
    """Return means of 3 x 3 pixels at every second pixel; windows at the border have fewer pixels."""

    def call(self, images: Any) -> Any:
        """Return ``(batch, ceil(height / 2), ceil(width / 2), channel)``."""
        return halved(images)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the halved shape."""
        batch, height, width, channels = input_shape
        height, width = (None if side is None else (side + 1) // 2 for side in (height, width))
        return batch, height, width, channels


def multiscale_discriminator(
    input_channels: int, target_channels: int, filters: int = 64, scales: int = 1, balance: float = 1.0
) -> keras.Model:
    """Return the discriminator of ``[input_image, target_image]``, for images of any height and width.

    Its output is a list: the outputs of the five blocks of the first scale, then those of the next one, float32,
    ``(batch, h, w, channel)``; `by_scale` divides it. The last block of a scale returns logits. Each scale has weights
    of its own and sees images of half the size of the one before, which needs 24 pixels a side. Layers have the names
    of the published Pix2PixCC.

    Args:
        input_channels: bands of the input image.
        target_channels: bands of the target or generated image.
        filters: channels of the first block; the further ones have 2, 4 and 8 times as many.
        scales: number of scales.
        balance: as of `copies`.
    """
    input_image = keras.Input((None, None, input_channels), name="input_image")
    target_image = keras.Input((None, None, target_channels), name="target_image")
    numbers = copies(input_channels, target_channels, balance)
    x = ops.concatenate([input_image] * numbers[0] + [target_image] * numbers[1], axis=-1)
    outputs = []
    for scale in range(scales):
        x = Halve()(x) if scale else x
        outputs += _blocks(x, filters, f"Scale_{scale}")
    return keras.Model([input_image, target_image], outputs, name="multiscale_discriminator")


def by_scale(outputs: list[Any]) -> list[list[Any]]:
    """Return the outputs of a multi-scale discriminator as a list over scales of lists over blocks."""
    return [list(outputs[start : start + len(BLOCKS)]) for start in range(0, len(outputs), len(BLOCKS))]


def copies(input_channels: int, target_channels: int, balance: float) -> tuple[int, int]:
    """Return how often input and target are repeated, so that both have about as many channels.

    Args:
        input_channels: bands of the input image.
        target_channels: bands of the target or generated image.
        balance: factor of the ratio of both; 0 or less: one copy of each.
    """
    ratio = Fraction(input_channels, target_channels) * Fraction(str(balance))
    if ratio <= 0:
        return 1, 1
    return max(1, int(1 / ratio)), max(1, int(ratio))


def _blocks(x: Any, filters: int, name: str) -> list[Any]:
    """Return the outputs of the five blocks of one scale."""
    outputs = []
    for number, (factor, stride) in enumerate(BLOCKS):
        x = conv(x, filters * factor if factor else 1, 4, f"{name}.block_{number}.0", stride, padding=1)
        if 0 < number < len(BLOCKS) - 1:
            x = InstanceNorm()(x)
        if factor:
            x = layers.LeakyReLU(negative_slope=0.2)(x)
        outputs.append(layers.Activation("linear", dtype="float32", name=f"{name}.block_{number}")(x))
    return outputs
