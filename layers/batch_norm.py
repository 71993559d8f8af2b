"""Batch normalisation with the running statistics of PyTorch."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pix2earth")
class UnbiasedBatchNorm(keras.layers.Layer):
    """Batch normalisation over all axes but the last; running variances are those of a sample (divided by n - 1).

    In training it normalises by mean and biased variance of the batch, as Keras does. Keras also keeps the biased
    variance for inference, PyTorch the unbiased one: published weights need the latter.
    """

    def __init__(
        self, momentum: float = 0.9, epsilon: float = 1e-5, gamma_initializer: Any = "ones", **kwargs: Any
    ) -> None:
        """Store the settings.

        Args:
            momentum: share of the running statistics that a training step keeps; 1 minus PyTorch's.
            epsilon: added to the variance.
            gamma_initializer: of the scales, as Keras takes it.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.momentum, self.epsilon = momentum, epsilon
        self.gamma_initializer = keras.initializers.get(gamma_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create scale, shift and running statistics of every channel."""

        def weight(name: str, initializer: Any, trainable: bool) -> Any:
            # float32 in all precisions, as the statistics are.
            settings = {"initializer": initializer, "trainable": trainable, "autocast": False}
            return self.add_weight(name=name, shape=(input_shape[-1],), **settings)

        self.gamma, self.beta = weight("gamma", self.gamma_initializer, True), weight("beta", "zeros", True)
        self.moving_mean = weight("moving_mean", "zeros", False)
        self.moving_variance = weight("moving_variance", "ones", False)

    def call(self, x: Any, training: bool = False) -> Any:
        """Return the normalised tensor; in training, update the running statistics."""
        if training and self.trainable:
            # float32: the variance of half precision would be too coarse.
            values = ops.cast(x, "float32")
            axes = tuple(range(len(x.shape) - 1))
            mean, variance = ops.moments(values, axes)
            count = ops.cast(ops.prod(ops.shape(x)[:-1]), "float32")
            unbiased = variance * count / ops.maximum(count - 1.0, 1.0)
            keep = self.momentum
            self.moving_mean.assign(self.moving_mean * keep + mean * (1.0 - keep))
            self.moving_variance.assign(self.moving_variance * keep + unbiased * (1.0 - keep))
        else:
            mean, variance = self.moving_mean, self.moving_variance
        scale = self.gamma * ops.rsqrt(variance + self.epsilon)
        return x * ops.cast(scale, x.dtype) + ops.cast(self.beta - mean * scale, x.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        gamma = keras.initializers.serialize(self.gamma_initializer)
        settings = {"momentum": self.momentum, "epsilon": self.epsilon, "gamma_initializer": gamma}
        return {**super().get_config(), **settings}
