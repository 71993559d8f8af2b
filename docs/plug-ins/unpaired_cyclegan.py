"""A small CycleGAN (Zhu et al. 2017): two domains without pairs, four networks, losses of its own, an image pool.

It shows: `sampling = "pools"`, so that input and target of a step are drawn independently; losses with names of their
own that experiment.json can weight; networks that are attributes, each with its optimiser; a layer with state; a panel
of its own in the sample images.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import layers

from layers.image_pool import ImagePool
from layers.optimizers import adam
from layers.params import known_params


class GAN:
    """Generators in both directions, and a discriminator of each domain (least squares)."""

    sampling = "pools"
    gen_losses = {"gen_cycle": 10.0, "gen_real": 1.0, "gen_identity": 0.0}
    disc_losses = {"disc_real": 1.0}

    def __init__(self, experiment):
        """Build four networks, their optimisers and two pools."""
        self.exp = exp = experiment
        params = known_params(exp, {"filters": 8, "pool": 50})
        source, target, filters = exp.INPUT_CHANNELS, exp.OUTPUT_CHANNELS, params["filters"]
        self.generator = generator(source, target, filters, "generator")
        self.backward = generator(target, source, filters, "backward")
        self.discriminator = discriminator(target, filters, "discriminator")
        self.backward_discriminator = discriminator(source, filters, "backward_discriminator")
        for name in ("generator", "backward", "discriminator", "backward_discriminator"):
            optimizer = adam(exp, name)
            optimizer.build(getattr(self, name).trainable_variables)
            setattr(self, f"{name}_optimizer", optimizer)
        size = exp.IMG_HEIGHT, exp.IMG_WIDTH
        self.generated = ImagePool(params["pool"], (*size, target), seed=exp.SEED)
        self.returned = ImagePool(params["pool"], (*size, source), seed=exp.SEED + 1)

    @tf.function
    def train_step(self, input_image, target):
        """Update all four networks once; `input_image` and `target` show different places."""
        with tf.GradientTape() as tape:
            generated, returned = self.generator(input_image), self.backward(target)
            terms = {
                "gen_cycle": difference(self.backward(generated), input_image)
                + difference(self.generator(returned), target),
                "gen_real": square(self.discriminator(generated) - 1)
                + square(self.backward_discriminator(returned) - 1),
            }
            if self.exp.GEN_LOSS["gen_identity"] and target.shape[-1] == input_image.shape[-1]:
                terms["gen_identity"] = difference(self.generator(target), target)
            total = sum(self.exp.GEN_LOSS[name] * value for name, value in terms.items())
        self.update(("generator", "backward"), tape, total)
        generated, returned = self.generated(generated), self.returned(returned)
        with tf.GradientTape() as tape:
            forth = square(self.discriminator(target) - 1) + square(self.discriminator(generated))
            back = square(self.backward_discriminator(input_image) - 1) + square(self.backward_discriminator(returned))
            judged = (forth + back) / 2
            weighted = self.exp.DISC_LOSS["disc_real"] * judged
        self.update(("discriminator", "backward_discriminator"), tape, weighted)
        return {"total_gen_loss": total, **terms, "disc_real": judged}

    def panels(self, prediction):
        """Return the prediction brought back to the first domain; by its title, it is shown as the input is."""
        return {"Input brought back": self.backward(prediction)}

    def update(self, names, tape, loss):
        """Apply the gradients of a loss to some networks."""
        weights = [getattr(self, name).trainable_variables for name in names]
        for name, gradients in zip(names, tape.gradient(loss, weights), strict=True):
            getattr(self, f"{name}_optimizer").apply_gradients(
                zip(gradients, getattr(self, name).trainable_variables, strict=True)
            )


def generator(source, target, filters, name):
    """Return a network of two residual blocks for images of any size."""
    image = keras.Input((None, None, source))
    x = layers.Conv2D(filters, 3, padding="same", activation="relu")(image)
    for _ in range(2):
        residual = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.Add()([x, layers.Conv2D(filters, 3, padding="same")(residual)])
    return keras.Model(image, layers.Conv2D(target, 3, padding="same", dtype="float32")(x), name=name)


def discriminator(bands, filters, name):
    """Return a PatchGAN of single images."""
    image = keras.Input((None, None, bands))
    x = layers.LeakyReLU(0.2)(layers.Conv2D(filters, 4, strides=2, padding="same")(image))
    x = layers.LeakyReLU(0.2)(layers.Conv2D(2 * filters, 4, strides=2, padding="same")(x))
    return keras.Model(image, layers.Conv2D(1, 3, padding="same", dtype="float32")(x), name=name)


def difference(first, second):
    """Return the mean absolute difference."""
    return tf.reduce_mean(tf.abs(first - second))


def square(values):
    """Return the mean square."""
    return tf.reduce_mean(tf.square(values))
