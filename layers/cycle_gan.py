"""Cycle-consistent GANs with the networks of the RSGAN study: two directions, a discriminator for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from layers.conditional_gan import with_missing_pixels
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


class CycleGAN:
    """Generators in both directions, and a discriminator of what each generates.

    A plug-in that derives from it may override `Discriminator` and `seen`, which say what a discriminator judges.
    """

    backward: keras.Model
    generator_optimizer: keras.optimizers.Optimizer
    discriminator_optimizer: keras.optimizers.Optimizer
    #: Number of generated images of earlier steps that are kept for each discriminator, unless `params` states it.
    pool_size = 0

    def __init__(self, experiment: Experiment) -> None:
        """Build four networks, their optimisers and the pools.

        Raises:
            ValueError: see `checked_params`; `gen_identity` with unequal numbers of bands; a negative `pool`.
        """
        self.exp = experiment
        self.params = params = checked_params(experiment, FILTERS, pool=self.pool_size)
        size, bands = (
            (experiment.IMG_HEIGHT, experiment.IMG_WIDTH),
            (experiment.INPUT_CHANNELS, experiment.OUTPUT_CHANNELS),
        )
        if params["pool"] < 0:
            raise ValueError(f"params: 'pool' must be 0 or more, not {params['pool']}")
        if experiment.GEN_LOSS["gen_identity"] is not None and bands[0] != bands[1]:
            raise ValueError(
                f"gen_identity needs as many bands in the input as in the target, not {bands[0]} and {bands[1]};"
                " leave it out"
            )
        for name, (source, target) in zip(GENERATORS, (bands, bands[::-1]), strict=True):
            setattr(self, name, paired_unet(keras.Input((*size, source)), params, target, name))
            self._optimizer(name, 2e-4)
        for name, (source, target) in zip(DISCRIMINATORS, (bands, bands[::-1]), strict=True):
            setattr(self, name, self.Discriminator(source, target))
            self._optimizer(name, 2e-5)
        self.pools = self._pools(size, params["pool"])

    def Discriminator(self, source: int, target: int) -> keras.Model:
        """Return the discriminator of generated images of ``target`` bands; its inputs are those of `seen`."""
        return paired_patchgan(source, target, self.params["discriminator_filters"])

    def seen(self, given: Any, image: Any) -> list[Any]:
        """Return what a discriminator sees of an image and of the one that it is, or would be, generated from."""
        return [given, image]

    def _optimizer(self, name: str, rate: float) -> None:
        """Build the optimiser of a network."""
        optimizer = adam(self.exp, name, learning_rate=rate)
        optimizer.build(getattr(self, name).trainable_variables)
        setattr(self, f"{name}_optimizer", optimizer)

    def _pools(self, size: tuple[int, int], count: int) -> list[ImagePool]:
        """Return a pool of ``count`` images for each discriminator, none where ``count`` is 0."""
        inputs = [getattr(self, name).inputs for name in DISCRIMINATORS]
        bands = [sum(tensor.shape[-1] for tensor in tensors) for tensors in inputs]
        seeds = [self.exp.SEED + number for number in range(len(bands))]
        return [ImagePool(count, (*size, b), seed=seed) for b, seed in zip(bands, seeds, strict=True)] if count else []

    @tf.function
    def train_step(self, input_image: tf.Tensor, target: tf.Tensor, **fields: tf.Tensor) -> Losses:
        """Update the discriminators, then the generators, and return the losses of both directions together."""
        with tf.GradientTape() as tape:
            judged, terms = self.discriminator_terms(input_image, target, fields)
            scaled = self.discriminator_optimizer.scale_loss(judged)
        self.update(DISCRIMINATORS, tape, scaled)
        with tf.GradientTape() as tape:
            total, generator_terms, _ = self.generator_terms(input_image, target, fields)
            scaled = self.generator_optimizer.scale_loss(total)
        self.update(GENERATORS, tape, scaled)
        return {"total_gen_loss": total, **generator_terms, "total_disc_loss": judged, **terms}

    def discriminator_terms(
        self,
        source: tf.Tensor,
        target: tf.Tensor,
        fields: Mapping[str, tf.Tensor],
        generated: Sequence[tf.Tensor] | None = None,
    ) -> tuple[tf.Tensor, Losses]:
        """Return the sum of both discriminators' losses, weighted, and the terms; the backward one comes first.

        Args:
            source: images of the input's domain.
            target: images of the target's domain.
            fields: other fields of the batch; missing pixels of the target, by ``validity``, are shown in both images.
            generated: images of both generators; None: they are generated here.
        """
        judged = []
        for number in (1, 0):
            given, wanted = (source, target) if number == 0 else (target, source)
            network = getattr(self, DISCRIMINATORS[number])
            image = generated[number] if generated else getattr(self, GENERATORS[number])(given, training=True)
            if number == 0:
                image = with_missing_pixels(image, wanted, fields.get("validity"))
            real = network(self.seen(given, wanted), training=True)
            fake = network(self._pooled(number, self.seen(given, tf.stop_gradient(image))), training=True)
            judged.append(discriminator_loss(real, fake, self.exp.DISC_LOSS, None, self.exp.LABEL_SMOOTHING))
        return added(judged)

    def _pooled(self, number: int, images: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return what a discriminator sees, of some samples that of an earlier step where there is a pool."""
        if not self.pools:
            return images
        # One pool for all, so that the image that another was generated from stays with it.
        together = self.pools[number](tf.concat([tf.cast(image, "float32") for image in images], axis=-1))
        return tf.split(together, [image.shape[-1] for image in images], axis=-1)

    def generator_terms(
        self, source: tf.Tensor, target: tf.Tensor, fields: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, Losses, list[tf.Tensor]]:
        """Return the sum of both generators' losses, weighted, the terms, and the images that they generated.

        Args:
            source: images of the input's domain.
            target: images of the target's domain.
            fields: other fields of the batch; ``validity`` masks losses of the target's domain.
        """
        validity = fields.get("validity")
        backward_fields = {name: value for name, value in fields.items() if name != "validity"}
        *forward, there = self._direction(0, source, target, fields, (None, validity))
        *backward, back = self._direction(1, target, source, backward_fields, (validity, None))
        return *added([forward, backward]), [there, back]

    def _direction(
        self, number: int, given: tf.Tensor, wanted: tf.Tensor, fields: Mapping[str, tf.Tensor], valid: Sequence[Any]
    ) -> tuple[tf.Tensor, Losses, tf.Tensor]:
        """Return the loss of one generator, its terms, and its images; ``valid`` is that of given and wanted."""
        network, other = (getattr(self, GENERATORS[each]) for each in (number, 1 - number))
        generated = network(given, training=True)
        exp = self.exp
        weights = {name: exp.GEN_LOSS[name] for name in exp.GEN_LOSS if exp.GEN_LOSS[name] is not None}
        terms = {}
        if "gen_cycle" in weights:
            terms["gen_cycle"] = smooth_l1(other(generated, training=True), given, valid[0])
        if "gen_smooth_l1" in weights:
            terms["gen_smooth_l1"] = smooth_l1(generated, wanted, valid[1])
        if "gen_identity" in weights:
            terms["gen_identity"] = smooth_l1(network(wanted, training=True), wanted, valid[1])
        shown = with_missing_pixels(generated, wanted, valid[1])
        logits = getattr(self, DISCRIMINATORS[number])(self.seen(given, shown), training=True)
        total, terms = generator_loss(logits, generated, wanted, weights, None, exp.DATA_RANGE, fields, terms)
        return total, terms, generated

    def update(self, names: Sequence[str], tape: tf.GradientTape, loss: tf.Tensor) -> None:
        """Apply the gradients of a loss to some networks."""
        trained = [getattr(self, name).trainable_variables for name in names]
        # One call, since the gradient of the images that two generators share would be computed for each of them.
        for name, weights, gradients in zip(names, trained, tape.gradient(loss, trained), strict=True):
            if any(gradient is not None for gradient in gradients):
                getattr(self, f"{name}_optimizer").apply_gradients(zip(gradients, weights, strict=True))

    def published_names(self) -> dict[str, dict[str, keras.Variable]]:
        """Return for each network its weights by their published names."""
        return {
            name: {f"{prefix}.{key}": variable for key, variable in published_variables(getattr(self, name)).items()}
            for name, prefix in PUBLISHED.items()
        }


def added(directions: Sequence[Sequence[Any]]) -> tuple[tf.Tensor, Losses]:
    """Return the sums of the totals and of the terms of both directions."""
    (first, terms), (second, others) = directions
    return first + second, {name: value + others[name] for name, value in terms.items()}
