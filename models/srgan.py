"""SRGAN (Ledig et al. 2017) as in ARISGAN: residual blocks at a quarter of the size, then two pixel shuffles.

    image -> two strided 9 x 9 -> b -> 5 residual blocks -> + b -> 2 x (conv, pixel shuffle, PReLU) -> 9 x 9 -> output

The two strided convolutions are needed because the input has the grid of the target. Differences from the paper: 5
blocks instead of 16, no VGG loss, and a discriminator that returns ten probabilities for every 32 x 32 pixels.

The pixel shuffle of the original ARISGAN code puts pixels in the wrong places; this one is correct and has the same
parameters. `params: {"as_published": true}` selects the original one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from layers.conditional_gan import ConditionalGAN
from layers.convolution import conv, image_output
from layers.params import known_params
from layers.pixel_shuffle import PixelShuffle, ScatteringShuffle
from layers.residual import prelu, srgan_block
from layers.sizes import require_multiple
from layers.strided_discriminator import strided_discriminator, ten_probabilities

if TYPE_CHECKING:
    from experiment import Experiment

STAGES = [(64, 1), (64, 2), (64, 2), (128, 1), (128, 2), (256, 1), (256, 2), (512, 1), (512, 2)]


class GAN(ConditionalGAN):
    """SRGAN for images whose sides are multiples of 4."""

    from_logits = False

    def __init__(self, experiment: Experiment) -> None:
        """Check the image size, then build networks and optimisers.

        Raises:
            ValueError: a height or width that is no multiple of 4; unknown `params`.
        """
        self.as_published = known_params(experiment, {"as_published": False})["as_published"]
        require_multiple(experiment, 4)
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of the diagram above; its output is linear."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        x = conv(9, 64, 2, batchnorm=True, lrelu=True)(image)
        x = start = prelu()(conv(9, 64, 2, batchnorm=False, lrelu=False)(x))
        for _ in range(5):
            x = srgan_block(x)
        x = conv(3, 64, 1, batchnorm=True, lrelu=False)(x)
        x = layers.Add()([x, start])
        for _ in range(2):
            x = self._upsampled(x)
        return keras.Model(image, image_output(x, exp.OUTPUT_CHANNELS, kernel_size=9), name="generator")

    def _upsampled(self, x: Any) -> Any:
        """Return 64 features, upsampled by 2."""
        x = conv(3, 256, 1, batchnorm=False, lrelu=False)(x)
        return prelu()((ScatteringShuffle if self.as_published else PixelShuffle)(2)(x))

    def Discriminator(self) -> keras.Model:
        """Return the convolutional discriminator; its output is ten probabilities for every 32 x 32 pixels."""
        return strided_discriminator(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS, STAGES, ten_probabilities)
