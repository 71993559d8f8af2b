"""CycleGAN without pairs (Zhu et al. 2017, arXiv:1703.10593) with the networks of the RSGAN study's CycleGAN.

Input and target of a step are drawn independently. Each discriminator judges single images of its own domain. As Zhu
et al. do it, the generators learn first, and the discriminators then get the images of that pass, half of them
exchanged for images of earlier steps; unlike theirs, the cycle is compared by smooth L1. For least squares:
`"gen_loss": {"gen_gan": null, "gen_lsgan": 1, "gen_cycle": 10}, "disc_loss": {"disc_bce": null, "disc_lsgan": 1}`.

params: `filters` ([64, 128, 256, 512, 512, 512, 512, 512]), `depth`, `last_filters`, `dropout` and
`discriminator_filters` as of `cgan`; `pool` (50): number of generated images of earlier steps that are kept for each
discriminator.

It has losses of its own: `gen_cycle` (10), from each image to the one that both generators bring back; `gen_identity`
(none; Zhu et al.: half the weight of `gen_cycle`), from an image of the target's domain to what its generator makes of
it, which needs as many bands in the input as in the target. A loss that compares with the target is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from layers.cycle_gan import DISCRIMINATORS, GENERATORS, CycleGAN, Losses
from layers.paired_unet import single_patchgan
from losses import compares_with_target

if TYPE_CHECKING:
    from experiment import Experiment


class GAN(CycleGAN):
    """Generators in both directions, and a discriminator of the images of each domain."""

    sampling = "pools"
    gen_losses = {"gen_cycle": 10.0, "gen_identity": None}
    pool_size = 50

    def __init__(self, experiment: Experiment) -> None:
        """Check the losses, then build four networks, their optimisers and the pools.

        Raises:
            ValueError: a loss that compares with the target; see `CycleGAN`.
        """
        weights = experiment.GEN_LOSS.items()
        if compared := [name for name, weight in weights if weight is not None and compares_with_target(name)]:
            raise ValueError(
                f"gen_loss: {', '.join(compared)} would compare images of different places: without pairs there is no"
                ' target; state "gen_loss" without, such as {"gen_gan": 1, "gen_cycle": 10}'
            )
        super().__init__(experiment)

    def Discriminator(self, source: int, target: int) -> keras.Model:
        """Return the discriminator of images of ``target`` bands."""
        return single_patchgan(target, self.params["discriminator_filters"])

    def seen(self, given: Any, image: Any) -> list[Any]:
        """Return the image alone."""
        return [image]

    @tf.function
    def train_step(self, input_image: tf.Tensor, target: tf.Tensor, **fields: tf.Tensor) -> Losses:
        """Update the generators, then the discriminators, and return the losses of both directions together.

        Args:
            input_image: float32, ``(batch, height, width, input band)``.
            target: float32, ``(batch, height, width, output band)``, of other places.
            **fields: all other fields by name; ``validity`` is that of the target.
        """
        with tf.GradientTape() as tape:
            total, generator_terms, generated = self.generator_terms(input_image, target, fields)
            scaled = self.generator_optimizer.scale_loss(total)
        self.update(GENERATORS, tape, scaled)
        with tf.GradientTape() as tape:
            judged, terms = self.discriminator_terms(input_image, target, fields, generated)
            scaled = self.discriminator_optimizer.scale_loss(judged)
        self.update(DISCRIMINATORS, tape, scaled)
        return {"total_gen_loss": total, **generator_terms, "total_disc_loss": judged, **terms}

    def panels(self, prediction: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the prediction brought back to the input's domain."""
        return {"Input brought back": self.backward(prediction, training=False)}

    def published_names(self) -> dict[str, dict[str, keras.Variable]]:
        """Return the weights of the generators by their published names; published discriminators judge pairs."""
        return {name: names for name, names in super().published_names().items() if name in GENERATORS}
