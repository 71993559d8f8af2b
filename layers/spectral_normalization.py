"""Convolution with spectral normalisation (Miyato et al. 2018), by the rules of PyTorch."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

EPSILON = 1e-12


@keras.saving.register_keras_serializable("pix2earth")
class SpectralConv2D(keras.layers.Layer):
    """A convolution without padding whose kernel is divided by an estimate of its largest singular value.

    The kernel as a matrix M (output channel, input channel * row * column) has the estimate sigma = u . M v. Each call
    in training first makes one power iteration, v = M'u and u = M v of length 1, which no gradient passes; the gradient
    passes through M in sigma. Unlike ``keras.layers.SpectralNormalization``, the kernel stays as the optimiser left it,
    and v is kept, so that inference makes no iteration.
    """

    def __init__(self, filters: int, kernel_size: int, strides: int = 1, **kwargs: Any) -> None:
        """Store the settings.

        Args:
            filters: output channels.
            kernel_size: side of the kernel in pixels.
            strides: of both directions.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.strides = filters, kernel_size, strides

    def build(self, input_shape: tuple[Any, ...]) -> None:
        """Create kernel, bias and both vectors; kernel and bias from the uniform distribution that PyTorch uses."""
        channels = int(input_shape[-1] or 0)
        shape = (self.kernel_size, self.kernel_size, channels, self.filters)
        inputs = self.kernel_size**2 * channels
        limit = inputs**-0.5

        def weight(name: str, shape: tuple[int, ...], initializer: Any, trainable: bool = True) -> Any:
            # float32 in all precisions: singular values of half precision would be too coarse.
            settings = {"initializer": initializer, "trainable": trainable, "autocast": False}
            return self.add_weight(name=name, shape=shape, **settings)

        self.kernel = weight("kernel", shape, keras.initializers.RandomUniform(-limit, limit))
        self.bias = weight("bias", (self.filters,), keras.initializers.RandomUniform(-limit, limit))
        self.u = weight("u", (self.filters,), _random_direction, trainable=False)
        self.v = weight("v", (inputs,), _random_direction, trainable=False)

    def call(self, x: Any, training: bool = False) -> Any:
        """Return the convolved images; in training, update both vectors before."""
        kernel = ops.convert_to_tensor(self.kernel)
        matrix = ops.reshape(ops.transpose(kernel, (3, 2, 0, 1)), (self.filters, -1))
        u, v = ops.convert_to_tensor(self.u), ops.convert_to_tensor(self.v)
        if training and self.trainable:
            constant = ops.stop_gradient(matrix)
            v = _normalized(ops.matmul(u, constant))
            u = _normalized(ops.matmul(constant, v))
            self.u.assign(u)
            self.v.assign(v)
        sigma = ops.sum(u * ops.matmul(matrix, v))
        kernel = ops.cast(kernel / sigma, x.dtype)
        result = ops.conv(x, kernel, strides=self.strides, padding="valid", data_format="channels_last")
        return result + ops.cast(self.bias, x.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the convolved images."""
        batch, height, width, _ = input_shape
        height, width = (
            None if side is None else (side - self.kernel_size) // self.strides + 1 for side in (height, width)
        )
        return batch, height, width, self.filters

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        settings = {"filters": self.filters, "kernel_size": self.kernel_size, "strides": self.strides}
        return {**super().get_config(), **settings}


def _normalized(vector: Any) -> Any:
    """Return a vector divided by its length."""
    return vector / ops.maximum(ops.sqrt(ops.sum(ops.square(vector))), EPSILON)


def _random_direction(shape: tuple[int, ...], dtype: Any = None) -> Any:
    """Return a random vector of length 1."""
    return _normalized(keras.random.normal(shape, dtype=dtype))
