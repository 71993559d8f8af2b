"""SRS3 (Fernandez et al. 2021, doi:10.1109/JSTARS.2021.3097410) as in ARISGAN: features weighted by attention.

    image -> multireceptive -> m -> half size -> 1 x 1 -> 1 x 1 -> softmax -> full size = a;  m a + m -> 5 x 5 -> output

In the original ARISGAN code a transposed convolution of stride 2 and kernel 1 upsamples the attention, so that it is 0
at three of four pixels. This network upsamples by nearest neighbour and applies a 1 x 1 convolution with the same
parameters; `params: {"as_published": true}` selects the original one. Differences from the paper: there, attention
pools over the whole image and ends in a sigmoid, and there is no discriminator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from layers.conditional_gan import ConditionalGAN
from layers.convolution import conv, deconv, image_output
from layers.multireceptive import multireceptive
from layers.params import known_params
from layers.patchgan import patchgan
from layers.sizes import require_multiple, require_patches

if TYPE_CHECKING:
    from experiment import Experiment


class GAN(ConditionalGAN):
    """SRS3 with a PatchGAN discriminator, for images with an even height and width."""

    def __init__(self, experiment: Experiment) -> None:
        """Check the image size, then build networks and optimisers.

        Raises:
            ValueError: a height or width that is odd or less than 24; unknown `params`.
        """
        self.as_published = known_params(experiment, {"as_published": False})["as_published"]
        require_multiple(experiment, 2)
        require_patches(experiment)
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of the diagram above; its output is linear."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        features = multireceptive(image)
        weighted = layers.Multiply()([features, self._attention(features)])
        x = layers.Add()([weighted, features])
        x = layers.ReLU()(conv(1, 32, 1, batchnorm=False, lrelu=False)(x))
        return keras.Model(image, image_output(x, exp.OUTPUT_CHANNELS, kernel_size=5), name="generator")

    def _attention(self, features: Any) -> Any:
        """Return the attention: one weight for every feature and pixel."""
        channels = features.shape[-1]
        x = layers.AveragePooling2D(2)(features)
        x = layers.ReLU()(conv(1, 16, 1, batchnorm=False, lrelu=False)(x))
        x = layers.Softmax()(conv(1, channels, 1, batchnorm=False, lrelu=False)(x))
        if self.as_published:
            return deconv(1, channels, 2, batchnorm=False, relu=False, dropout=None)(x)
        return conv(1, channels, 1, batchnorm=False, lrelu=False)(layers.UpSampling2D(2)(x))

    def Discriminator(self) -> keras.Model:
        """Return the PatchGAN; its output is logits."""
        return patchgan(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS)
