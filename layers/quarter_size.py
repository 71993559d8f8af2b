"""Features at a quarter of an image's size, and an image from them, as CTGAN has them (Huang and Wu 2022)."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from layers.batch_norm import UnbiasedBatchNorm
from layers.padding import Padding


def quartered(channels: int, filters: int, named: dict[str, Any], size: tuple[int, int]) -> keras.Model:
    """Return the network, shared by the pairs of time steps, from their features to those at a quarter of the size.

    Args:
        channels: features of a pair.
        filters: features that it returns.
        named: receives the layers by their published names.
        size: height and width.
    """
    x = pair = keras.Input((*size, channels))
    for number, width in ((0, filters // 2), (3, filters)):
        conv, norm = layers.Conv2D(width, 3, 2, use_bias=False), UnbiasedBatchNorm()
        named[f"downsampling.{number}"], named[f"downsampling.{number + 1}"] = conv, norm
        x = ops.relu(norm(conv(layers.ZeroPadding2D()(x))))
    return keras.Model(pair, x, name="downsampling")


def restored(x: Any, bands: int, named: dict[str, Any]) -> Any:
    """Return the image, float32 from -1 to 1, of features at a quarter of its size.

    Args:
        x: ``(batch, height / 4, width / 4, feature)``.
        bands: of the image.
        named: receives the layers by their published names.
    """
    channels = x.shape[-1]
    for number, filters in ((0, channels // 2), (3, channels // 4)):
        conv, norm = layers.Conv2DTranspose(filters, 3, 2, "valid", use_bias=False), UnbiasedBatchNorm()
        named[f"model_final.{number}"], named[f"model_final.{number + 1}"] = conv, norm
        x = ops.relu(norm(conv(x)[:, 1:, 1:]))  # as PyTorch's padding of 1 and output padding of 1
    named["model_final.7"] = layers.Conv2D(bands, 7)
    x = named["model_final.7"](Padding(3, "reflection")(x))
    return layers.Activation("tanh", dtype="float32")(x)
