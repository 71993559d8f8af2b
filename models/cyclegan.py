"""The supervised CycleGAN of the RSGAN study (2020), published for SAR to optical: pairs, both directions at once.

Discriminators see the other domain's image too. Smooth L1 to the target and around the cycle, each with weight 100; the
discriminators learn first, then the generators against them. For domains without pairs: `cyclegan_unpaired`.

params: `filters` ([64, 128, 256, 512, 512, 512, 512, 512]), `depth`, `last_filters`, `dropout` and
`discriminator_filters` as of `cgan`; `pool` (0, as published): number of generated images of earlier steps that each
discriminator may get. `gen_identity` in `gen_loss` (none, as published) needs as many bands in the input as in the
target.
"""

from __future__ import annotations

from layers.cycle_gan import CycleGAN


class GAN(CycleGAN):
    """Generators in both directions, and a discriminator of the pairs of each."""

    gen_losses = {"gen_cycle": 100.0, "gen_smooth_l1": 100.0, "gen_identity": None}
