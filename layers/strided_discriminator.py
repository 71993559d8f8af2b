"""Discriminators of 3 x 3 convolutions in sequence, with dense layers at every pixel of the last features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from layers.convolution import LEAKY_SLOPE, conv


def strided_discriminator(
    input_channels: int,
    target_channels: int,
    stages: Sequence[tuple[int, int]],
    head: Callable[[Any], Any],
    *,
    batchnorm: bool = True,
    name: str = "discriminator",
) -> keras.Model:
    """Return the discriminator of ``[input_image, target_image]``, for images of any height and width.

    Args:
        input_channels: bands of the input image.
        target_channels: bands of the target or generated image.
        stages: (filters, stride) of each convolution; each is followed by LeakyReLU.
        head: function of the last features that returns the discriminator output, float32.
        batchnorm: use batch norm after all convolutions but the first.
        name: name of the model.
    """
    input_image = keras.Input((None, None, input_channels), name="input_image")
    target_image = keras.Input((None, None, target_channels), name="target_image")
    x = layers.Concatenate()([input_image, target_image])
    for number, (filters, stride) in enumerate(stages):
        x = conv(3, filters, stride, batchnorm=batchnorm and number > 0, lrelu=True)(x)
    return keras.Model([input_image, target_image], head(x), name=name)


def pairs(*filters: int) -> list[tuple[int, int]]:
    """Return two stages for each number of filters: one with stride 1 and one with stride 2."""
    return [(count, stride) for count in filters for stride in (1, 2)]


def ten_probabilities(x: Any) -> Any:
    """Return ten probabilities at every pixel, from a dense layer of 1024 features (the head of srgan and dsen2w)."""
    x = layers.LeakyReLU(negative_slope=LEAKY_SLOPE)(layers.Dense(1024)(x))
    return layers.Activation("sigmoid", dtype="float32", name="probability")(layers.Dense(10)(x))


ten_verdicts = ten_probabilities  # its former name, which existing plug-ins import
