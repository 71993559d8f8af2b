"""A small frame-recurrent network (Sajjadi et al. 2018): it reads a time step and its own previous output.

It shows: `sampling = "sequences"`, so that each position of the batch reads whole sequences; a state that is a variable
of the plug-in, reset where `sequence_start` is 1; `predict`, which carries the state on, too.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import layers

from layers.optimizers import adam
from layers.params import known_params
from losses import generator_loss


class GAN:
    """A generator of the image and of its own previous output; no discriminator."""

    sampling = "sequences"
    excluded_augmentation = ("random_resize",)

    def __init__(self, experiment):
        """Build the generator, its optimiser, and the state."""
        self.exp = exp = experiment
        filters = known_params(exp, {"filters": 8})["filters"]
        size = exp.IMG_HEIGHT, exp.IMG_WIDTH
        image = keras.Input((*size, exp.INPUT_CHANNELS), name="input_image")
        previous = keras.Input((*size, exp.OUTPUT_CHANNELS), name="previous")
        x = layers.Concatenate()([image, previous])
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        output = layers.Conv2D(exp.OUTPUT_CHANNELS, 3, padding="same", dtype="float32")(x)
        self.generator = keras.Model([image, previous], output, name="generator")
        self.generator_optimizer = adam(exp, "generator", learning_rate=1e-3, beta_1=0.9)
        self.generator_optimizer.build(self.generator.trainable_variables)
        # One image for each position of the batch: checkpoints hold it, and validation leaves it as it was.
        self.previous = tf.Variable(tf.zeros((exp.BATCH_SIZE, *size, exp.OUTPUT_CHANNELS)), trainable=False)

    def carried(self, sequence_start):
        """Return the previous output of each position, zeros where a sequence starts."""
        return self.previous * (1.0 - sequence_start[:, None, None, None])

    @tf.function
    def train_step(self, input_image, target, sequence_start, **fields):
        """Update the generator once, and keep its output for the next time step."""
        with tf.GradientTape() as tape:
            output = self.generator([input_image, self.carried(sequence_start)], training=True)
            total, terms = generator_loss(
                None, output, target, self.exp.GEN_LOSS, data_range=self.exp.DATA_RANGE, fields=fields
            )
        weights = self.generator.trainable_variables
        self.generator_optimizer.apply_gradients(zip(tape.gradient(total, weights), weights, strict=True))
        self.previous.assign(output)
        return {"total_gen_loss": total, **terms}

    def predict(self, input_image, sequence_start):
        """Return the prediction of a time step, and keep it for the next one."""
        output = self.generator([input_image, self.carried(sequence_start)], training=False)
        self.previous.assign(output)
        return output
