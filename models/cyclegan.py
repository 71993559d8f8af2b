"""The supervised CycleGAN of the RSGAN study (2020), published for SAR to optical: pairs, both directions at once.

Discriminators see the other domain's image too. Smooth L1 to the target and around the cycle, each with weight 100; the
discriminators learn first, then the generators against them. For domains without pairs see
docs/plug-ins/unpaired_cyclegan.py.

params: `filters` ([64, 128, 256, 512, 512, 512, 512, 512]), `depth`, `last_filters`, `dropout` and
`discriminator_filters` as of `cgan`; `pool` (0, as published): number of generated images of earlier steps that each
discriminator may get. `gen_identity` in `gen_loss` (none, as published) needs as many bands in the input as in the
target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from layers.image_pool import ImagePool
from layers.optimizers import adam
from layers.padded_block import published_variables
from layers.paired_gan import checked_params, paired_unet
from layers.paired_unet import paired_patchgan
from losses import discriminator_loss, generator_loss
from losses.pixel import smooth_l1

if TYPE_CHECKING:
    from experiment import Experiment

FILTERS = [64, 128, 256, 512, 512, 512, 512, 512]
GENERATORS = ("generator", "backward")
DISCRIMINATORS = ("discriminator", "backward_discriminator")
PUBLISHED = dict(
    zip(
        (*GENERATORS, *DISCRIMINATORS),
        ("generator_AB", "generator_BA", "discriminator_B", "discriminator_A"),
        strict=True,
    )
)
"""Networks by the names that their published weights begin with; domain A is the input, B the target."""

Losses = dict[str, tf.Tensor]


class GAN:
    """Generators in both directions, and a discriminator of the pairs of each."""

    generator_optimizer: keras.optimizers.Optimizer
    discriminator_optimizer: keras.optimizers.Optimizer
    gen_losses = {"gen_cycle": 100.0, "gen_smooth_l1": 100.0, "gen_identity": None}

    def __init__(self, experiment: Experiment) -> None:
        """Build four networks, their optimisers and the pools.

        Raises:
            ValueError: see `checked_params`; `gen_identity` with unequal numbers of bands.
        """
        self.exp = experiment
        self.params = params = checked_params(experiment, FILTERS, pool=0)
        size, bands = (
            (experiment.IMG_HEIGHT, experiment.IMG_WIDTH),
            (experiment.INPUT_CHANNELS, experiment.OUTPUT_CHANNELS),
        )
        if experiment.GEN_LOSS["gen_identity"] is not None and bands[0] != bands[1]:
            raise ValueError(
                f"gen_identity needs as many bands in the input as in the target, not {bands[0]} and {bands[1]};"
                " leave it out"
            )
        for name, (source, target) in zip(GENERATORS, (bands, bands[::-1]), strict=True):
            setattr(self, name, paired_unet(keras.Input((*size, source)), params, target, name))
            self._optimizer(name, 2e-4)
        for name, (source, target) in zip(DISCRIMINATORS, (bands, bands[::-1]), strict=True):
            setattr(self, name, paired_patchgan(source, target, params["discriminator_filters"]))
            self._optimizer(name, 2e-5)
        shape = (*size, sum(bands))
        self.pools = (
            [ImagePool(params["pool"], shape, seed=experiment.SEED + each) for each in (0, 1)] if params["pool"] else []
        )

    def _optimizer(self, name: str, rate: float) -> None:
        """Build the optimiser of a network."""
        optimizer = adam(self.exp, name, learning_rate=rate)
        optimizer.build(getattr(self, name).trainable_variables)
        setattr(self, f"{name}_optimizer", optimizer)

    @tf.function
    def train_step(self, input_image: tf.Tensor, target: tf.Tensor, **fields: tf.Tensor) -> Losses:
        """Update the discriminators, then the generators, and return the losses of both directions together."""
        with tf.GradientTape(persistent=True) as tape:
            judged, terms = self.discriminator_terms(input_image, target)
            scaled = self.discriminator_optimizer.scale_loss(judged)
        self.update(DISCRIMINATORS, tape, scaled)
        with tf.GradientTape(persistent=True) as tape:
            total, generator_terms = self.generator_terms(input_image, target, fields)
            scaled = self.generator_optimizer.scale_loss(total)
        self.update(GENERATORS, tape, scaled)
        return {"total_gen_loss": total, **generator_terms, "total_disc_loss": judged, **terms}

    def discriminator_terms(self, source: tf.Tensor, target: tf.Tensor) -> tuple[tf.Tensor, Losses]:
        """Return the sum of both discriminators' losses, weighted, and the terms; the backward one comes first."""
        judged = []
        for number in (1, 0):
            given, wanted = (source, target) if number == 0 else (target, source)
            network = getattr(self, DISCRIMINATORS[number])
            generated = tf.stop_gradient(getattr(self, GENERATORS[number])(given, training=True))
            real = network([given, wanted], training=True)
            fake = network(self._pooled(number, given, generated), training=True)
            judged.append(discriminator_loss(real, fake, self.exp.DISC_LOSS, None, self.exp.LABEL_SMOOTHING))
        return added(judged)

    def _pooled(self, number: int, given: tf.Tensor, generated: tf.Tensor) -> Sequence[tf.Tensor]:
        """Return pairs [given, generated], some of earlier steps where there is a pool."""
        if not self.pools:
            return [given, generated]
        # The image that it was generated from stays with it, as the discriminator sees both.
        pair = self.pools[number](tf.concat([tf.cast(given, "float32"), tf.cast(generated, "float32")], axis=-1))
        return tf.split(pair, [given.shape[-1], generated.shape[-1]], axis=-1)

    def generator_terms(
        self, source: tf.Tensor, target: tf.Tensor, fields: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, Losses]:
        """Return the sum of both generators' losses, weighted, and the terms.

        Args:
            source: images of the input's domain.
            target: images of the target's domain.
            fields: other fields of the batch; ``validity`` masks losses of the target's domain.
        """
        validity = fields.get("validity")
        backward_fields = {name: value for name, value in fields.items() if name != "validity"}
        forward = self._direction(0, source, target, fields, None, validity)
        return added([forward, self._direction(1, target, source, backward_fields, validity, None)])

    def _direction(self, number, given, wanted, fields, given_validity, wanted_validity) -> tuple[tf.Tensor, Losses]:
        """Return the loss of one generator and its terms."""
        network, other = (getattr(self, GENERATORS[each]) for each in (number, 1 - number))
        generated = network(given, training=True)
        exp = self.exp
        weights = {name: exp.GEN_LOSS[name] for name in exp.GEN_LOSS if exp.GEN_LOSS[name] is not None}
        terms = {}
        if "gen_cycle" in weights:
            terms["gen_cycle"] = smooth_l1(other(generated, training=True), given, given_validity)
        if "gen_smooth_l1" in weights:
            terms["gen_smooth_l1"] = smooth_l1(generated, wanted, wanted_validity)
        if "gen_identity" in weights:
            terms["gen_identity"] = smooth_l1(network(wanted, training=True), wanted, wanted_validity)
        logits = getattr(self, DISCRIMINATORS[number])([given, generated], training=True)
        return generator_loss(logits, generated, wanted, weights, None, exp.DATA_RANGE, fields, terms)

    def update(self, names: Sequence[str], tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """Apply the gradients of a loss to some networks."""
        for name in names:
            weights = getattr(self, name).trainable_variables
            gradients = tape.gradient(loss, weights)
            if any(gradient is not None for gradient in gradients):
                getattr(self, f"{name}_optimizer").apply_gradients(zip(gradients, weights, strict=True))

    def published_names(self) -> dict[str, dict[str, keras.Variable]]:
        """Return for each network its weights by their published names."""
        return {
            name: {f"{prefix}.{key}": variable for key, variable in published_variables(getattr(self, name)).items()}
            for name, prefix in PUBLISHED.items()
        }


def added(directions: Sequence[tuple[tf.Tensor, Losses]]) -> tuple[tf.Tensor, Losses]:
    """Return the sums of the totals and of the terms of both directions."""
    (first, terms), (second, others) = directions
    return first + second, {name: value + others[name] for name, value in terms.items()}
