"""The conditional GAN of the RSGAN study: its U-Net, its PatchGAN, smooth L1, and its published training by choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from layers.conditional_gan import ConditionalGAN
from layers.optimizers import adam
from layers.padded_block import published_variables
from layers.paired_unet import decoder_blocks, encode_decode, encoder_blocks, fitting_depth, paired_patchgan
from layers.params import known_params
from layers.sizes import require_patches
from losses.pixel import smooth_l1

if TYPE_CHECKING:
    from experiment import Experiment

CGAN_FILTERS = [64, 128, 256, 512, 1024, 1024, 1024, 1024]
PERIOD = 3
"""As published, the first of three steps updates the generator, the other two the discriminator."""


def checked_params(experiment: Experiment, filters: Sequence[int], **further: Any) -> dict[str, Any]:
    """Return the settings of a model with these networks; ``filters`` has as many levels as fit the image.

    Args:
        experiment: its PARAMS, MODEL_NAME and size are used.
        filters: default channels of the encoder, the outermost first.
        further: other settings of the model with their defaults.

    Raises:
        ValueError: a size or a depth that does not fit, too few filters, unknown settings.
    """
    defaults = {
        "filters": list(filters), "depth": None, "last_filters": None, "dropout": 0.4,
        "discriminator_filters": [64, 128, 256, 512],
    }  # fmt: skip
    params = known_params(experiment, defaults | further)
    require_patches(experiment, len(params["discriminator_filters"]) - 1)
    height, width = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    levels = params["depth"] or len(params["filters"])
    depth = fitting_depth(height, width, levels)
    if depth == 0 or levels > len(params["filters"]) or params["depth"] not in (None, depth):
        raise ValueError(
            f"{experiment.MODEL_NAME} has no U-Net of depth {params['depth'] or 2} for {height} x {width} pixels and "
            f"{len(params['filters'])} filters: with depth d the sides are multiples of 2**(d - 1), and at least 2**d"
        )
    return params | {
        "filters": params["filters"][:depth],
        "last_filters": params["last_filters"] or params["filters"][0],
    }


def paired_unet(inputs: Any, params: Mapping[str, Any], output_channels: int, name: str) -> keras.Model:
    """Return the U-Net of one image, or of a list of images that are concatenated, with the settings of a model."""
    x = keras.layers.Concatenate()(inputs) if isinstance(inputs, list) else inputs
    decoder = decoder_blocks(params["filters"], params["last_filters"], params["dropout"])
    return keras.Model(inputs, encode_decode(x, encoder_blocks(params["filters"]), decoder, output_channels), name=name)


class PairedGAN(ConditionalGAN):
    """A conditional GAN with this U-Net; `generate` and `predict` say what the generator sees."""

    gen_losses = {"gen_smooth_l1": 100.0}

    def __init__(self, experiment: Experiment) -> None:
        """Check settings and size, then build networks and optimisers.

        Raises:
            ValueError: see `checked_params`.
        """
        self.params = checked_params(experiment, CGAN_FILTERS, as_published=False)
        super().__init__(experiment)
        if self.params["as_published"]:
            self.adversary_optimizer = adam(experiment, "generator")
            self.adversary_optimizer.build(self.discriminator.trainable_variables)

    def Generator(self) -> keras.Model:
        """Return the U-Net; its output is linear."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        return paired_unet(image, self.params, exp.OUTPUT_CHANNELS, "generator")

    def Discriminator(self) -> keras.Model:
        """Return the PatchGAN; its output is logits."""
        return paired_patchgan(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS, self.params["discriminator_filters"])

    def further_terms(self, fields: Mapping[str, tf.Tensor], generated: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return smooth L1 on the valid pixels."""
        if self.exp.GEN_LOSS["gen_smooth_l1"] is None:
            return {}
        return {"gen_smooth_l1": smooth_l1(generated, fields["target"], fields.get("validity"))}

    def apply_updates(
        self,
        fields: Mapping[str, tf.Tensor],
        of_generator: tuple[tf.GradientTape, tf.Tensor],
        of_discriminator: tuple[tf.GradientTape, tf.Tensor],
    ) -> None:
        """Update both networks; as published one of them, and the discriminator by the generator's loss too."""
        if not self.params["as_published"]:
            super().apply_updates(fields, of_generator, of_discriminator)
            return
        own, other = self.generator.trainable_variables, self.discriminator.trainable_variables
        towards_generator = of_generator[0].gradient(of_generator[1], [own, other])
        towards_discriminator = of_discriminator[0].gradient(of_discriminator[1], other)

        def generator_step() -> tf.Tensor:
            self.generator_optimizer.apply_gradients(zip(towards_generator[0], own, strict=True))
            self.adversary_optimizer.apply_gradients(zip(towards_generator[1], other, strict=True))
            return tf.constant(0)

        def discriminator_step() -> tf.Tensor:
            self.discriminator_optimizer.apply_gradients(zip(towards_discriminator, other, strict=True))
            return tf.constant(1)

        tf.cond(fields["step"] % PERIOD == 0, generator_step, discriminator_step)

    def published_names(self) -> dict[str, dict[str, keras.Variable]]:
        """Return for each network its weights by their published names."""
        return {name: published_variables(getattr(self, name)) for name in ("generator", "discriminator")}
