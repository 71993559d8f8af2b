"""CTGAN: cloud removal from several time steps (Huang and Wu 2022, doi:10.1109/ICIP46576.2022.9897229), rebuilt.

    time step -> feature extractor (shared) -> features, cloud mask, auxiliary image
    features of every pair of time steps -> downsampling (shared) -> conformer -> decoder -> image

The published conformer attends across the *images of a batch*: an output depends on the images beside it, and on
their order. By default ours attends across the channels of one image (`"attention": "channels"`); `"batch"`, the
default of `as_published`, is the published one. Channels are tokens, whose features are the pixels at a quarter of the
size: the size of images is part of the network, and `predict.py` applies it in windows of this size.

params, with published defaults: `as_published` (false); `attention` ("channels"); `filters` (32), `aspp_filters` (128)
of the feature extractor; `fusion_filters` (256) of each pair; `blocks` (1), `heads` (16), `head_features` (1024),
`expansion` (4) of the conformer; `dropout` (0.1); `discriminator_filters` (64); `teacher`, an .npz file with the
weights of a feature extractor by their published names; `recompute` (false): keep less of the features of the
extractor and of the conformer in training, and compute them again for the gradient.

It has losses of its own: `gen_att`, mean squared difference of the cloud masks from those of the teacher, summed over
the time steps (weight 1 where there is a teacher); `gen_aux`, mean absolute difference of the auxiliary images from the
target, summed (published weight 50, off by default).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from layers.aspp import aspp, convolved
from layers.batch_norm import UnbiasedBatchNorm
from layers.cloud_attention import bottleneck, cloud_detection
from layers.conformer import conformers
from layers.optimizers import adam
from layers.params import known_params
from layers.published_weights import assign, variables
from layers.quarter_size import quartered, restored
from layers.recomputation import Segments, TimeSteps
from layers.sizes import require_multiple
from losses import discriminator_loss, generator_loss

if TYPE_CHECKING:
    from experiment import Experiment

DEFAULTS = {
    "as_published": False, "attention": None, "filters": 32, "aspp_filters": 128, "fusion_filters": 256, "blocks": 1,
    "heads": 16, "head_features": 1024, "expansion": 4, "dropout": 0.1, "discriminator_filters": 64, "teacher": None,
    "recompute": False,
}  # fmt: skip
ATTENTION = ("channels", "batch")
SMALLEST = 64
"""Pixels a side of which the discriminator leaves an output."""


class GAN:
    """The generator with its feature extractor, a discriminator, and optionally a teacher."""

    gen_losses = {"gen_att": None, "gen_aux": None}
    # Interpolation blurs the borders of clouds, which the mask finds.
    excluded_augmentation = ("random_resize",)

    def __init__(self, experiment: Experiment) -> None:
        """Check time steps, sizes and settings, then build networks and optimisers.

        Raises:
            ValueError: time steps that are folded, less than 2 or more than 8; a size that is not square or no multiple
                of 4; settings that do not exist; a teacher that cannot be read or does not fit.
        """
        self.exp, self.params = experiment, known_params(experiment, DEFAULTS)
        self.attention = self.params["attention"] or ATTENTION[int(self.params["as_published"])]
        if self.attention not in ATTENTION:
            raise ValueError(f"ctgan: params.attention must be one of {', '.join(ATTENTION)}, not {self.attention!r}")
        self.steps = experiment.INPUT_TIME_STEPS or 0
        if not 2 <= self.steps <= 8 or experiment.OUTPUT_TIME_STEPS:
            raise ValueError(
                'ctgan needs an input of 2 to 8 time steps that are not folded ("fold_dates": false), and a target of'
                " one"
            )
        require_multiple(experiment, 4)
        if experiment.IMG_HEIGHT != experiment.IMG_WIDTH or experiment.IMG_HEIGHT < SMALLEST:
            raise ValueError(
                f"ctgan needs square images of at least {SMALLEST} pixels a side, not {experiment.IMG_HEIGHT} x"
                f" {experiment.IMG_WIDTH}"
            )
        self.names: dict[str, dict[str, Any]] = {"generator": {}, "discriminator": {}}
        self.extractor_names: dict[str, Any] = {}
        extractor = self.feature_extractor(self.extractor_names)
        self.generator = self.Generator(extractor)
        self.discriminator = self.Discriminator()
        self.teacher = self._teacher() if self.params["teacher"] else None
        if self.teacher is None and experiment.GEN_LOSS.get("gen_att"):
            raise ValueError("ctgan: gen_loss.gen_att needs params.teacher, which gives the cloud masks to learn")
        self.generator_optimizer, self.discriminator_optimizer = (
            adam(experiment, network, 5e-4, beta_1=0.5, epsilon=1e-8, weight_decay=5e-4)
            for network in ("generator", "discriminator")
        )
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    # ---- networks ------------------------------------------------------------------------------------------------

    def feature_extractor(self, named: dict[str, Any]) -> keras.Model:
        """Return the network from one image to [cloud mask, features, auxiliary image], the mask from 0 to 1.

        Args:
            named: receives the layers by their published names.
        """
        exp, filters = self.exp, self.params["filters"]
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="image")
        x = convolved(image, filters, 3, named, "conv_in")
        detect = cloud_detection(filters, named)
        x = ops.relu(bottleneck(x, filters, named, "bottle1") + x)
        mask = detect(x)
        for number in (2, 3):
            x = ops.relu(bottleneck(x, filters, named, f"bottle{number}") * mask + x)
        mask = detect(x)
        for number in (4, 5):
            x = ops.relu(bottleneck(x, filters, named, f"bottle{number}") * mask + x)
        x = ops.relu(bottleneck(x, filters, named, "bottle6") + x)
        features = aspp(x, filters, self.params["aspp_filters"], named, "ASPP", dropout=self.params["dropout"])
        named["aux_conv"] = layers.Conv2D(exp.OUTPUT_CHANNELS, 3, padding="same")
        auxiliary = layers.Activation("tanh", dtype="float32")(named["aux_conv"](features))
        mask = layers.Activation("linear", dtype="float32")(mask)
        return keras.Model(image, [mask, features, auxiliary], name="feature_extractor")

    def Generator(self, extractor: keras.Model) -> keras.Model:
        """Return the network from time steps (time, height, width, band) to [image, cloud masks, auxiliary images].

        Masks and auxiliary images have a time axis before height.
        """
        exp, params, named = self.exp, self.params, self.names["generator"]
        size, quarter = exp.IMG_HEIGHT, exp.IMG_HEIGHT // 4
        series = keras.Input((self.steps, size, size, exp.INPUT_CHANNELS), name="input_image")
        # One call for each time step: in training each has its own batch statistics, as published.
        masks, features, auxiliary = zip(*(extractor(series[:, step]) for step in range(self.steps)), strict=True)
        named |= {f"feature_extractor.{name}": layer for name, layer in self.extractor_names.items()}
        downsample = quartered(2 * params["filters"], params["fusion_filters"], named, (size, size))
        pairs = combinations(range(self.steps), 2)
        x = layers.Concatenate()([downsample(ops.concatenate([features[i], features[j]], -1)) for i, j in pairs])
        channels = x.shape[-1]
        x = ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (-1, channels, quarter * quarter))
        if self.attention == "batch":
            x = ops.transpose(x, (1, 0, 2))
        sizes = {key: params[key] for key in ("heads", "head_features", "expansion", "dropout")}
        tokens = [x, *conformers(x, named, "transformer.comformer", params["blocks"], **sizes)]
        x = tokens[-1]
        if self.attention == "batch":
            x = ops.transpose(x, (1, 0, 2))
        x = ops.transpose(ops.reshape(x, (-1, channels, quarter, quarter)), (0, 2, 3, 1))
        output = restored(x, exp.OUTPUT_CHANNELS, named)
        if params["recompute"]:
            self.segments = Segments(tokens, source=list(features), output=output)
            (image,), (mask, extracted, auxiliary_image) = extractor.inputs, extractor.outputs
            self.extraction = TimeSteps(image, [extracted, mask], self.steps)
            # Not computed again: without a loss its weights get no gradient, and would get zeros.
            self.auxiliary = Segments([extracted], output=auxiliary_image)
        return keras.Model(series, [output, ops.stack(masks, 1), ops.stack(auxiliary, 1)], name="generator")

    def _recomputed(self, series: tf.Tensor) -> list[tf.Tensor]:
        """Return what the generator returns in training; most of it is computed again for the gradient."""
        features, masks = map(list, zip(*self.extraction(series), strict=True))
        images = [self.auxiliary(each) for each in features]
        return [self.segments(features), tf.stack(masks, 1), tf.stack(images, 1)]

    def Discriminator(self) -> keras.Model:
        """Return the network from [folded time steps, image] to logits of patches."""
        exp, filters, named = self.exp, self.params["discriminator_filters"], self.names["discriminator"]
        size = (exp.IMG_HEIGHT, exp.IMG_WIDTH)
        series = keras.Input((*size, self.steps * exp.INPUT_CHANNELS), name="input_image")
        image = keras.Input((*size, exp.OUTPUT_CHANNELS), name="target_image")
        x = layers.Concatenate()([series, image])
        for index, (number, width) in enumerate(zip((0, 2, 5, 8, 11), (1, 1, 2, 4, 8), strict=True)):
            conv = named[f"discriminator.{number}"] = layers.Conv2D(width * filters, 4, 2, use_bias=index == 0)
            x = conv(layers.ZeroPadding2D()(x))
            if index:
                norm = named[f"discriminator.{number + 1}"] = UnbiasedBatchNorm()
                x = norm(x)
            x = ops.leaky_relu(x, 0.2)
        last = named["discriminator.14"] = layers.Conv2D(1, 4)
        logits = layers.Activation("linear", dtype="float32")(last(layers.ZeroPadding2D()(x)))
        return keras.Model([series, image], logits, name="discriminator")

    def published_names(self) -> dict[str, dict[str, Any]]:
        """Return the variables of each network by their published names."""
        return {network: variables(named) for network, named in self.names.items()}

    def _teacher(self) -> keras.Model:
        """Return a feature extractor with the weights of the teacher's file, which are not trained.

        Raises:
            ValueError: the file cannot be read, or does not fit.
        """
        named: dict[str, Any] = {}
        path = Path(self.params["teacher"])
        teacher = self.feature_extractor(named)
        try:
            with np.load(path, allow_pickle=False) as file:
                state = dict(file)
        except (OSError, ValueError) as error:
            raise ValueError(f"params.teacher: {path}: cannot be read as .npz: {error}") from None
        try:
            assign(state, variables(named))
        except ValueError as error:
            raise ValueError(f"params.teacher: {path}: does not fit: {error}") from None
        teacher.trainable = False
        if self.exp.GEN_LOSS.get("gen_att") is None:
            self.exp.GEN_LOSS["gen_att"] = 1.0
        return teacher

    # ---- training ------------------------------------------------------------------------------------------------

    @tf.function
    def train_step(
        self, input_image: tf.Tensor, target: tf.Tensor, step: tf.Tensor, **fields: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Update the discriminator, then the generator against the updated one; return the losses, unweighted.

        Args:
            input_image: float32, ``(batch, time step, height, width, input band)``.
            target: float32, ``(batch, height, width, output band)``.
            step: int64 scalar, the global step.
            **fields: all other fields by name, for losses.
        """
        exp = self.exp
        series = folded(input_image)
        with tf.GradientTape() as tape:
            network = self._recomputed if self.params["recompute"] else partial(self.generator, training=True)
            generated, masks, auxiliary = network(input_image)
            with tape.stop_recording():
                judged, judged_terms = self._judge(series, generated, target, fields)
            logits = self.discriminator([series, generated], training=True)
            total, terms = generator_loss(
                logits, generated, target, exp.GEN_LOSS, None, exp.DATA_RANGE, {**fields, "step": step},
                self._own_terms(input_image, masks, auxiliary, target),
            )  # fmt: skip
            scaled = self.generator_optimizer.scale_loss(total)
        _update(self.generator, self.generator_optimizer, tape, scaled)
        return {"total_gen_loss": total, **terms, "total_disc_loss": judged, **judged_terms}

    def _judge(
        self, series: tf.Tensor, generated: tf.Tensor, target: tf.Tensor, fields: Mapping[str, tf.Tensor]
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Update the discriminator; return its loss and the terms."""
        exp = self.exp
        with tf.GradientTape() as tape:
            false = self.discriminator([series, tf.stop_gradient(generated)], training=True)
            true = self.discriminator([series, target], training=True)
            total, terms = discriminator_loss(true, false, exp.DISC_LOSS, None, exp.LABEL_SMOOTHING, fields)
            scaled = self.discriminator_optimizer.scale_loss(total)
        _update(self.discriminator, self.discriminator_optimizer, tape, scaled)
        return total, terms

    def _own_terms(
        self, series: tf.Tensor, masks: tf.Tensor, auxiliary: tf.Tensor, target: tf.Tensor
    ) -> dict[str, Any]:
        """Return the values of the losses of this model, which are sums over the time steps."""
        terms = {"gen_aux": auxiliary_loss(auxiliary, target), "gen_att": tf.constant(0.0)}
        if self.teacher is not None:
            taught = [self.teacher(series[:, step], training=False)[0] for step in range(self.steps)]
            terms["gen_att"] = attention_loss(masks, tf.stack(taught, axis=1))
        return terms

    def predict(self, input_image: tf.Tensor) -> tf.Tensor:
        """Return the image without clouds."""
        return self.generator(input_image, training=False)[0]


def attention_loss(masks: tf.Tensor, taught: tf.Tensor) -> tf.Tensor:
    """Return the mean squared difference of masks (batch, time step, height, width, 1), summed over time steps."""
    return masks.shape[1] * tf.reduce_mean(tf.square(masks - tf.stop_gradient(taught)))


def auxiliary_loss(auxiliary: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Return the mean absolute difference of images (batch, time step, ...) from the target, summed over time steps."""
    return auxiliary.shape[1] * tf.reduce_mean(tf.abs(auxiliary - target[:, None]))


def folded(series: tf.Tensor) -> tf.Tensor:
    """Return time steps (batch, time, height, width, band) as bands, those of the first time step first."""
    _, steps, height, width, bands = series.shape
    return tf.reshape(tf.transpose(series, (0, 2, 3, 1, 4)), (-1, height, width, steps * bands))


def _update(network: keras.Model, optimizer: Any, tape: tf.GradientTape, loss: tf.Tensor) -> None:
    """Apply a gradient to the weights that have one: others, as of an auxiliary image without a loss, do not decay."""
    weights = network.trainable_variables
    gradients = zip(tape.gradient(loss, weights), weights, strict=True)
    if pairs := [(gradient, weight) for gradient, weight in gradients if gradient is not None]:
        optimizer.apply_gradients(pairs)
