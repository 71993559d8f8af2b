"""The conditional GAN for cloud removal of the RSGAN study (2020; after Grohnfeldt, Schmitt and Zhu 2018).

A U-Net without tanh, whose depth follows from the tile size, and a PatchGAN; smooth L1 with weight 100.

params: `filters` of the encoder ([64, 128, 256, 512, 1024, 1024, 1024, 1024]); `depth`, the number of them that are
used (null: as many as fit the tile); `last_filters` of the decoder (null: the first of `filters`); `dropout` (0.4) of
the innermost three levels of the decoder; `discriminator_filters` ([64, 128, 256, 512]); `as_published` (false): one
network a step, generator, discriminator, discriminator, and the generator's loss also moves the discriminator, towards
taking generated images for real. That is for one device.
"""

from __future__ import annotations

from layers.paired_gan import PairedGAN


class GAN(PairedGAN):
    """The published conditional GAN; both networks learn in every step."""
