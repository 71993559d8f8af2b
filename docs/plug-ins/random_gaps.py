"""A small network that fills gaps: masks are drawn from a pool of their own, so that no gap belongs to an image.

It shows: a field that another pool of the dataset holds; a class derived from `ConditionalGAN` that changes what its
generator sees; `"ema"` in experiment.json needs nothing here.
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import layers

from layers.conditional_gan import ConditionalGAN
from layers.params import known_params
from layers.patchgan import patchgan


class GAN(ConditionalGAN):
    """A generator of the image with gaps and of the mask, and a PatchGAN."""

    excluded_augmentation = ("random_resize",)

    def __init__(self, experiment):
        """Build networks and optimisers."""
        self.filters = known_params(experiment, {"filters": 8})["filters"]
        super().__init__(experiment)

    def Generator(self):
        """Return the network of [image, mask]; where the mask is 0, it returns the image."""
        size = self.exp.IMG_HEIGHT, self.exp.IMG_WIDTH
        image = keras.Input((*size, self.exp.OUTPUT_CHANNELS), name="image")
        mask = keras.Input((*size, 1), name="mask")
        x = layers.Concatenate()([image, mask])
        for dilation in (1, 2, 4):
            x = layers.Conv2D(self.filters, 3, padding="same", dilation_rate=dilation, activation="relu")(x)
        filled = layers.Conv2D(self.exp.OUTPUT_CHANNELS, 3, padding="same", dtype="float32")(x)
        return keras.Model([image, mask], filled * mask + image * (1.0 - mask), name="generator")

    def Discriminator(self):
        """Return a small PatchGAN."""
        return patchgan(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS, self.filters, downsamplings=2)

    @tf.function
    def train_step(self, input_image, target, cloud_mask, step, **fields):
        """Update both networks once."""
        return self.update_networks(
            {**fields, "input_image": input_image, "target": target, "cloud_mask": cloud_mask, "step": step}
        )

    def generate(self, fields):
        """Return the input with its gaps filled."""
        mask = fields["cloud_mask"]
        return self.generator([fields["input_image"] * (1.0 - mask), mask], training=True)

    def predict(self, input_image, cloud_mask):
        """Return the input with its gaps filled, without clouds or gaps."""
        return self.generator([input_image * (1.0 - cloud_mask), cloud_mask], training=False)
