"""Consistency of a fine image with the coarse one that was measured: averages of its pixels are the coarse pixels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pix2earth")
class AverageConsistency(keras.layers.Layer):
    """Shift every block of ``ratio`` x ``ratio`` pixels so that its mean is that of the coarse pixel.

    Of ``[fine, coarse]``, ``(batch, h * ratio, w * ratio, c)`` and ``(batch, h, w, c)``, it returns the image that is
    nearest to ``fine`` (in least squares) among those whose averages are ``coarse``, to rounding.
    """

    def __init__(self, ratio: int, **kwargs: Any) -> None:
        """Store the ratio.

        Args:
            ratio: side of the blocks in fine pixels.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.ratio = ratio

    def call(self, images: list[Any]) -> Any:
        """Return the shifted fine images."""
        fine, coarse = images
        shift = coarse - ops.average_pool(fine, self.ratio, data_format="channels_last")
        return fine + ops.repeat(ops.repeat(shift, self.ratio, axis=1), self.ratio, axis=2)

    def compute_output_shape(self, input_shape: list[tuple[int | None, ...]]) -> tuple[int | None, ...]:
        """Return the shape of the fine images."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "ratio": self.ratio}
