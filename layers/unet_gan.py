"""The base of pix2pix, aris-a, aris-b and aris-c: a generator with a U-Net and a PatchGAN discriminator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from layers.conditional_gan import ConditionalGAN
from layers.params import known_params
from layers.patchgan import patchgan
from layers.sizes import unet_size

if TYPE_CHECKING:
    from experiment import Experiment


class UNetGAN(ConditionalGAN):
    """A conditional GAN with a U-Net for images whose sides are multiples of 32; ``unet_size`` selects its depth."""

    def __init__(self, experiment: Experiment) -> None:
        """Select the depth of the U-Net, then build networks and optimisers.

        Raises:
            ValueError: a height or width that no U-Net fits; unknown `params`.
        """
        params = known_params(experiment, {"as_published": False})
        self.unet_size = unet_size(experiment, as_published=params["as_published"])
        super().__init__(experiment)

    def Discriminator(self) -> keras.Model:
        """Return the PatchGAN; its output is logits."""
        return patchgan(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS)
