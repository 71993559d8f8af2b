"""Layers that multiply every channel by one factor, to weight the branches of a network."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pix2earth")
class Gate(keras.layers.Layer):
    """Multiply every channel by a learnt factor (MARSGAN, Tao et al. 2021; ESRGAN+, Rakotonirina et al. 2020)."""

    def __init__(self, initial: float = 1.0, **kwargs: Any) -> None:
        """Store the initial factor.

        Args:
            initial: factor of all channels before training.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.initial = initial

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create one factor for each channel."""
        initial = keras.initializers.Constant(self.initial)
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer=initial, name="factor")

    def call(self, x: Any) -> Any:
        """Return x times the factors."""
        return x * self.factor

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "initial": self.initial}


@keras.saving.register_keras_serializable("pix2earth")
class RandomGate(keras.layers.Layer):
    """Multiply every channel by a new random number from Normal(0, 1) at every call, in training and in prediction.

    The published tarsgan has this layer where the papers have a learnt factor: nothing is learnt, and predictions are
    random.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        """Create the random number generator of the layer; its state is a variable, so checkpoints include it.

        Args:
            seed: its initial state; None: derived from the global seed.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.seed = seed
        self.numbers = keras.random.SeedGenerator(seed)

    def call(self, x: Any) -> Any:
        """Return x times one random number for each channel."""
        shape = (1,) * (len(x.shape) - 1) + (x.shape[-1],)
        return x * ops.cast(keras.random.normal(shape, seed=self.numbers), x.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "seed": self.seed}
