"""The training step of conditional GANs such as pix2pix: one generator, one discriminator of image pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from layers.optimizers import adam
from losses import discriminator_loss, generator_loss

if TYPE_CHECKING:
    from experiment import Experiment


class ConditionalGAN:
    """A generator, a discriminator of (input, image) pairs, two Adam optimisers and their training step.

    A plug-in derives its `GAN` from this class and defines the methods `Generator` and `Discriminator`. Attributes that
    these two use must be set before ``super().__init__(experiment)``, which calls them.
    """

    #: True where the discriminator returns logits, False where it ends in a sigmoid.
    from_logits = True

    def __init__(self, experiment: Experiment) -> None:
        """Build networks and optimisers.

        Args:
            experiment: its GEN_LOSS, DISC_LOSS, DATA_RANGE, LEARNING_RATE and PRECISION are used.
        """
        self.exp = experiment
        self.loss_object = keras.losses.BinaryCrossentropy(from_logits=self.from_logits)
        self.generator = self.Generator()
        self.discriminator = self.Discriminator()
        self.generator_optimizer = adam(experiment, "generator")
        self.discriminator_optimizer = adam(experiment, "discriminator")
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def Generator(self) -> keras.Model:
        """Return the network that computes the output image from the input, both ``(batch, height, width, band)``."""
        raise NotImplementedError(f"{type(self).__module__}: GAN has no method Generator")

    def Discriminator(self) -> keras.Model:
        """Return the network of the list ``[input_image, target_image]``; its output may have any shape."""
        raise NotImplementedError(f"{type(self).__module__}: GAN has no method Discriminator")

    @tf.function
    def train_step(self, input_image: tf.Tensor, target: tf.Tensor, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """Update both networks once, from one forward pass, and return the losses by name, unweighted.

        Both gradients are those at the weights before the update. All networks run in training mode, so that the
        discriminator's batch statistics are updated twice a step: with target and with generated images.

        Args:
            input_image: float32, ``(batch, height, width, input band)``.
            target: float32, ``(batch, height, width, output band)``.
            step: int64 scalar, the global step.
        """
        exp = self.exp
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            generated = self.generator(input_image, training=True)
            real_logits = self.discriminator([input_image, target], training=True)
            generated_logits = self.discriminator([input_image, generated], training=True)
            generator_total, generator_terms = generator_loss(
                generated_logits, generated, target, exp.GEN_LOSS, self.loss_object, exp.DATA_RANGE
            )
            discriminator_total, discriminator_terms = discriminator_loss(
                real_logits, generated_logits, exp.DISC_LOSS, self.loss_object
            )
            generator_scaled = self.generator_optimizer.scale_loss(generator_total)
            discriminator_scaled = self.discriminator_optimizer.scale_loss(discriminator_total)
        update(self.generator, self.generator_optimizer, generator_tape, generator_scaled)
        update(self.discriminator, self.discriminator_optimizer, discriminator_tape, discriminator_scaled)
        return {
            "total_gen_loss": generator_total,
            **generator_terms,
            "total_disc_loss": discriminator_total,
            **discriminator_terms,
        }


def update(network: keras.Model, optimizer: keras.optimizers.Optimizer, tape: tf.GradientTape, loss: tf.Tensor) -> None:
    """Apply the gradient of a loss; a network that the loss does not depend on (all weights 0) stays unchanged."""
    variables = network.trainable_variables
    gradients = tape.gradient(loss, variables)
    if any(gradient is not None for gradient in gradients):
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
