"""Sharpening: coarse bands upsampled with the help of fine bands of the same scene (after DSen2, Lanaras et al. 2018).

The field of the manifest's role `guide` holds the fine bands on the grid of the target. The input has that grid too,
with each coarse pixel repeated `RATIO` x `RATIO` times, so that the coarse pixels are extracted first:

    guide ------------------------------+-> residual blocks -+-> averages set to the coarse pixels -> output
    input -> coarse pixels -> bicubic --+--------------------+

The last layer makes the output consistent: its averages over blocks of `RATIO` x `RATIO` pixels are the coarse pixels.
So the network adds detail and cannot change what was measured. The initial correction is nearly zero: training starts
at bicubic quality. Networks are convolutional; bands, ratio and sizes come from the manifest.

params: `blocks` (5) residual blocks, of `filters` (32) channels; `discriminator_filters` (16).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras
import tensorflow as tf
from keras import layers, ops

from layers.conditional_gan import ConditionalGAN
from layers.consistency import AverageConsistency
from layers.optimizers import adam
from layers.params import known_params
from layers.patchgan import patchgan
from layers.pixel_shuffle import Decimate
from layers.sizes import require_multiple, require_patches
from layers.weighted_upsampling import Bicubic

if TYPE_CHECKING:
    from experiment import Experiment


class GAN(ConditionalGAN):
    """A guided upsampler with a small PatchGAN discriminator."""

    # Interpolation would mix coarse pixels, which then are no averages of the target any more.
    excluded_augmentation = ("random_resize",)

    def __init__(self, experiment: Experiment) -> None:
        """Check guide, ratio, sizes and scaling, then build networks and optimisers.

        Raises:
            ValueError: a dataset without guide, a ratio that is no integer of at least 2, other bands or another
                scaling of the input than of the target, a size that does not fit, or unknown `params`.
        """
        self.params = known_params(experiment, {"blocks": 5, "filters": 32, "discriminator_filters": 16})
        manifest = experiment.manifest
        source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
        if manifest.guide != "guide":
            raise ValueError(
                "guided_upsampler needs a field 'guide' of fine bands, with the role 'guide' in dataset.json"
            )
        if manifest.shared_bands is None or source.time_steps or target.time_steps:
            raise ValueError(
                "guided_upsampler sharpens bands of its input, one time step; the input has "
                f"{', '.join(source.bands)}, the target {', '.join(target.bands)}"
            )
        shared = [source.bands.index(band) for band in target.bands]
        bounds = [[end[index] for index in shared] for end in source.bounds]
        transformed = source.transform or target.transform or experiment.NORMALIZE == "l2"
        if bounds != list(target.bounds) or source.units != target.units or transformed:
            raise ValueError(
                "guided_upsampler compares averages of its output with the input: both need the same units and"
                " valid_range, no transform, and 'normalize' other than 'l2'"
            )
        self.shared_bands, self.guide_channels = shared, len(manifest.fields["guide"].bands)
        self.ratio = round(experiment.RATIO)
        if abs(experiment.RATIO - self.ratio) > 1e-6 or self.ratio < 2:
            raise ValueError(f"guided_upsampler needs a ratio of pixel sizes of 2, 3, ..., not {experiment.RATIO}")
        require_multiple(experiment, self.ratio)
        require_patches(experiment, downsamplings=2)
        super().__init__(experiment)
        # The momentum of GANs, 0.5, lets this network diverge at the learning rates that it can bear with 0.9.
        self.generator_optimizer = adam(experiment, "generator", beta_1=0.9)
        self.generator_optimizer.build(self.generator.trainable_variables)

    def Generator(self) -> keras.Model:
        """Return the network of [input image, guide], as in the diagram above."""
        exp, filters = self.exp, self.params["filters"]
        size = (exp.IMG_HEIGHT, exp.IMG_WIDTH)
        image = keras.Input((*size, exp.INPUT_CHANNELS), name="input_image")
        guide = keras.Input((*size, self.guide_channels), name="guide")
        # float32 where values are those of pixels: rounding errors of half precision would exceed the correction.
        coarse = Decimate(self.ratio, dtype="float32")(image)
        upsampled = Bicubic(self.ratio, dtype="float32")(coarse)
        x = head = layers.Conv2D(filters, 3, padding="same")(layers.Concatenate()([guide, upsampled]))
        for _ in range(self.params["blocks"]):
            residual = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
            x = layers.Add()([x, layers.Conv2D(filters, 3, padding="same")(residual)])
        x = layers.Add()([head, x])
        nearly_zero = keras.initializers.RandomNormal(0.0, 1e-4)
        detail = layers.Conv2D(
            exp.OUTPUT_CHANNELS, 3, padding="same", kernel_initializer=nearly_zero, dtype="float32", name="detail"
        )(x)
        bicubic, measured = (ops.take(bands, self.shared_bands, axis=-1) for bands in (upsampled, coarse))
        output = layers.Add(dtype="float32")([bicubic, detail])
        output = AverageConsistency(self.ratio, dtype="float32")([output, measured])
        return keras.Model([image, guide], output, name="generator")

    def Discriminator(self) -> keras.Model:
        """Return a small PatchGAN of input, guide and image; its output is logits."""
        exp, channels = self.exp, self.exp.INPUT_CHANNELS + self.guide_channels
        return patchgan(channels, exp.OUTPUT_CHANNELS, self.params["discriminator_filters"], downsamplings=2)

    def predict(self, input_image: tf.Tensor, guide: tf.Tensor) -> tf.Tensor:
        """Return the sharpened bands."""
        return self.generator([input_image, guide], training=False)

    @tf.function
    def train_step(
        self, input_image: tf.Tensor, guide: tf.Tensor, target: tf.Tensor, step: tf.Tensor, **fields: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Update both networks once and return the losses by name, unweighted.

        Args:
            input_image: float32, ``(batch, height, width, input band)``.
            guide: float32, ``(batch, height, width, guide band)``.
            target: float32, ``(batch, height, width, output band)``.
            step: int64 scalar, the global step.
            **fields: all other fields by name, for losses.
        """
        return self.update_networks(
            {**fields, "input_image": input_image, "guide": guide, "target": target, "step": step}
        )

    def generate(self, fields: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return the generated images, for which the generator needs the guide too."""
        return self.generator([fields["input_image"], fields["guide"]], training=True)

    def discriminate(self, fields: Mapping[str, tf.Tensor], image: tf.Tensor) -> tf.Tensor:
        """Return the logits of an image, which are seen together with input and guide."""
        condition = tf.concat([fields["input_image"], fields["guide"]], axis=-1)
        return self.discriminator([condition, image], training=True)
