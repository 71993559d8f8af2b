"""The module ``models.layers`` of the original ARISGAN code, for plug-ins written for it; this file is no model.

Names, defaults, shapes and values are those of the original code, its errors included, and do not change. The blocks of
the toolkit's own models are in ``layers/``. This module uses ``tf.keras``, which is Keras 3 or, with ``legacy_keras``,
Keras 2, so that its layers always belong to the same Keras as those of the plug-in; ``layers/`` uses Keras 3 only.

Two errors of the original code change results. Each can be switched off; the default is the original behaviour:

- ``pixelshuffler(2, correct=True)``, ``PixelShuffler(2, correct=True)``: depth to space. The original layer puts pixels
  in the wrong places.
- ``multiply_lambda(32, learnt=True)``, ``awrrdb_block(x, tilesize, 32, learnt=True)``: one learnt factor for each
  channel, initially 1. The original layer multiplies by new random numbers at each call, in prediction too.

Convolutions have no bias and initial weights from Normal(0, 0.02); LeakyReLU has slope 0.3; batch norm has the defaults
of Keras. Functions with a parameter ``input_tensor`` return a tensor, all others a layer.
"""

from __future__ import annotations

from typing import Any, List  # noqa: UP035 (plug-ins use layers.List)

import tensorflow as tf

keras: Any = tf.keras
K = keras.backend
KERAS_3 = hasattr(keras, "ops")
SLOPE = 0.3


def conv(kernel_size: int, filters: int, stride: int, batchnorm: bool, lrelu: bool, padding: str = "same") -> Any:
    """Return a convolution, optionally followed by batch norm and LeakyReLU."""
    block = [
        keras.layers.Conv2D(filters, kernel_size, stride, padding, use_bias=False, kernel_initializer=_weights()),
        *([keras.layers.BatchNormalization()] if batchnorm else []),
        *([_leaky()] if lrelu else []),
    ]
    return keras.Sequential(block) if batchnorm or lrelu else block[0]


def deconv(
    kernel_size: int,
    filters: int,
    stride: int,
    batchnorm: bool,
    relu: bool,
    dropout: float | None,
    activation: Any = None,
) -> Any:
    """Return a transposed convolution, optionally followed by batch norm, dropout and ReLU.

    ``activation`` is that of the convolution itself, before these layers.
    """
    block = [
        keras.layers.Conv2DTranspose(
            filters, kernel_size, stride, "same", use_bias=False, kernel_initializer=_weights(), activation=activation
        ),
        *([keras.layers.BatchNormalization()] if batchnorm else []),
        *([keras.layers.Dropout(dropout)] if dropout is not None else []),
        *([keras.layers.ReLU()] if relu else []),
    ]
    return keras.Sequential(block) if len(block) > 1 else block[0]


def _weights() -> Any:
    """Return a new initialiser; a shared one would repeat its numbers."""
    return keras.initializers.RandomNormal(0.0, 0.02)


def _leaky() -> Any:
    return keras.layers.LeakyReLU(SLOPE)  # positional, because Keras 2 and 3 have different names for the parameter


def lrelu() -> Any:
    """Return LeakyReLU."""
    return _leaky()


def sigmoid() -> Any:
    """Return a sigmoid layer."""
    return keras.layers.Activation("sigmoid")


def batchnorm() -> Any:
    """Return batch normalisation."""
    return keras.layers.BatchNormalization()


def dropout(rate: float) -> Any:
    """Return dropout of this rate; the original function passes itself as the rate and fails."""
    return keras.layers.Dropout(rate)


def relu(max_value: float | None = None) -> Any:
    """Return ReLU, limited to ``max_value``."""
    return keras.layers.ReLU(max_value=max_value)


def prelu(alpha_initializer: float = 0.25) -> Any:
    """Return PReLU with this initial slope for all channels."""
    return PReLU(keras.initializers.Constant(alpha_initializer))


def pixelshuffler(scale_factor: int, correct: bool = False) -> Any:
    """Return a pixel shuffle; unless ``correct``, it puts pixels in the wrong places as the original layer does."""
    return PixelShuffler(scale_factor, correct=correct)


def multiply_lambda(units: int, learnt: bool = False) -> Any:
    """Return a layer that multiplies each of ``units`` channels by one factor, a random one unless ``learnt``."""
    return Factor(units, learnt=learnt)


def multiply_layer(units: int) -> Any:
    """Return a layer that multiplies the two tensors of a list; ``units`` has no effect."""
    return keras.layers.Lambda(_product)


def _product(pair: Any) -> Any:
    return pair[0] * pair[1]


@keras.utils.register_keras_serializable("pix2earth.models")
class PReLU(keras.layers.Layer):
    """ReLU with one learnt slope ``alpha`` below zero for each channel."""

    def __init__(self, alpha_initializer: Any, **kwargs: Any) -> None:
        """Store the initialiser of the slopes, in any form that ``tf.keras.initializers.get`` accepts."""
        super().__init__(**kwargs)
        self.alpha_initializer = keras.initializers.get(alpha_initializer)

    def build(self, input_shape: Any) -> None:
        """Create the slopes."""
        self.alpha = self.add_weight(name="alpha", shape=(input_shape[-1],), initializer=self.alpha_initializer)

    def call(self, x: Any) -> Any:
        """Return x where it is positive, otherwise alpha x."""
        return tf.nn.relu(x) + self.alpha * (x - tf.abs(x)) * 0.5

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the same shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "alpha_initializer": keras.initializers.serialize(self.alpha_initializer)}


@keras.utils.register_keras_serializable("pix2earth.models")
class PixelShuffler(keras.layers.Layer):
    """Pixel shuffle: ``(batch, h, w, r * r * c)`` to float32 ``(batch, h * r, w * r, c)``, with h and w defined."""

    def __init__(self, scale_factor: int, correct: bool = False, **kwargs: Any) -> None:
        """Store r, and whether pixels are put in their correct places."""
        super().__init__(**kwargs)
        self.scale_factor, self.correct = scale_factor, correct

    def call(self, x: Any) -> Any:
        """Return the upsampled tensor."""
        _, height, width, channels = x.shape
        ratio, x = self.scale_factor, tf.cast(x, tf.float32)
        inner = channels // ratio**2
        x = tf.reshape(x, (-1, height, width, ratio, ratio, inner))
        x = tf.transpose(x, (0, 1, 3, 2, 4, 5) if self.correct else (0, 1, 2, 5, 3, 4))
        return tf.reshape(x, (-1, height * ratio, width * ratio, inner))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the upsampled shape."""
        batch, height, width, channels = input_shape
        ratio = self.scale_factor
        return (batch, height * ratio, width * ratio, channels // ratio**2)


@keras.utils.register_keras_serializable("pix2earth.models")
class Factor(keras.layers.Layer):
    """Multiply each channel of ``(batch, height, width, units)`` by a factor that is learnt, or random at each call.

    Random factors are from Normal(0, 1). With Keras 3 they come from a seed generator that checkpoints include, so that
    a restored run continues exactly.
    """

    def __init__(self, units: int, learnt: bool = False, **kwargs: Any) -> None:
        """Store the number of channels, and whether their factors are weights."""
        super().__init__(**kwargs)
        self.units, self.learnt = units, learnt
        self.numbers = keras.random.SeedGenerator() if KERAS_3 and not learnt else None

    def build(self, input_shape: Any) -> None:
        """Create the weights of learnt factors."""
        if self.learnt:
            self.factor = self.add_weight(name="factor", shape=(self.units,), initializer="ones")

    def call(self, x: Any) -> Any:
        """Return x times the factors."""
        shape = (1, 1, 1, self.units)
        if self.learnt:
            factor = self.factor
        elif self.numbers is not None:
            factor = keras.random.normal(shape, seed=self.numbers)
        else:
            factor = tf.random.normal(shape)
        return x * tf.cast(factor, x.dtype)


def residual_block_srgan(kernel_size: int = 3, filters: int = 64, stride: int = 1) -> Any:
    """Return conv, batch norm, PReLU, conv, batch norm; the caller adds the input."""
    return keras.Sequential(
        [
            conv(kernel_size, filters, stride, batchnorm=True, lrelu=False),
            prelu(),
            conv(kernel_size, filters, stride, batchnorm=True, lrelu=False),
        ]
    )


def residual_block_dsen2(kernel_size: int = 3, filters: int = 64, stride: int = 1) -> Any:
    """Return conv, LeakyReLU, conv, batch norm, conv; the caller adds the input."""
    return keras.Sequential(
        [
            conv(kernel_size, filters, stride, batchnorm=False, lrelu=True),
            conv(kernel_size, filters, stride, batchnorm=True, lrelu=False),
            conv(kernel_size, filters, stride, batchnorm=False, lrelu=False),
        ]
    )


def dense_block(input_tensor: Any, layers: int = 5, kernel_size: int = 3, filters: int = 32, stride: int = 1) -> Any:
    """Return ``filters`` features; each convolution gets the input and the features of all earlier convolutions."""
    x, seen = input_tensor, [input_tensor]
    for _ in range(max(layers - 1, 1)):
        features = conv(kernel_size, filters, stride, batchnorm=False, lrelu=True)(x)
        x = _concat([features, *seen])
        seen.append(features)
    return conv(kernel_size, filters, stride, batchnorm=False, lrelu=False)(x)


def experimental_dense_block(
    input_tensor: Any, layers: int = 4, kernel_size: int = 3, filters: int = 32, stride: int = 2
) -> Any:
    """Return a dense block whose inner convolutions downsample by ``stride`` and upsample again."""
    downs: list[Any] = []
    x, ups = input_tensor, [input_tensor]
    for _ in range(layers - 1):
        down = conv(kernel_size, filters, stride, batchnorm=False, lrelu=True)(x)
        joined = _concat([down, *downs])
        downs.append(down)
        up = deconv(kernel_size, filters, stride, batchnorm=False, relu=True, dropout=0.5)(joined)
        x = _concat([up, *ups])
        ups.append(up)
    return conv(kernel_size, filters, 1, batchnorm=False, lrelu=False)(x)


def sis2_dense_multireceptive_field_dmnet(input_tensor: Any, kernel_sizes: List[int], filters: int) -> Any:  # noqa: UP006
    """Return parallel convolutions, each with ReLU, concatenated."""
    return _concat([_conv_relu(input_tensor, size, filters) for size in kernel_sizes])


def sis2_dense_multireceptive_field_srs3(input_tensor: Any, kernel_sizes: List[int], filters: int) -> Any:  # noqa: UP006
    """Return convolutions in sequence, each with ReLU, with all results concatenated."""
    views = [input_tensor]
    for size in kernel_sizes:
        views.append(_conv_relu(views[-1], size, filters))
    return _concat(views[1:])


def awrrdb_block(input_tensor: Any, tilesize: int, filters: int, learnt: bool = False) -> Any:
    """Return the residual block of tarsgan: three dense blocks, with a factor for every summand.

    ``tilesize`` has no effect; the original noise layer declares it as the size of its input, also without effect.
    """

    def weighed(x: Any) -> Any:
        return multiply_lambda(filters, learnt=learnt)(x)

    x = input_tensor
    for _ in range(3):
        features = dense_block(x, filters=filters)
        x = keras.layers.Add()([weighed(x), weighed(features), weighed(keras.layers.GaussianNoise(0.1)(features))])
    return keras.layers.Add()([weighed(input_tensor), weighed(x)])


def sis2_pix2pix(input_tensor: Any, pxshape: int, output_channels: int, kernel_size: int = 4) -> Any:
    """Return the U-Net of pix2pix for a tensor, with tanh; its depth depends on ``pxshape`` (at least 256, 128, 64)."""
    outer = [filters for size, filters in ((256, 64), (128, 128), (64, 256)) if pxshape >= size]
    x, skips = input_tensor, []
    for filters in [*outer, 512, 512, 512, 512, 512]:
        x = conv(kernel_size, filters, 2, batchnorm=filters != 64, lrelu=True)(x)
        skips.append(x)
    ups = [(512, 0.5)] * 3 + [(512, None)] + [(filters, None) for filters in reversed(outer)]
    for (filters, rate), skip in zip(ups, reversed(skips[:-1]), strict=True):
        x = deconv(kernel_size, filters, 2, batchnorm=True, relu=True, dropout=rate)(x)
        x = _concat([x, skip])
    return deconv(kernel_size, output_channels, 2, batchnorm=False, relu=False, dropout=None, activation="tanh")(x)


def _conv_relu(x: Any, kernel_size: int, filters: int) -> Any:
    return relu()(conv(kernel_size, filters, 1, batchnorm=False, lrelu=False)(x))


def _concat(tensors: list[Any]) -> Any:
    return keras.layers.Concatenate()(tensors) if len(tensors) > 1 else tensors[0]
