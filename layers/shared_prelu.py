"""PReLU with a single slope for a whole layer, as PyTorch has it by default."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pix2earth")
class SharedPReLU(keras.layers.Layer):
    """PReLU (He et al. 2015) with one slope for all channels and pixels, initially 0.25."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the slope, of shape (1,)."""
        self.alpha = self.add_weight(name="alpha", shape=(1,), initializer=keras.initializers.Constant(0.25))

    def call(self, x: Any) -> Any:
        """Return x where it is positive, else x times the slope."""
        return ops.maximum(x, 0) + ops.cast(self.alpha, x.dtype) * ops.minimum(x, 0)
