"""A model to copy: `cp models/template.py models/my-idea.py`, then `"model_name": "my-idea"`.

Nothing has to be registered. The toolkit imports the file of that name, creates ``GAN(experiment)``, and calls its
`train_step` with the fields of each batch. Data, devices, logs, sample images, checkpoints and evaluation are the work
of the toolkit; this file defines the networks and one training step.

Attributes that `GAN` must have:

====================================================  ========================================================
generator                                             a Keras model, input image -> output image
discriminator                                         a Keras model of [input image, target image]
generator_optimizer, discriminator_optimizer          Keras optimisers
train_step                                            a tf.function that updates both networks, see there
====================================================  ========================================================

Attributes of the experiment: IMG_HEIGHT, IMG_WIDTH, INPUT_CHANNELS, OUTPUT_CHANNELS (from the dataset); PARAMS,
GEN_LOSS, DISC_LOSS, LEARNING_RATE, PRECISION (from experiment.json); DATA_RANGE (width of the range of the network's
values: 2 for -1..1, 1 for 0..1).

This is a real, small model: a residual encoder-decoder at a quarter of the resolution with a PatchGAN discriminator. To
use the training step of pix2pix without a copy of it, derive from `layers.conditional_gan.ConditionalGAN`, as
models/pix2pix.py does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from keras import layers

from layers.optimizers import adam
from layers.params import known_params
from losses import discriminator_loss, generator_loss

if TYPE_CHECKING:
    from experiment import Experiment


class GAN:
    """A small residual encoder-decoder with a PatchGAN discriminator."""

    def __init__(self, experiment: Experiment) -> None:
        """Check the settings, then build networks and optimisers.

        Raises:
            ValueError: a height or width that is no multiple of 4; an unknown key in `params`.
        """
        self.exp = experiment
        # The settings of this model with their defaults. `"params": {"blocks": 8}` in experiment.json overrides one; a
        # name that is not in this dict is reported as an error.
        self.params = known_params(experiment, {"filters": 32, "blocks": 4})
        # Check everything that can be wrong here: a sentence now is better than a shape error in the first step.
        if experiment.IMG_HEIGHT % 4 or experiment.IMG_WIDTH % 4:
            raise ValueError(
                "template needs img_height and img_width to be multiples of 4, "
                f"not {experiment.IMG_HEIGHT} and {experiment.IMG_WIDTH}"
            )
        self.generator = self.Generator()
        self.discriminator = self.Discriminator()
        # Adam with the learning rates of experiment.json. `build` creates its variables, which a restored run needs.
        self.generator_optimizer = adam(experiment, "generator", learning_rate=2e-4)
        self.discriminator_optimizer = adam(experiment, "discriminator", learning_rate=2e-4)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def Generator(self) -> keras.Model:
        """Return the network from input to output image: downsample twice, residual blocks, upsample twice."""
        exp, filters = self.exp, self.params["filters"]
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        full = layers.Conv2D(filters, 3, padding="same", activation="relu")(image)
        half = layers.Conv2D(2 * filters, 3, strides=2, padding="same", activation="relu")(full)
        x = layers.Conv2D(4 * filters, 3, strides=2, padding="same", activation="relu")(half)
        for _ in range(self.params["blocks"]):
            x = residual_block(x)
        x = upsample(x, skip=half)
        x = upsample(x, skip=full)
        # Linear, so that any normalisation of the data works; float32, so that the image is not rounded where the rest
        # of the network computes in half precision ("precision": "mixed_bfloat16").
        output = layers.Conv2D(exp.OUTPUT_CHANNELS, 3, padding="same", dtype="float32")(x)
        return keras.Model(image, output, name="generator")

    def Discriminator(self) -> keras.Model:
        """Return the network of an image pair; its output is one logit for each patch, high for targets."""
        exp, filters = self.exp, self.params["filters"]
        # None: any height and width.
        image = keras.Input((None, None, exp.INPUT_CHANNELS), name="input_image")
        target = keras.Input((None, None, exp.OUTPUT_CHANNELS), name="target_image")
        x = layers.Concatenate()([image, target])
        for factor in (1, 2, 4):
            x = layers.Conv2D(factor * filters, 4, strides=2, padding="same")(x)
            x = layers.LeakyReLU(negative_slope=0.2)(x)
        logits = layers.Conv2D(1, 3, padding="same", dtype="float32")(x)
        return keras.Model([image, target], logits, name="discriminator")

    # tf.function compiles the step. The names of the parameters select fields: each parameter gets the field of the
    # batch with its name, `step` the global step, and `**fields` all others. With a parameter `cloud_mask`, the step
    # also gets that field of the dataset.
    @tf.function
    def train_step(
        self, input_image: tf.Tensor, target: tf.Tensor, step: tf.Tensor, **fields: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Update both networks once and return the losses by the names with which they are logged.

        Args:
            input_image: float32, ``(batch, height, width, input band)``.
            target: float32, ``(batch, height, width, output band)``.
            step: int64 scalar, the global step.
            **fields: all other fields of the batch by name, for losses that ask for them.
        """
        exp = self.exp
        # A tape records the computation of a loss, for its gradient; one for each network.
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            generated = self.generator(input_image, training=True)
            real_logits = self.discriminator([input_image, target], training=True)
            generated_logits = self.discriminator([input_image, generated], training=True)

            # The losses of `gen_loss` and `disc_loss` in experiment.json: the weighted sum, and each term by its
            # name, without its weight. A loss of your own can be added to the total.
            generator_total, generator_terms = generator_loss(
                generated_logits, generated, target, exp.GEN_LOSS, data_range=exp.DATA_RANGE, fields=fields
            )
            discriminator_total, discriminator_terms = discriminator_loss(
                real_logits, generated_logits, exp.DISC_LOSS, label_smoothing=exp.LABEL_SMOOTHING, fields=fields
            )
            # Has an effect only with mixed_float16, where small gradients need it.
            generator_scaled = self.generator_optimizer.scale_loss(generator_total)
            discriminator_scaled = self.discriminator_optimizer.scale_loss(discriminator_total)

        weights = self.generator.trainable_variables
        gradients = generator_tape.gradient(generator_scaled, weights)
        self.generator_optimizer.apply_gradients(zip(gradients, weights, strict=True))

        weights = self.discriminator.trainable_variables
        gradients = discriminator_tape.gradient(discriminator_scaled, weights)
        # All are None if no loss of `disc_loss` has a weight, for example to train a generator with gen_l1 alone.
        if any(gradient is not None for gradient in gradients):
            self.discriminator_optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return {
            "total_gen_loss": generator_total,
            **generator_terms,
            "total_disc_loss": discriminator_total,
            **discriminator_terms,
        }


def residual_block(x: Any) -> Any:
    """Return the sum of x and its residual, two convolutions with as many channels as x."""
    channels = x.shape[-1]
    residual = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
    residual = layers.Conv2D(channels, 3, padding="same")(residual)
    return layers.Add()([x, residual])


def upsample(x: Any, skip: Any) -> Any:
    """Return x, upsampled by 2 and joined with the features of the encoder of that size."""
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Concatenate()([x, skip])
    return layers.Conv2D(skip.shape[-1], 3, padding="same", activation="relu")(x)
