"""pix2pix (Isola et al. 2017): a U-Net generator against a PatchGAN discriminator.

As ARISGAN published it. It differs from the paper in the slope of LeakyReLU (0.3, not 0.2), in the batch norm of the
one-pixel bottleneck, and in having dropout as its only noise. Nothing of it differs from the published one, except
that the U-Net also takes sizes such as 96, with fewer halvings; with `params: {"as_published": true}` the tile size
alone decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from layers.conditional_gan import ConditionalGAN
from layers.params import known_params
from layers.patchgan import patchgan
from layers.sizes import unet_size
from layers.unet import unet

if TYPE_CHECKING:
    from experiment import Experiment


class GAN(ConditionalGAN):
    """pix2pix for images whose sides are multiples of 32."""

    def __init__(self, experiment: Experiment) -> None:
        """Check the size, then build networks and optimisers.

        Raises:
            ValueError: a height or width that no U-Net can halve; unknown `params`.

        """
        params = known_params(experiment, {"as_published": False})
        self.unet_size = unet_size(experiment, as_published=params["as_published"])
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the U-Net; its output is in -1..1."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        return keras.Model(image, unet(image, self.unet_size, exp.OUTPUT_CHANNELS), name="generator")

    def Discriminator(self) -> keras.Model:
        """Return the PatchGAN; its output is logits."""
        return patchgan(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS)
