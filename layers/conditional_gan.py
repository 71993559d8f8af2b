"""The training step of conditional GANs such as pix2pix: one generator, one discriminator of image pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import tensorflow as tf

from layers.optimizers import adam
from losses import discriminator_loss, generator_loss, needs_discriminator

if TYPE_CHECKING:
    from experiment import Experiment


class Judged(NamedTuple):
    """What a discriminator returns for images.

    Attributes:
        output: of any shape, or a list of those of several scales; None: not computed.
        features: for each scale the features of its layers, for losses that name ``disc_real_features`` and
            ``disc_generated_features``, such as ``gen_fm``; None: the discriminator gives none.
    """

    output: Any
    features: Any = None


class ConditionalGAN:
    """A generator, a discriminator of (input, image) pairs, two Adam optimisers and their training step.

    A plug-in derives its `GAN` from this class and defines the methods `Generator` and `Discriminator`. Attributes that
    these two use must be set before ``super().__init__(experiment)``, which calls them. What differs in the training
    step, it overrides: `generate`, `discriminate`, `further_terms`.
    """

    #: True where the discriminator returns logits, False where it ends in a sigmoid.
    from_logits = True
    #: Arguments of `layers.optimizers.adam` for both optimisers, where a model needs others than the defaults.
    adam_settings: Mapping[str, float] = {}

    def __init__(self, experiment: Experiment) -> None:
        """Build networks and optimisers.

        Args:
            experiment: its GEN_LOSS, DISC_LOSS, DATA_RANGE, LEARNING_RATE and PRECISION are used.
        """
        self.exp = experiment
        self.loss_object = keras.losses.BinaryCrossentropy(from_logits=self.from_logits)
        self.generator = self.Generator()
        self.discriminator = self.Discriminator()
        self.generator_optimizer = adam(experiment, "generator", **self.adam_settings)
        self.discriminator_optimizer = adam(experiment, "discriminator", **self.adam_settings)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def Generator(self) -> keras.Model:
        """Return the network that computes the output image from the input, both ``(batch, height, width, band)``."""
        raise NotImplementedError(f"{type(self).__module__}: GAN has no method Generator")

    def Discriminator(self) -> keras.Model:
        """Return the network of the list ``[input_image, target_image]``; its output may have any shape."""
        raise NotImplementedError(f"{type(self).__module__}: GAN has no method Discriminator")

    def generate(self, fields: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return the generated images of a training step, float32, ``(batch, height, width, output band)``."""
        return self.generator(fields["input_image"], training=True)

    def discriminate(self, fields: Mapping[str, tf.Tensor], image: tf.Tensor) -> tf.Tensor | list[tf.Tensor] | Judged:
        """Return the discriminator output for target or generated images, or that and its features as `Judged`."""
        return self.discriminator([fields["input_image"], image], training=True)

    def further_terms(self, fields: Mapping[str, tf.Tensor], generated: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the values of the plug-in's own losses, by the names of its attribute ``gen_losses``."""
        return {}

    @tf.function
    def train_step(
        self, input_image: tf.Tensor, target: tf.Tensor, step: tf.Tensor, **fields: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Update both networks once and return the losses by name, unweighted.

        Args:
            input_image: float32, ``(batch, height, width, input band)``.
            target: float32, ``(batch, height, width, output band)``.
            step: int64 scalar, the global step.
            **fields: all other fields of the batch by name, for losses; ``validity`` is 1 where the target is a
                measurement, and absent where it always is.
        """
        return self.update_networks({**fields, "input_image": input_image, "target": target, "step": step})

    def update_networks(self, fields: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Update both networks once, from one forward pass, and return the losses by name, unweighted.

        Both gradients are those at the weights before the update. All networks run in training mode, so that the
        discriminator's batch statistics are updated twice a step: with target and with generated images. Where no loss
        depends on the discriminator, as before an adversarial loss begins, it is not computed.

        Args:
            fields: fields of the batch by name, with ``target`` and what the other methods use.
        """
        exp = self.exp
        adversarial = needs_discriminator(exp.GEN_LOSS, exp.DISC_LOSS)
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            generated, target = self.generate(fields), fields["target"]
            shown = with_missing_pixels(generated, target, fields.get("validity"))
            real = judged(self.discriminate(fields, target) if adversarial else None)
            fake = judged(self.discriminate(fields, shown) if adversarial else None)
            own_terms = self.further_terms(fields, generated)
            fields = {**fields, **features(real, fake)}
            generator_total, generator_terms = generator_loss(
                fake.output, generated, target, exp.GEN_LOSS, self.loss_object, exp.DATA_RANGE, fields, own_terms
            )
            discriminator_total, discriminator_terms = discriminator_loss(
                real.output, fake.output, exp.DISC_LOSS, self.loss_object, exp.LABEL_SMOOTHING, fields
            )
            generator_scaled = self.generator_optimizer.scale_loss(generator_total)
            discriminator_scaled = self.discriminator_optimizer.scale_loss(discriminator_total)
        self.apply_updates(fields, (generator_tape, generator_scaled), (discriminator_tape, discriminator_scaled))
        return {
            "total_gen_loss": generator_total,
            **generator_terms,
            "total_disc_loss": discriminator_total,
            **discriminator_terms,
        }

    def apply_updates(
        self,
        fields: Mapping[str, tf.Tensor],
        of_generator: tuple[tf.GradientTape, tf.Tensor],
        of_discriminator: tuple[tf.GradientTape, tf.Tensor],
    ) -> None:
        """Update the networks, each from the tape and the scaled loss of its own."""
        update(self.generator, self.generator_optimizer, *of_generator)
        update(self.discriminator, self.discriminator_optimizer, *of_discriminator)


def judged(result: Any) -> Judged:
    """Return what `discriminate` returned as `Judged`."""
    return result if isinstance(result, Judged) else Judged(result)


def features(real: Judged, generated: Judged) -> dict[str, Any]:
    """Return the features of target and generated images by the names of losses' parameters, where there are any."""
    found = {"disc_real_features": real.features, "disc_generated_features": generated.features}
    return {name: value for name, value in found.items() if value is not None}


def with_missing_pixels(generated: tf.Tensor, target: tf.Tensor, validity: tf.Tensor | None) -> tf.Tensor:
    """Return generated images with the missing pixels of the target, by which a discriminator could tell both apart.

    Args:
        generated: ``(batch, [time step,] height, width, band)``.
        target: of the same shape.
        validity: 1 where the target is a measurement, one channel or one for each time step; None: everywhere.
    """
    if validity is None:
        return generated
    valid = tf.repeat(validity, generated.shape[-1] // validity.shape[-1], axis=-1)
    return tf.where(valid > 0, generated, tf.cast(target, generated.dtype))


def update(network: keras.Model, optimizer: keras.optimizers.Optimizer, tape: tf.GradientTape, loss: tf.Tensor) -> None:
    """Apply the gradient of a loss; a network that the loss does not depend on (all weights 0) stays unchanged."""
    variables = network.trainable_variables
    gradients = tape.gradient(loss, variables)
    if any(gradient is not None for gradient in gradients):
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
