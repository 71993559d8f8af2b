"""pix2pix (Isola et al. 2017): a U-Net generator with a PatchGAN discriminator, as in ARISGAN.

Differences from the paper: LeakyReLU has slope 0.3, not 0.2; the bottleneck of one pixel has batch norm; dropout is the
only noise. The only difference from ARISGAN is that the U-Net also takes sizes such as 96, with fewer downsamplings;
with `params: {"as_published": true}` the tile size alone decides.
"""

from __future__ import annotations

import keras

from layers.unet import unet
from layers.unet_gan import UNetGAN


class GAN(UNetGAN):
    """pix2pix for images whose sides are multiples of 32."""

    def Generator(self) -> keras.Model:
        """Return the U-Net; its output is in -1..1."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        return keras.Model(image, unet(image, self.unet_size, exp.OUTPUT_CHANNELS), name="generator")
