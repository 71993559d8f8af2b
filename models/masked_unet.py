"""A small U-Net that fills in what a mask hides: clouds on one date, gaps in a stack of dates.

It asks for the field `cloud_mask` by its name: the network sees it beside the image, the loss counts hidden pixels
`inside_weight` times, and with `keep_clear` what is not hidden is handed through as it is. Dates are folded into bands
(`"fold_dates": true`), the target's bands last, as in the cloud removal and gap filling datasets of the made-up Earth.

    image, mask -> U-Net -+-> weights of the dates, for each pixel -> mixture of the dates -+-> output
                          +-> correction ---------------------------------------------------+

params: `filters` (32) of the first level, doubled twice; `discriminator_filters` (32); `inside_weight` (4.0);
`l1_weight` (100.0) of the masked L1, beside what `gen_loss` weighs; `keep_clear` (true).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from keras import layers, ops

from layers.conditional_gan import ConditionalGAN, update
from layers.params import known_params
from layers.patchgan import patchgan
from layers.sizes import require_multiple, require_patches
from losses import discriminator_loss, generator_loss

if TYPE_CHECKING:
    from experiment import Experiment

HALVINGS = 2


class GAN(ConditionalGAN):
    """A U-Net on image and mask against a small PatchGAN."""

    def __init__(self, experiment: Experiment) -> None:
        """Check dates, bands and mask, then build networks and optimisers.

        Raises:
            ValueError: dates that are not folded, a dataset without the field `cloud_mask`, an input that lacks the
                target's bands, a size that is no multiple of 4, or unknown `params`.
        """
        defaults = {
            "filters": 32, "discriminator_filters": 32, "inside_weight": 4.0, "l1_weight": 100.0, "keep_clear": True,
        }  # fmt: skip
        self.params = known_params(experiment, defaults)
        fields = experiment.manifest.fields
        if "cloud_mask" not in fields:
            raise ValueError(f"masked_unet needs a field cloud_mask; the dataset has {', '.join(fields)}")
        if any(field.time_steps for field in fields.values()) and not experiment.FOLD_DATES:
            raise ValueError('masked_unet knows one date: fold them with "fold_dates": true')
        require_multiple(experiment, 2**HALVINGS)
        require_patches(experiment, halvings=2)
        self.target_dates = fields["cloud_mask"].time_steps or 1
        self.bands = experiment.OUTPUT_CHANNELS // self.target_dates
        self.dates = experiment.INPUT_CHANNELS // self.bands
        if self.dates * self.bands != experiment.INPUT_CHANNELS or self.dates < self.target_dates:
            raise ValueError(
                f"masked_unet needs the target's {self.bands} bands on every date of the input, which has "
                f"{experiment.INPUT_CHANNELS} channels"
            )
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of [image, mask], the mask one channel a date."""
        exp, filters = self.exp, self.params["filters"]
        size = (exp.IMG_HEIGHT, exp.IMG_WIDTH)
        image = keras.Input((*size, exp.INPUT_CHANNELS), name="input_image")
        mask = keras.Input((*size, self.target_dates), name="cloud_mask")
        x = layers.Concatenate()([image, mask])
        skips = []
        for level in range(HALVINGS):
            x = _twice(x, filters * 2**level)
            skips.append(x)
            x = layers.MaxPooling2D()(x)
        x = _twice(x, filters * 2**HALVINGS)
        for skip in reversed(skips):
            x = layers.UpSampling2D(interpolation="bilinear")(x)
            x = _twice(layers.Concatenate()([x, skip]), skip.shape[-1])
        made = self._mixture(x, image) + layers.Conv2D(exp.OUTPUT_CHANNELS, 3, padding="same", dtype="float32")(x)
        if self.params["keep_clear"]:
            hidden = ops.repeat(mask, exp.OUTPUT_CHANNELS // self.target_dates, axis=-1)
            made = hidden * made + (1.0 - hidden) * image[..., -exp.OUTPUT_CHANNELS :]
        return keras.Model([image, mask], made, name="generator")

    def _mixture(self, features: Any, image: Any) -> Any:
        """Return for each date of the target the mean over the input's dates, weighted pixel by pixel."""
        size, shape = (self.exp.IMG_HEIGHT, self.exp.IMG_WIDTH), (self.target_dates, self.dates)
        scores = layers.Conv2D(shape[0] * shape[1], 3, padding="same", dtype="float32")(features)
        weights = layers.Softmax(dtype="float32")(layers.Reshape((*size, *shape))(scores))
        stack = layers.Reshape((*size, self.dates, self.bands))(image)
        return layers.Reshape((*size, self.exp.OUTPUT_CHANNELS))(ops.einsum("bhwtd,bhwdc->bhwtc", weights, stack))

    def Discriminator(self) -> keras.Model:
        """Return a small PatchGAN; its output is logits."""
        exp = self.exp
        return patchgan(exp.INPUT_CHANNELS, exp.OUTPUT_CHANNELS, self.params["discriminator_filters"], halvings=2)

    def predict(self, input_image: tf.Tensor, cloud_mask: tf.Tensor) -> tf.Tensor:
        """Return the image without clouds or gaps."""
        return self.generator([input_image, cloud_mask], training=False)

    @tf.function
    def train_step(
        self, input_image: tf.Tensor, target: tf.Tensor, cloud_mask: tf.Tensor, step: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Update both networks once and return the losses by name, unweighted.

        Args:
            input_image: float32, ``(batch, height, width, input band)``.
            target: float32, ``(batch, height, width, output band)``.
            cloud_mask: float32, ``(batch, height, width, date)``, 1 where the target is hidden in the input.
            step: int64 scalar, the global step.
        """
        exp = self.exp
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            generated = self.generator([input_image, cloud_mask], training=True)
            real_logits = self.discriminator([input_image, target], training=True)
            generated_logits = self.discriminator([input_image, generated], training=True)
            total, terms = generator_loss(
                generated_logits, generated, target, exp.GEN_LOSS, self.loss_object, exp.DATA_RANGE
            )
            masked = masked_l1(generated, target, cloud_mask, self.params["inside_weight"])
            total = total + self.params["l1_weight"] * masked
            disc_total, disc_terms = discriminator_loss(real_logits, generated_logits, exp.DISC_LOSS, self.loss_object)
            scaled = self.generator_optimizer.scale_loss(total)
            disc_scaled = self.discriminator_optimizer.scale_loss(disc_total)
        update(self.generator, self.generator_optimizer, generator_tape, scaled)
        update(self.discriminator, self.discriminator_optimizer, discriminator_tape, disc_scaled)
        return {
            "total_gen_loss": total, **terms, "gen_l1_masked": masked, "total_disc_loss": disc_total, **disc_terms,
        }  # fmt: skip


def masked_l1(made: tf.Tensor, wanted: tf.Tensor, mask: tf.Tensor, inside_weight: float) -> tf.Tensor:
    """Return the mean absolute error with hidden pixels counted ``inside_weight`` times.

    Args:
        made: (batch, height, width, date * band).
        wanted: likewise.
        mask: (batch, height, width, date), 1 where hidden.
        inside_weight: at least 0.
    """
    weights = 1.0 + (inside_weight - 1.0) * tf.repeat(mask, made.shape[-1] // mask.shape[-1], axis=-1)
    return tf.reduce_sum(weights * tf.abs(made - wanted)) / tf.reduce_sum(weights)


def _twice(x: Any, filters: int) -> Any:
    """Return x after two convolutions."""
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
    return x
