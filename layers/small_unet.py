"""A small U-Net: two convolutions a level, maximum pooling, bilinear upsampling (after Ronneberger et al. 2015)."""

from __future__ import annotations

from typing import Any

from keras import layers


def small_unet(x: Any, filters: int, downsamplings: int = 2) -> Any:
    """Return the features of an image at its own size.

    Args:
        x: symbolic tensor (batch, height, width, channel); its sides are multiples of 2**downsamplings.
        filters: channels of the first level and of the result, twice as many at each further level.
        downsamplings: number of further levels.
    """
    skips = []
    for level in range(downsamplings):
        x = two_convolutions(x, filters * 2**level)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = two_convolutions(x, filters * 2**downsamplings)
    for skip in reversed(skips):
        x = layers.UpSampling2D(interpolation="bilinear")(x)
        x = two_convolutions(layers.Concatenate()([x, skip]), skip.shape[-1])
    return x


def two_convolutions(x: Any, filters: int) -> Any:
    """Return the features of x after two convolutions with ReLU."""
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x
