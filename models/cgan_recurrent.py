"""The frame-recurrent conditional GAN of the RSGAN study (2020): its generator also sees its previous output.

It reads sequences in the order of time. The previous output is zero where a sequence starts; no gradient flows back
through it, and the discriminator does not see it.

params: those of `cgan`. As published, the previous output is only kept in the steps of the discriminator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras
import tensorflow as tf

from layers.paired_gan import PERIOD, PairedGAN, paired_unet

if TYPE_CHECKING:
    from experiment import Experiment


class GAN(PairedGAN):
    """The conditional GAN with a state, one image for each position of the batch."""

    sampling = "sequences"
    excluded_augmentation = ("random_resize",)

    def __init__(self, experiment: Experiment) -> None:
        """Build networks, optimisers and the state.

        Raises:
            ValueError: see `PairedGAN`.
        """
        super().__init__(experiment)
        shape = (experiment.BATCH_SIZE, experiment.IMG_HEIGHT, experiment.IMG_WIDTH, experiment.OUTPUT_CHANNELS)
        self.previous = tf.Variable(tf.zeros(shape), trainable=False)

    def Generator(self) -> keras.Model:
        """Return the U-Net of [image, previous output]."""
        exp, size = self.exp, (self.exp.IMG_HEIGHT, self.exp.IMG_WIDTH)
        image = keras.Input((*size, exp.INPUT_CHANNELS), name="input_image")
        previous = keras.Input((*size, exp.OUTPUT_CHANNELS), name="previous")
        return paired_unet([image, previous], self.params, exp.OUTPUT_CHANNELS, "generator")

    def carried(self, sequence_start: tf.Tensor) -> tf.Tensor:
        """Return the previous output of each position, zeros where a sequence starts."""
        return self.previous * (1.0 - sequence_start[:, None, None, None])

    @tf.function
    def train_step(
        self, input_image: tf.Tensor, target: tf.Tensor, sequence_start: tf.Tensor, step: tf.Tensor, **fields: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Update the networks once, and keep the output for the next time step."""
        given = {"input_image": input_image, "target": target, "sequence_start": sequence_start, "step": step}
        return self.update_networks({**fields, **given})

    def generate(self, fields: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return the output, and keep it for the next time step."""
        carried = self.carried(fields["sequence_start"])
        output = self.generator([fields["input_image"], carried], training=True)
        kept = output
        if self.params["as_published"]:
            kept = tf.where(fields["step"] % PERIOD == 0, carried, output)
        self.previous.assign(kept)
        return output

    def predict(self, input_image: tf.Tensor, sequence_start: tf.Tensor) -> tf.Tensor:
        """Return the prediction of a time step, and keep it for the next one."""
        output = self.generator([input_image, self.carried(sequence_start)], training=False)
        self.previous.assign(output)
        return output
