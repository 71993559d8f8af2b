"""Upsampling as two matrix products, which XLA compiles: bicubic, and bilinear with aligned corners."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

SHARPNESS = -0.5
"""Parameter a of the cubic kernel (Keys 1981, doi:10.1109/TASSP.1981.1163711); -0.5 is TensorFlow's."""

TABLE = 1024
"""Places between two pixels at which TensorFlow tabulates the kernel."""


class WeightedUpsampling(keras.layers.Layer):
    """Upsample images ``(batch, h, w, c)`` of a fixed size to ``(batch, h * ratio, w * ratio, c)``."""

    def __init__(self, ratio: int = 2, **kwargs: Any) -> None:
        """Store the ratio.

        Args:
            ratio: factor of the upsampling, 1 or more.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.ratio = ratio

    def weights_of(self, side: int) -> np.ndarray:
        """Return the weights (side * ratio, side) of the coarse pixels in the fine ones along an axis."""
        raise NotImplementedError(f"{type(self).__name__} has no method weights_of")

    def call(self, x: Any) -> Any:
        """Return the upsampled images."""
        rows, columns = (ops.convert_to_tensor(self.weights_of(side), x.dtype) for side in x.shape[1:3])
        return ops.einsum("ij,bjkc,lk->bilc", rows, x, columns)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the upsampled shape."""
        batch, height, width, channels = input_shape
        height, width = (None if side is None else side * self.ratio for side in (height, width))
        return batch, height, width, channels

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "ratio": self.ratio}


@keras.saving.register_keras_serializable("pix2earth")
class Bicubic(WeightedUpsampling):
    """Bicubic upsampling, as ``tf.image.resize(..., method="bicubic")``: pixels beyond the border have no weight."""

    def __init__(self, ratio: int = 2, tabulated: bool = False, **kwargs: Any) -> None:
        """Store the settings.

        Args:
            ratio: factor of the upsampling, 1 or more.
            tabulated: round the places of pixels as TensorFlow's table of the kernel does, for equal values; False:
                the exact kernel.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(ratio, **kwargs)
        self.tabulated = tabulated

    def weights_of(self, side: int) -> np.ndarray:
        """Return the weights; rows add up to 1."""
        return cubic_weights(side, self.ratio, TABLE if self.tabulated else None)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "tabulated": self.tabulated}


@keras.saving.register_keras_serializable("pix2earth")
class AlignedBilinear(WeightedUpsampling):
    """Bilinear upsampling whose corner pixels keep their places, as PyTorch's ``align_corners``."""

    def weights_of(self, side: int) -> np.ndarray:
        """Return the weights; rows add up to 1."""
        return aligned_weights(side, self.ratio)


def cubic_weights(side: int, ratio: int, table: int | None = None) -> np.ndarray:
    """Return the weights of the coarse pixels in the fine ones along an axis.

    Args:
        side: number of coarse pixels.
        ratio: factor of the upsampling.
        table: number of places between two pixels to which those of fine pixels are rounded; None: they are not.

    Returns:
        float32 (side * ratio, side); rows add up to 1.
    """
    centres = (np.arange(side * ratio) + 0.5) / ratio - 0.5
    if table is not None:
        centres = np.rint(centres * table) / table
    distance = np.abs(centres[:, None] - np.arange(side))
    near = ((SHARPNESS + 2) * distance - (SHARPNESS + 3)) * distance**2 + 1
    far = SHARPNESS * (((distance - 5) * distance + 8) * distance - 4)
    kernel = np.where(distance <= 1, near, np.where(distance < 2, far, 0))
    return (kernel / kernel.sum(axis=1, keepdims=True)).astype(np.float32)


def aligned_weights(side: int, ratio: int) -> np.ndarray:
    """Return the weights of the coarse pixels in the fine ones along an axis; fine pixel i is at i (n - 1) / (n r - 1).

    Args:
        side: number of coarse pixels, n.
        ratio: factor of the upsampling, r.

    Returns:
        float32 (side * ratio, side); rows add up to 1.
    """
    places = np.arange(side * ratio) * (side - 1) / max(side * ratio - 1, 1)
    return np.maximum(1.0 - np.abs(places[:, None] - np.arange(side)), 0.0).astype(np.float32)
