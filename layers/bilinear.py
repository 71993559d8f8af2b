"""Bilinear upsampling whose corner pixels keep their places (PyTorch's ``align_corners``), as two matrix products."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("pix2earth")
class AlignedBilinear(keras.layers.Layer):
    """Upsample images ``(batch, h, w, c)`` of a fixed size to ``(batch, h * ratio, w * ratio, c)``."""

    def __init__(self, ratio: int = 2, **kwargs: Any) -> None:
        """Store the ratio.

        Args:
            ratio: factor of the upsampling, 1 or more.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.ratio = ratio

    def call(self, x: Any) -> Any:
        """Return the upsampled images."""
        rows, columns = (ops.convert_to_tensor(weights(side, self.ratio), x.dtype) for side in x.shape[1:3])
        return ops.einsum("ij,bjkc,lk->bilc", rows, x, columns)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the upsampled shape."""
        batch, height, width, channels = input_shape
        height, width = (None if side is None else side * self.ratio for side in (height, width))
        return batch, height, width, channels

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "ratio": self.ratio}


def weights(side: int, ratio: int) -> np.ndarray:
    """Return the weights of the coarse pixels in the fine ones along an axis; fine pixel i is at i (n - 1) / (n r - 1).

    Args:
        side: number of coarse pixels, n.
        ratio: factor of the upsampling, r.

    Returns:
        float32 (side * ratio, side); rows add up to 1.
    """
    places = np.arange(side * ratio) * (side - 1) / max(side * ratio - 1, 1)
    return np.maximum(1.0 - np.abs(places[:, None] - np.arange(side)), 0.0).astype(np.float32)
