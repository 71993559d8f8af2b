"""A multi-scale and dilated convolution network for pansharpening ("DMNet" in ARISGAN, which does not name its paper).

    image -> two 3 x 3 -> s1 -> 3 x 3, 5 x 5, 7 x 7 in parallel -> 3 x 3 -> s2 -> [s1 | .] -> 3 x 3
          -> dilation 1, 2, 3 in parallel -> 3 x 3 -> [s1 | s2 | .] -> 3 x 3 -> 1 x 1 -> output

The networks are the published ones; `params: {"as_published": true}` changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from layers.conditional_gan import ConditionalGAN
from layers.convolution import conv, image_output
from layers.multireceptive import multireceptive
from layers.params import known_params
from layers.patchgan import patchgan
from layers.sizes import require_patches

if TYPE_CHECKING:
    from experiment import Experiment

FILTERS = 64


class GAN(ConditionalGAN):
    """The multi-scale dilated network with a PatchGAN discriminator, for images of at least 24 pixels a side."""

    def __init__(self, experiment: Experiment) -> None:
        """Check the image size, then build networks and optimisers.

        Raises:
            ValueError: a height or width of less than 24 pixels; unknown `params`.
        """
        known_params(experiment, {"as_published": False})
        require_patches(experiment)
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of the diagram above; its output is linear."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        # The skip connections s1 and s2 start before the activations.
        first = _conv(_relu(_conv(image)))
        second = _conv(multireceptive(_relu(first), kernel_sizes=(3, 5, 7), filters=FILTERS))
        x = _relu(_conv(_relu(layers.Concatenate()([first, _relu(second)]))))
        x = layers.Concatenate()([_dilated(x, dilation) for dilation in (1, 2, 3)])
        x = _relu(_conv(_relu(x)))
        x = _relu(_conv(_relu(layers.Concatenate()([first, second, x]))))
        return keras.Model(image, image_output(x, exp.OUTPUT_CHANNELS, kernel_size=1), name="generator")

    def Discriminator(self) -> keras.Model:
        """Return the PatchGAN; its output is logits."""
        return patchgan(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS)


def _relu(x: Any) -> Any:
    return layers.ReLU()(x)


def _conv(x: Any) -> Any:
    return conv(3, FILTERS, 1, batchnorm=False, lrelu=False)(x)


def _dilated(x: Any, dilation: int) -> Any:
    return layers.Conv2D(FILTERS, 3, padding="same", dilation_rate=dilation)(x)
