"""A small U-Net of time steps that knows their dates, to be started at a trivial answer (`start_from`).

    image, mask, days of the year -> U-Net -> output;  pixels that are not hidden are those of the input

It reads the fields `input_mask`, what is hidden in the input, and `dates`, the days of the year of the time steps,
whose sine and cosine are planes of the network's input: otherwise it cannot know how far apart they are. Time
steps are folded into bands (`"fold_dates": true`). Where the mask has the time steps of the target and the input has
its bands, pixels that are not hidden are copied from the input (`keep_clear`); a target without a time axis is that of
the last step.

params: `filters` (32) of the first level, twice as many at each further level; `downsamplings` (3);
`discriminator_filters` (32); `keep_clear` (true).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import keras
import tensorflow as tf
from keras import layers, ops

from layers.conditional_gan import ConditionalGAN
from layers.params import known_params
from layers.patchgan import patchgan
from layers.sizes import require_multiple, require_patches
from layers.small_unet import small_unet

if TYPE_CHECKING:
    from experiment import Experiment

DAYS = 366.0


class GAN(ConditionalGAN):
    """A U-Net of images, mask and dates with a small PatchGAN discriminator."""

    # Interpolation would mix hidden pixels into clear ones.
    excluded_augmentation = ("random_resize",)

    def __init__(self, experiment: Experiment) -> None:
        """Check time steps, fields and size, then build networks and optimisers.

        Raises:
            ValueError: time steps that are not folded, no field `dates`, a size that has no such U-Net, or unknown
                `params`.
        """
        defaults = {"filters": 32, "downsamplings": 3, "discriminator_filters": 32, "keep_clear": True}
        self.params = known_params(experiment, defaults)
        manifest, self.exp = experiment.manifest, experiment
        if "dates" not in manifest.fields:
            raise ValueError(f"dated_unet needs a field dates; the dataset has {', '.join(manifest.fields)}")
        if any(field.time_steps for field in manifest.fields.values()) and not experiment.FOLD_DATES:
            raise ValueError('dated_unet has no time axis: fold the time steps into bands with "fold_dates": true')
        require_multiple(experiment, 2 ** self.params["downsamplings"])
        require_patches(experiment, downsamplings=2)
        self.channels = self._channels_of_target() if self.params["keep_clear"] else None
        super().__init__(experiment)

    def _channels_of_target(self) -> list[int] | None:
        """Return the places of the target's channels in the input; None without them, or with a mask of other steps."""
        manifest = self.exp.manifest
        source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
        mask = manifest.fields[str(manifest.hidden_field)]
        if manifest.shared_bands is None or (mask.time_steps or 1) != (target.time_steps or 1):
            return None
        first = (source.time_steps or 1) - (target.time_steps or 1)
        steps = range(first, source.time_steps or 1)
        return [step * len(source.bands) + band for step in steps for band in manifest.shared_bands]

    def Generator(self) -> keras.Model:
        """Return the network of [image, mask, dates]; dates are scaled to -1 at day 1 and 1 at day 366."""
        exp, fields = self.exp, self.exp.manifest.fields
        size = (exp.IMG_HEIGHT, exp.IMG_WIDTH)
        image = keras.Input((*size, exp.INPUT_CHANNELS), name="input_image")
        steps = fields[str(exp.manifest.hidden_field)].time_steps or 1
        mask = keras.Input((*size, steps), name="input_mask")
        days = keras.Input((*size, fields["dates"].shape[-1] * (fields["dates"].time_steps or 1)), name="dates")
        angle = (days + 1.0) * (math.pi * (DAYS - 1) / DAYS)
        x = layers.Concatenate()([image, mask, ops.sin(angle), ops.cos(angle)])
        x = small_unet(x, self.params["filters"], self.params["downsamplings"])
        output = layers.Conv2D(exp.OUTPUT_CHANNELS, 3, padding="same", dtype="float32")(x)
        return keras.Model([image, mask, days], output, name="generator")

    def Discriminator(self) -> keras.Model:
        """Return a small PatchGAN; its output is logits."""
        exp = self.exp
        return patchgan(exp.INPUT_CHANNELS, exp.OUTPUT_CHANNELS, self.params["discriminator_filters"], downsamplings=2)

    def generate(self, fields: Mapping[str, tf.Tensor], training: bool = True) -> tf.Tensor:
        """Return the generated images; pixels that are not hidden are those of the input."""
        image, mask = fields["input_image"], fields["input_mask"]
        generated = self.generator([image, mask, fields["dates"]], training=training)
        if self.channels is None:
            return generated
        hidden = tf.repeat(mask, self.exp.OUTPUT_CHANNELS // mask.shape[-1], axis=-1)
        return tf.where(hidden > 0, generated, tf.gather(image, self.channels, axis=-1))

    @tf.function
    def train_step(
        self,
        input_image: tf.Tensor,
        target: tf.Tensor,
        input_mask: tf.Tensor,
        dates: tf.Tensor,
        step: tf.Tensor,
        **fields: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        """Update both networks once and return the losses by name, unweighted.

        Args:
            input_image: float32, ``(batch, height, width, time step * band)``.
            target: float32, ``(batch, height, width, time step * band)``.
            input_mask: float32, ``(batch, height, width, time step)``, 1 where the input is hidden.
            dates: float32, ``(batch, height, width, time step)``, days of the year scaled to -1..1.
            step: int64 scalar, the global step.
            **fields: all other fields by name, for losses.
        """
        given = {"input_image": input_image, "target": target, "input_mask": input_mask, "dates": dates, "step": step}
        return self.update_networks({**fields, **given})

    def predict(self, input_image: tf.Tensor, input_mask: tf.Tensor, dates: tf.Tensor) -> tf.Tensor:
        """Return the prediction, without clouds or gaps."""
        fields = {"input_image": input_image, "input_mask": input_mask, "dates": dates}
        return self.generate(fields, training=False)
