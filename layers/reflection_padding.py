"""Padding of images by reflection, without repeating the edge."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pix2earth")
class ReflectionPadding(keras.layers.Layer):
    """Add ``size`` reflected pixels at all four sides of images ``(batch, height, width, channel)``."""

    def __init__(self, size: int, **kwargs: Any) -> None:
        """Store the setting.

        Args:
            size: number of pixels at each side; images need more pixels a side.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.size = size

    def call(self, x: Any) -> Any:
        """Return the padded images."""
        return ops.pad(x, ((0, 0), (self.size, self.size), (self.size, self.size), (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the padded shape."""
        batch, height, width, channels = input_shape
        height, width = (None if side is None else side + 2 * self.size for side in (height, width))
        return batch, height, width, channels

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "size": self.size}
