"""Instance normalisation (Ulyanov, Vedaldi and Lempitsky 2016), without scale and shift."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pix2earth")
class InstanceNorm(keras.layers.Layer):
    """Normalise each channel of each image by its mean and biased variance; the same in training and inference."""

    def __init__(self, epsilon: float = 1e-5, **kwargs: Any) -> None:
        """Store the setting.

        Args:
            epsilon: added to the variance.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, x: Any) -> Any:
        """Return the normalised images, ``(batch, height, width, channel)``."""
        # float32: the variance of half precision would be too coarse.
        values = ops.cast(x, "float32")
        mean, variance = ops.moments(values, (1, 2), keepdims=True)
        return ops.cast((values - mean) * ops.rsqrt(variance + self.epsilon), x.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "epsilon": self.epsilon}
