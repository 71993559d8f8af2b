"""PSGAN (Liu et al. 2021, doi:10.1109/TGRS.2020.3042974) as in ARISGAN: an encoder-decoder with two skip connections.

The generator of the original ARISGAN code ends in ReLU. For images with values near zero its gradient vanishes (its
published results are those of a prediction of zeros), and it cannot predict the negative values of images in -1..1.
This one ends in a linear convolution with the same parameters; `params: {"as_published": true}` adds the ReLU again.
Difference from the paper: all bands are one input, instead of one input of the panchromatic band and one of the others.

params: `dropouts` (false): dropout of rate 0.5 in the decoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from layers.conditional_gan import ConditionalGAN
from layers.convolution import LEAKY_SLOPE, conv, deconv, image_output
from layers.params import known_params
from layers.sizes import require_multiple
from layers.strided_discriminator import strided_discriminator

if TYPE_CHECKING:
    from experiment import Experiment

STAGES = [(32, 2), (64, 2), (128, 2), (256, 1)]


class GAN(ConditionalGAN):
    """PSGAN for images whose sides are multiples of 4."""

    from_logits = False

    def __init__(self, experiment: Experiment) -> None:
        """Check the image size, then build networks and optimisers.

        Raises:
            ValueError: a height or width that is no multiple of 4; unknown `params`.
        """
        self.params = known_params(experiment, {"dropouts": False, "as_published": False})
        require_multiple(experiment, 4)
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the encoder-decoder; its output is linear, or as published not negative."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        x = layers.BatchNormalization()(image)
        # The skip connections start before the activations.
        full = _conv(_leaky(_conv(x, 32)), 32)
        x = conv(2, 64, 2, batchnorm=False, lrelu=True)(_leaky(full))
        half = _conv(_leaky(_conv(x, 128)), 128)
        x = _leaky(_conv(_leaky(half), 256, stride=2))
        x = _leaky(_conv(x, 256, kernel_size=1))
        x = _leaky(_conv(x, 256))
        x = _leaky(_conv(_leaky(self._joined(x, half)), 128))
        x = _leaky(_conv(_leaky(self._joined(x, full)), 64))
        x = image_output(x, exp.OUTPUT_CHANNELS, kernel_size=3)
        return keras.Model(image, layers.ReLU()(x) if self.params["as_published"] else x, name="generator")

    def _joined(self, x: Any, skip: Any) -> Any:
        """Return 128 features, upsampled by 2 and joined with those of the encoder."""
        dropout = 0.5 if self.params["dropouts"] else None
        x = deconv(2, 128, 2, batchnorm=False, relu=False, dropout=dropout)(x)
        return layers.Concatenate()([x, skip])

    def Discriminator(self) -> keras.Model:
        """Return the convolutional discriminator; its output is one probability for every 8 x 8 pixels."""
        exp = self.exp
        return strided_discriminator(exp.INPUT_CHANNELS, exp.OUTPUT_CHANNELS, STAGES, _probability, batchnorm=False)


def _conv(x: Any, filters: int, kernel_size: int = 3, stride: int = 1) -> Any:
    return conv(kernel_size, filters, stride, batchnorm=False, lrelu=False)(x)


def _leaky(x: Any) -> Any:
    return layers.LeakyReLU(negative_slope=LEAKY_SLOPE)(x)


def _probability(x: Any) -> Any:
    x = conv(3, 1, 1, batchnorm=False, lrelu=False)(x)
    return layers.Activation("sigmoid", dtype="float32", name="probability")(x)
