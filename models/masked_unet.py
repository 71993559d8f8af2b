"""A small U-Net that predicts pixels hidden by a mask: clouds in one time step, gaps in a series of time steps.

It uses the field `cloud_mask`: the mask is an input of the network in addition to the image, hidden pixels have
`inside_weight` times the weight of others in the loss, and with `keep_clear` pixels that are not hidden are copied from
the input. Time steps must be folded into bands (`"fold_dates": true`), with the bands of the target last, as in the
synthetic datasets for cloud removal and gap filling.

    image, mask -> U-Net -+-> weights of the time steps, for each pixel -> weighted mean of the time steps -+-> output
                          +-> correction -------------------------------------------------------------------+

params: `filters` (32) of the first level, twice as many at each further level; `discriminator_filters` (32);
`inside_weight` (4.0); `keep_clear` (true); `l1_weight`, the former place of the weight of `gen_l1_masked`.

It has a loss of its own, `gen_l1_masked` (100.0), whose weight `gen_loss` may change as that of any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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

DOWNSAMPLINGS = 2


class GAN(ConditionalGAN):
    """A U-Net of image and mask with a small PatchGAN discriminator."""

    gen_losses = {"gen_l1_masked": 100.0}
    # Interpolation would mix hidden pixels into clear ones.
    excluded_augmentation = ("random_resize",)

    def __init__(self, experiment: Experiment) -> None:
        """Check time steps, bands and mask, then build networks and optimisers.

        Raises:
            ValueError: time steps that are not folded, a dataset without the field `cloud_mask`, an input that lacks
                the target's bands, a size that is no multiple of 4, or unknown `params`.
        """
        defaults = {
            "filters": 32, "discriminator_filters": 32, "inside_weight": 4.0, "l1_weight": None, "keep_clear": True,
        }  # fmt: skip
        self.params = known_params(experiment, defaults)
        if self.params["l1_weight"] is not None:
            experiment.GEN_LOSS["gen_l1_masked"] = self.params["l1_weight"]
        fields = experiment.manifest.fields
        if "cloud_mask" not in fields:
            raise ValueError(f"masked_unet needs a field cloud_mask; the dataset has {', '.join(fields)}")
        if any(field.time_steps for field in fields.values()) and not experiment.FOLD_DATES:
            raise ValueError('masked_unet has no time axis: fold the time steps into bands with "fold_dates": true')
        require_multiple(experiment, 2**DOWNSAMPLINGS)
        require_patches(experiment, downsamplings=2)
        self.target_steps = fields["cloud_mask"].time_steps or 1
        self.bands = experiment.OUTPUT_CHANNELS // self.target_steps
        self.input_steps = experiment.INPUT_CHANNELS // self.bands
        if self.input_steps * self.bands != experiment.INPUT_CHANNELS or self.input_steps < self.target_steps:
            raise ValueError(
                f"masked_unet needs the target's {self.bands} bands in every time step of the input, which has "
                f"{experiment.INPUT_CHANNELS} channels"
            )
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of [image, mask]; the mask has one channel for each time step."""
        exp, filters = self.exp, self.params["filters"]
        size = (exp.IMG_HEIGHT, exp.IMG_WIDTH)
        image = keras.Input((*size, exp.INPUT_CHANNELS), name="input_image")
        mask = keras.Input((*size, self.target_steps), name="cloud_mask")
        x = small_unet(layers.Concatenate()([image, mask]), filters, DOWNSAMPLINGS)
        output = self._weighted_mean(x, image)
        output = output + layers.Conv2D(exp.OUTPUT_CHANNELS, 3, padding="same", dtype="float32")(x)
        if self.params["keep_clear"]:
            hidden = ops.repeat(mask, exp.OUTPUT_CHANNELS // self.target_steps, axis=-1)
            output = hidden * output + (1.0 - hidden) * image[..., -exp.OUTPUT_CHANNELS :]
        return keras.Model([image, mask], output, name="generator")

    def _weighted_mean(self, features: Any, image: Any) -> Any:
        """Return for each time step of the target the mean over those of the input, with weights for each pixel."""
        size, shape = (self.exp.IMG_HEIGHT, self.exp.IMG_WIDTH), (self.target_steps, self.input_steps)
        scores = layers.Conv2D(shape[0] * shape[1], 3, padding="same", dtype="float32")(features)
        weights = layers.Softmax(dtype="float32")(layers.Reshape((*size, *shape))(scores))
        stack = layers.Reshape((*size, self.input_steps, self.bands))(image)
        return layers.Reshape((*size, self.exp.OUTPUT_CHANNELS))(ops.einsum("bhwtd,bhwdc->bhwtc", weights, stack))

    def Discriminator(self) -> keras.Model:
        """Return a small PatchGAN; its output is logits."""
        exp = self.exp
        return patchgan(exp.INPUT_CHANNELS, exp.OUTPUT_CHANNELS, self.params["discriminator_filters"], downsamplings=2)

    def predict(self, input_image: tf.Tensor, cloud_mask: tf.Tensor) -> tf.Tensor:
        """Return the prediction, without clouds or gaps."""
        return self.generator([input_image, cloud_mask], training=False)

    @tf.function
    def train_step(
        self, input_image: tf.Tensor, target: tf.Tensor, cloud_mask: tf.Tensor, step: tf.Tensor, **fields: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Update both networks once and return the losses by name, unweighted.

        Args:
            input_image: float32, ``(batch, height, width, input band)``.
            target: float32, ``(batch, height, width, output band)``.
            cloud_mask: float32, ``(batch, height, width, time step)``, 1 where the target is hidden in the input.
            step: int64 scalar, the global step.
            **fields: all other fields by name, for losses.
        """
        return self.update_networks(
            {**fields, "input_image": input_image, "target": target, "cloud_mask": cloud_mask, "step": step}
        )

    def generate(self, fields: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return the generated images, for which the generator needs the mask too."""
        return self.generator([fields["input_image"], fields["cloud_mask"]], training=True)

    def further_terms(self, fields: Mapping[str, tf.Tensor], generated: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the masked L1 loss."""
        images, weight = (generated, fields["target"], fields["cloud_mask"]), self.params["inside_weight"]
        return {"gen_l1_masked": masked_l1(*images, weight, fields.get("validity"))}


def masked_l1(
    prediction: tf.Tensor,
    target: tf.Tensor,
    mask: tf.Tensor,
    inside_weight: float,
    validity: tf.Tensor | None = None,
) -> tf.Tensor:
    """Return the weighted mean absolute error; hidden pixels have the weight ``inside_weight``, others 1.

    Args:
        prediction: (batch, height, width, time step * band).
        target: of the same shape.
        mask: (batch, height, width, time step), 1 where hidden.
        inside_weight: at least 0.
        validity: (batch, height, width, time step or 1), 1 where the target is a measurement; None: everywhere.
    """
    bands = prediction.shape[-1] // mask.shape[-1]
    weights = 1.0 + (inside_weight - 1.0) * tf.repeat(mask, bands, axis=-1)
    if validity is not None:
        weights *= tf.repeat(validity, prediction.shape[-1] // validity.shape[-1], axis=-1)
    total = tf.reduce_sum(weights)
    return tf.math.divide_no_nan(tf.reduce_sum(weights * tf.abs(prediction - target)), total)
