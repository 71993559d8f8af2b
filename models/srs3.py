"""SRS3 (Fernandez et al. 2021, doi:10.1109/JSTARS.2021.3097410) as ARISGAN has it: attention on features.

    image -> multireceptive -> m -> half size -> 1 x 1 -> 1 x 1 -> softmax -> full size = a;  m a + m -> 5 x 5 -> output

In the published network a transposed convolution of stride 2 and kernel 1 brings the attention back to full size,
which leaves three of four pixels without any. Ours enlarges by nearest neighbour and convolves 1 x 1, with the same
parameters. `params: {"as_published": true}` has the published one. The paper's attention pools over the whole image,
ends in a sigmoid, and has no GAN.
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
    """SRS3 against a PatchGAN, for images whose sides are even."""

    def __init__(self, experiment: Experiment) -> None:
        """Check the size, then build networks and optimisers.

        Raises:
            ValueError: a height or width that is odd or less than 24; unknown `params`.
        """
        self.as_published = known_params(experiment, {"as_published": False})["as_published"]
        require_multiple(experiment, 2)
        require_patches(experiment)
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of the drawing above; its output is linear."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        features = multireceptive(image)
        weighed = layers.Multiply()([features, self._attention(features)])
        x = layers.Add()([weighed, features])
        x = layers.ReLU()(conv(1, 32, 1, batchnorm=False, lrelu=False)(x))
        return keras.Model(image, image_output(x, exp.OUTPUT_CHANNELS, kernel_size=5), name="generator")

    def _attention(self, features: Any) -> Any:
        """Return the weight of every feature at every pixel."""
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
