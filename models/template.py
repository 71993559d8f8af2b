"""A model to copy: `cp models/template.py models/my-idea.py`, then `"model_name": "my-idea"`.

That is all; nothing has to be registered. The toolkit loads the one file that the name says, makes
``GAN(experiment)``, and calls its `train_step` with the fields of each batch. It takes care of data, devices,
logs, sample pictures, checkpoints and evaluation; this file says what the networks are and how they learn.

What the toolkit needs of `GAN`:

====================================================  ========================================================
generator                                             a Keras model, input image -> output image
discriminator                                         a Keras model of [input image, target image]
generator_optimizer, discriminator_optimizer          Keras optimisers
train_step                                            a tf.function that updates both, see there
====================================================  ========================================================

What an experiment offers: IMG_HEIGHT, IMG_WIDTH, INPUT_CHANNELS, OUTPUT_CHANNELS (from the data set);
PARAMS, GEN_LOSS, DISC_LOSS, LEARNING_RATE, PRECISION (from experiment.json); DATA_RANGE (of the values that
reach the network: 2 where they are normalised to -1..1, 1 for 0..1).

This model is a real one, only small: a residual encoder/decoder at a quarter of the resolution against a
PatchGAN. For the training step of pix2pix without writing it out, derive from
`layers.conditional_gan.ConditionalGAN`, as models/pix2pix.py does.
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
    """A small residual encoder/decoder with its PatchGAN."""

    def __init__(self, experiment: Experiment) -> None:
        """Check what the experiment asks for, then build networks and optimisers.

        Raises:
            ValueError: a height or width that is no multiple of 4; an unknown key in `params`.
        """
        self.exp = experiment
        # Your settings, with defaults. `"params": {"blocks": 8}` in experiment.json overrides one; a name
        # that is not in this list is the user's typing error and is reported as such.
        self.params = known_params(experiment, {"filters": 32, "blocks": 4})
        # Whatever can go wrong should do so here, in one sentence, and not as a shape error an hour later.
        if experiment.IMG_HEIGHT % 4 or experiment.IMG_WIDTH % 4:
            raise ValueError(
                "template needs img_height and img_width to be multiples of 4, "
                f"not {experiment.IMG_HEIGHT} and {experiment.IMG_WIDTH}"
            )
        self.generator = self.Generator()
        self.discriminator = self.Discriminator()
        # Adam with the rates of experiment.json. Building makes its slots now: a restored run looks for them.
        self.generator_optimizer = adam(experiment, "generator", learning_rate=2e-4)
        self.discriminator_optimizer = adam(experiment, "discriminator", learning_rate=2e-4)
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def Generator(self) -> keras.Model:
        """Return the network from input to output image: halve twice, refine, double twice."""
        exp, filters = self.exp, self.params["filters"]
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        full = layers.Conv2D(filters, 3, padding="same", activation="relu")(image)
        half = layers.Conv2D(2 * filters, 3, strides=2, padding="same", activation="relu")(full)
        x = layers.Conv2D(4 * filters, 3, strides=2, padding="same", activation="relu")(half)
        for _ in range(self.params["blocks"]):
            x = residual_block(x)
        x = double(x, skip=half)
        x = double(x, skip=full)
        # Linear, so that any normalisation of the data works; dtype="float32" keeps the image whole where the
        # rest of the network computes in half precision ("precision": "mixed_bfloat16").
        output = layers.Conv2D(exp.OUTPUT_CHANNELS, 3, padding="same", dtype="float32")(x)
        return keras.Model(image, output, name="generator")

    def Discriminator(self) -> keras.Model:
        """Return the network that says of each patch of an image pair how true it looks, in logits."""
        exp, filters = self.exp, self.params["filters"]
        # None: any height and width.
        image = keras.Input((None, None, exp.INPUT_CHANNELS), name="input_image")
        target = keras.Input((None, None, exp.OUTPUT_CHANNELS), name="target_image")
        x = layers.Concatenate()([image, target])
        for widening in (1, 2, 4):
            x = layers.Conv2D(widening * filters, 4, strides=2, padding="same")(x)
            x = layers.LeakyReLU(negative_slope=0.2)(x)
        logits = layers.Conv2D(1, 3, padding="same", dtype="float32")(x)
        return keras.Model([image, target], logits, name="discriminator")

    # tf.function compiles the step. The toolkit looks at the parameters' names: each gets the field of the
    # batch that is called so, and `step` the global step. Write `cloud_mask` here too, and a data set with
    # that field hands it over.
    @tf.function
    def train_step(self, input_image: tf.Tensor, target: tf.Tensor, step: tf.Tensor) -> dict[str, tf.Tensor]:
        """Update both networks once and return the losses, by the names under which they are logged.

        Args:
            input_image: float32, ``(batch, height, width, input band)``.
            target: float32, ``(batch, height, width, output band)``.
            step: int64 scalar, the global step.
        """
        exp = self.exp
        # A tape remembers what was computed, to differentiate it; one for each network.
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            generated = self.generator(input_image, training=True)
            real_logits = self.discriminator([input_image, target], training=True)
            generated_logits = self.discriminator([input_image, generated], training=True)

            # The losses that experiment.json weighs in `gen_loss` and `disc_loss`: the weighted total, and
            # each term by its name, unweighted. Your own loss may simply be added to the total.
            generator_total, generator_terms = generator_loss(
                generated_logits, generated, target, exp.GEN_LOSS, data_range=exp.DATA_RANGE
            )
            discriminator_total, discriminator_terms = discriminator_loss(real_logits, generated_logits, exp.DISC_LOSS)
            # Does nothing, except in mixed_float16, where small gradients need it.
            generator_scaled = self.generator_optimizer.scale_loss(generator_total)
            discriminator_scaled = self.discriminator_optimizer.scale_loss(discriminator_total)

        weights = self.generator.trainable_variables
        gradients = generator_tape.gradient(generator_scaled, weights)
        self.generator_optimizer.apply_gradients(zip(gradients, weights, strict=True))

        weights = self.discriminator.trainable_variables
        gradients = discriminator_tape.gradient(discriminator_scaled, weights)
        # All None where `disc_loss` gives no weight to any loss, to train a generator on gen_l1 alone.
        if any(gradient is not None for gradient in gradients):
            self.discriminator_optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return {
            "total_gen_loss": generator_total,
            **generator_terms,
            "total_disc_loss": discriminator_total,
            **discriminator_terms,
        }


def residual_block(x: Any) -> Any:
    """Return x plus what two convolutions make of it; the channels stay."""
    channels = x.shape[-1]
    change = layers.Conv2D(channels, 3, padding="same", activation="relu")(x)
    change = layers.Conv2D(channels, 3, padding="same")(change)
    return layers.Add()([x, change])


def double(x: Any, skip: Any) -> Any:
    """Return x at twice its size, joined with the encoder's features of that size."""
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Concatenate()([x, skip])
    return layers.Conv2D(skip.shape[-1], 3, padding="same", activation="relu")(x)
