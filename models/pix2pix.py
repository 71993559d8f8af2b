"""pix2pix (Isola et al. 2017): a U-Net generator against a PatchGAN discriminator.

As ARISGAN published it. It differs from the paper in the slope of LeakyReLU (0.3, not 0.2), in the batch norm
of the one-pixel bottleneck, and in having dropout as its only noise. Takes no `params`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from layers.conditional_gan import ConditionalGAN
from layers.params import known_params
from layers.patchgan import patchgan
from layers.unet import unet, unet_multiple

if TYPE_CHECKING:
    from experiment import Experiment


class GAN(ConditionalGAN):
    """pix2pix for tiles whose sides the U-Net can halve down to whole pixels."""

    def __init__(self, experiment: Experiment) -> None:
        """Check the size, then build networks and optimisers.

        Raises:
            ValueError: a height or width that the U-Net of this tile size cannot halve; any `params`.

        """
        known_params(experiment, {})
        height, width = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
        multiple = unet_multiple(experiment.TILESIZE)
        if height % multiple or width % multiple:
            raise ValueError(
                f"pix2pix with tilesize {experiment.TILESIZE} needs img_height and img_width to be multiples "
                f"of {multiple}, not {height} and {width}"
            )
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the U-Net; its output is in -1..1."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        return keras.Model(image, unet(image, exp.TILESIZE, exp.OUTPUT_CHANNELS), name="generator")

    def Discriminator(self) -> keras.Model:
        """Return the PatchGAN; its output is logits."""
        return patchgan(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS)
