"""DSen2-WGAN (Latif, Ghuffar and Ahmad 2022; DSen2: Lanaras et al. 2018) as in ARISGAN.

    image -> 3 x 3 -> residual blocks -> 3 x 3 -> + image -> 3 x 3 -> output

The networks are those of ARISGAN; `params: {"as_published": true}` changes nothing. Differences from the papers: the
blocks have batch norm, their residuals are not scaled, and the discriminator is no Wasserstein critic, but returns ten
probabilities for every 32 x 32 pixels.

params: `layers` (12): number of residual blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from layers.conditional_gan import ConditionalGAN
from layers.convolution import conv, image_output
from layers.params import known_params
from layers.residual import dsen2_block
from layers.strided_discriminator import pairs, strided_discriminator, ten_probabilities

if TYPE_CHECKING:
    from experiment import Experiment


class GAN(ConditionalGAN):
    """DSen2-WGAN for images of any size."""

    from_logits = False

    def __init__(self, experiment: Experiment) -> None:
        """Build networks and optimisers.

        Raises:
            ValueError: unknown `params`.
        """
        self.params = known_params(experiment, {"layers": 12, "as_published": False})
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of the diagram above; its output is linear."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        x = conv(3, 64, 1, batchnorm=False, lrelu=True)(image)
        for _ in range(self.params["layers"]):
            x = dsen2_block(x)
        x = conv(3, exp.INPUT_CHANNELS, 1, batchnorm=False, lrelu=True)(x)
        x = layers.Add()([x, image])
        return keras.Model(image, image_output(x, exp.OUTPUT_CHANNELS, kernel_size=3), name="generator")

    def Discriminator(self) -> keras.Model:
        """Return the convolutional discriminator; its output is ten probabilities for every 32 x 32 pixels."""
        stages = pairs(64, 128, 256, 512, 1024)
        return strided_discriminator(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS, stages, ten_probabilities)
