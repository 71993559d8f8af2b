"""ARISGAN-a: multireceptive field, U-Net on its features, then a dense block.

    image -> multireceptive -> m -> U-Net -> [U-Net | m] -> dense block -> 1 x 1 -> output

The published system is the one of Au, Tsamados, Manescu and Takao 2024, doi:10.3389/frsen.2024.1417417. Nothing of
this network differs from it, except that the U-Net also takes sizes such as 96, with fewer halvings; with `params:
{"as_published": true}` the tile size alone decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
from keras import layers

from layers.conditional_gan import ConditionalGAN
from layers.convolution import image_output
from layers.dense_block import dense_block
from layers.multireceptive import multireceptive
from layers.params import known_params
from layers.patchgan import patchgan
from layers.sizes import unet_size
from layers.unet import unet

if TYPE_CHECKING:
    from experiment import Experiment


UNET_CHANNELS = 64


class GAN(ConditionalGAN):
    """ARISGAN-a against a PatchGAN."""

    def __init__(self, experiment: Experiment) -> None:
        """Check the size, then build networks and optimisers.

        Raises:
            ValueError: a height or width that no U-Net can halve; unknown `params`.

        """
        params = known_params(experiment, {"as_published": False})
        self.unet_size = unet_size(experiment, as_published=params["as_published"])
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of the drawing above; its output is linear."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        features = multireceptive(image)
        x = layers.Concatenate()([unet(features, self.unet_size, UNET_CHANNELS), features])
        x = dense_block(x)
        return keras.Model(image, image_output(x, exp.OUTPUT_CHANNELS, kernel_size=1), name="generator")

    def Discriminator(self) -> keras.Model:
        """Return the PatchGAN; its output is logits."""
        return patchgan(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS)
