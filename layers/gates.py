"""Factors by which a network weighs its branches."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pix2earth")
class Gate(keras.layers.Layer):
    """Multiply every channel by a learnt factor (MARSGAN, Tao et al. 2021; ESRGAN+, Rakotonirina et al. 2020)."""

    def __init__(self, initial: float = 1.0, **kwargs: Any) -> None:
        """Remember the factor to begin with.

        Args:
            initial: the same for all channels.
            kwargs: as for any layer.
        """
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make one factor a channel."""
        initial = keras.initializers.Constant(self.initial)
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer=initial, name="factor")

    def call(self, x: Any) -> Any:
        """Return the weighed tensor."""
        return x * self.factor

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor needs."""
        return {**super().get_config(), "initial": self.initial}


@keras.saving.register_keras_serializable("pix2earth")
class RandomGate(keras.layers.Layer):
    """Multiply every channel by a new draw from Normal(0, 1) at every call, while training and afterwards.

    What the published tarsgan has where a learnt factor was meant; nothing is learnt, and predictions are random.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        """Make the layer's own source of numbers, which a checkpoint keeps.

        Args:
            seed: where it begins; None: by the global seed.
            kwargs: as for any layer.
        """
        super().__init__(**kwargs)
        self.seed = seed
        self.numbers = keras.random.SeedGenerator(seed)

    def call(self, x: Any) -> Any:
        """Return the tensor, multiplied."""
        shape = (1,) * (len(x.shape) - 1) + (x.shape[-1],)
        return x * ops.cast(keras.random.normal(shape, seed=self.numbers), x.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return what the constructor needs."""
        return {**super().get_config(), "seed": self.seed}
