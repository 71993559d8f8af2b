"""Pix2PixCC (Jeong, Moon, Park, Lee and Baek 2022, arXiv:2204.12068), rebuilt.

    image -> 7 x 7 -> 5 x 5, stride 2, `downsamplings` times -> residual blocks -> upsampled as often -> 7 x 7 -> output

The output is linear. Discriminators at `scales` resolutions give features for the loss `gen_fm`; the inspector is the
loss `gen_cc`, correlation coefficients at several resolutions. The published weights of losses are, for one scale,

    "gen_loss": {"gen_lsgan": 1, "gen_fm": 10, "gen_cc": 5}, "disc_loss": {"disc_lsgan": 1}

(lambda_LSGAN 2 times the published factor 0.5). The published program adds the least squares of scales up, here they
are averaged: with n scales, it has weights of n for `gen_lsgan` and `disc_lsgan`.

params, with published defaults and names: `as_published` (false); `filters` (64, n_gf); `downsamplings` (4,
n_downsample); `residual_blocks` (9, n_residual); `norm` ("instance" or "batch", norm_type); `padding` ("replication",
"reflection" or "zero", padding_type); `transposed` (true, trans_conv), false: bilinear upsampling and a convolution;
`discriminator_filters` (64, n_df); `scales` (1, n_D); `channel_balance` (1.0, ch_balance): of input and target, the one
with fewer bands is repeated for the discriminator until both have about as many, 0: never; `correlation_scales` (4,
n_CC) and `concordance` (true, ccc; false: Pearson's coefficient) of `gen_cc`; `accumulated_features`: `gen_fm` counts
the first scales several times (default: as_published); `epsilon` (1e-8) of `gen_cc` and of Adam; `beta_1` (0.5);
`beta_2` (0.999); `recompute` (false): keep less of the generator's features in training and compute them again for the
gradient, for large images.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from keras import layers

from layers.batch_norm import UnbiasedBatchNorm
from layers.biased_convolution import conv, doubling_conv
from layers.conditional_gan import ConditionalGAN, Judged
from layers.instance_norm import InstanceNorm
from layers.multiscale_discriminator import by_scale, multiscale_discriminator
from layers.padding import KINDS, Padding
from layers.params import known_params
from layers.published_weights import variables
from layers.recomputation import Segments
from layers.sizes import require_multiple, require_patches
from layers.weighted_upsampling import AlignedBilinear

if TYPE_CHECKING:
    from experiment import Experiment

DEFAULTS = {
    "as_published": False, "filters": 64, "downsamplings": 4, "residual_blocks": 9, "norm": "instance",
    "padding": "replication", "transposed": True, "discriminator_filters": 64, "scales": 1, "channel_balance": 1.0,
    "correlation_scales": 4, "concordance": True, "accumulated_features": None, "epsilon": 1e-8, "beta_1": 0.5,
    "beta_2": 0.999, "recompute": False,
}  # fmt: skip
NORMS = ("instance", "batch")
SMALLEST = {"filters": 1, "downsamplings": 0, "residual_blocks": 0, "discriminator_filters": 1, "scales": 1,
            "correlation_scales": 1}  # fmt: skip


class GAN(ConditionalGAN):
    """The residual generator, discriminators at several scales, and the inspector's settings."""

    def __init__(self, experiment: Experiment) -> None:
        """Check settings and sizes, then build networks and optimisers.

        Raises:
            ValueError: settings that do not exist or are too small; a size that the downsamplings do not divide, or
                of which a scale leaves no patch.
        """
        self.params = params = known_params(experiment, DEFAULTS)
        for name, allowed in (("norm", NORMS), ("padding", KINDS)):
            if params[name] not in allowed:
                raise ValueError(f"params: '{name}' must be one of {', '.join(allowed)}, not {params[name]!r}")
        for name, least in SMALLEST.items():
            if params[name] < least:
                raise ValueError(f"params: '{name}' must be {least} or more, not {params[name]}")
        require_multiple(experiment, 2 ** params["downsamplings"])
        require_patches(experiment, downsamplings=2 + params["scales"])
        if min(experiment.IMG_HEIGHT, experiment.IMG_WIDTH) < 2 ** (params["downsamplings"] + 1):
            raise ValueError(
                f"pix2pixcc needs img_height and img_width of at least {2 ** (params['downsamplings'] + 1)}, not"
                f" {experiment.IMG_HEIGHT} and {experiment.IMG_WIDTH}: after the downsamplings one pixel would be left"
            )
        accumulated = params["accumulated_features"]
        self.loss_settings = {
            "cc_scales": params["correlation_scales"],
            "cc_concordance": params["concordance"],
            "cc_epsilon": params["epsilon"],
            "fm_accumulated": params["as_published"] if accumulated is None else bool(accumulated),
        }
        self.adam_settings = {name: params[name] for name in ("beta_1", "beta_2", "epsilon")}
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of the diagram above; layers have their published names, ``model.<number>``."""
        exp = self.exp
        x = image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        boundaries = [image]
        for number, stage in enumerate(self._stages()):
            x = stage(x, name=f"model.{number}")
            if stage in (_mish, self._residual):
                boundaries.append(x)
        output = layers.Activation("linear", dtype="float32", name="image")(x)
        if self.params["recompute"]:
            self.segments = Segments([*boundaries, output])
        return keras.Model(image, output, name="generator")

    def generate(self, fields: Mapping[str, tf.Tensor]) -> tf.Tensor:
        """Return the generated images of a training step."""
        return self.segments(fields["input_image"]) if self.params["recompute"] else super().generate(fields)

    def _stages(self) -> list[Callable[..., Any]]:
        """Return the functions of the generator's features in the order of the published ``nn.Sequential``."""
        params = self.params
        filters, count = params["filters"], params["downsamplings"]
        stages: list[Any] = [self._padded(3), partial(conv, filters=filters, kernel_size=7), self._norm, _mish]
        for level in range(1, count + 1):
            stages += [partial(conv, filters=filters * 2**level, kernel_size=5, stride=2, padding=2)]
            stages += [self._norm, _mish]
        stages += [self._residual] * params["residual_blocks"]
        for level in reversed(range(count)):
            stages += [*self._upsampled(filters * 2**level), self._norm, _mish]
        return [*stages, self._padded(3), partial(conv, filters=self.exp.OUTPUT_CHANNELS, kernel_size=7)]

    def _upsampled(self, filters: int) -> list[Callable[..., Any]]:
        """Return the functions of an upsampling by 2."""
        if self.params["transposed"]:
            return [partial(doubling_conv, filters=filters)]
        return [_bilinear, self._padded(1), partial(conv, filters=filters, kernel_size=3)]

    def _residual(self, x: Any, name: str) -> Any:
        """Return the sum of x and two convolutions with norms; nothing follows the sum."""
        filters = x.shape[-1]
        convolved = partial(conv, filters=filters, kernel_size=3)
        stages: list[Any] = [self._padded(1), convolved, self._norm, _mish, self._padded(1), convolved, self._norm]
        residual = x
        for number, stage in enumerate(stages):
            residual = stage(residual, name=f"{name}.block.{number}")
        return layers.Add(name=name)([x, residual])

    def _padded(self, size: int) -> Callable[..., Any]:
        """Return the function that pads images as ``padding`` says."""
        return lambda x, name: Padding(size, self.params["padding"], name=name)(x)

    def _norm(self, x: Any, name: str) -> Any:
        """Return normalised features."""
        if self.params["norm"] == "instance":
            return InstanceNorm(name=name)(x)
        scales = keras.initializers.RandomNormal(1.0, 0.02)
        return UnbiasedBatchNorm(gamma_initializer=scales, name=name)(x)

    def Discriminator(self) -> keras.Model:
        """Return the discriminators of all scales; `by_scale` divides their outputs."""
        exp, params = self.exp, self.params
        return multiscale_discriminator(
            exp.INPUT_CHANNELS,
            exp.OUTPUT_CHANNELS,
            params["discriminator_filters"],
            params["scales"],
            params["channel_balance"],
        )

    def discriminate(self, fields: Mapping[str, tf.Tensor], image: tf.Tensor) -> Judged:
        """Return the logits of each scale, and the outputs of all blocks as features."""
        scales = by_scale(self.discriminator([fields["input_image"], image], training=True))
        return Judged([blocks[-1] for blocks in scales], scales)

    def update_networks(self, fields: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Update both networks once, with the settings of `gen_cc` and `gen_fm` that `params` states."""
        return super().update_networks({**fields, **self.loss_settings})

    def published_names(self) -> dict[str, dict[str, keras.Variable]]:
        """Return the variables of each network by their published names."""
        networks = {"generator": self.generator, "discriminator": self.discriminator}
        return {key: variables({layer.name: layer for layer in each.layers}) for key, each in networks.items()}


def _mish(x: Any, name: str) -> Any:
    """Return x tanh(log(1 + e^x)) (Misra 2019)."""
    return layers.Activation("mish", name=name)(x)


def _bilinear(x: Any, name: str) -> Any:
    """Return x, upsampled by 2."""
    return AlignedBilinear(2, name=name)(x)
