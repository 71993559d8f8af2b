"""ARISGAN-a: a multireceptive field, a U-Net on its features, then a dense block.

    image -> multireceptive -> m -> U-Net -> [U-Net | m] -> dense block -> 1 x 1 -> output

Source: Au, Tsamados, Manescu and Takao 2024, doi:10.3389/frsen.2024.1417417. The network is the published one, except
that the U-Net also takes sizes such as 96, with fewer downsamplings; with `params: {"as_published": true}` the tile
size alone decides.
"""

from __future__ import annotations

import keras
from keras import layers

from layers.convolution import image_output
from layers.dense_block import dense_block
from layers.multireceptive import multireceptive
from layers.unet import unet
from layers.unet_gan import UNetGAN

UNET_CHANNELS = 64


class GAN(UNetGAN):
    """ARISGAN-a with a PatchGAN discriminator."""

    def Generator(self) -> keras.Model:
        """Return the network of the diagram above; its output is linear."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        features = multireceptive(image)
        x = layers.Concatenate()([unet(features, self.unet_size, UNET_CHANNELS), features])
        x = dense_block(x)
        return keras.Model(image, image_output(x, exp.OUTPUT_CHANNELS, kernel_size=1), name="generator")
