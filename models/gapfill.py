"""GAPFILL: gaps in several time steps, filled by a conditional GAN (Godwin et al. 2024, arXiv:2404.19609), rebuilt.

    input, 0 where hidden -> downsamplings -> residual blocks -> upsamplings -> output of all time steps
    hidden pixels of the output, clear pixels of the input -> discriminators at full size, half the size, ...

It uses the dataset's `input_mask`, or a mask `cloud_mask` where the manifest states none: of each time step of the
input, or of those of the target; one without time steps that is `input_mask` hides all of them. The generator does not
see the mask, only zeros. Time steps must be folded into bands (`"fold_dates": true`); their numbers, bands, and what is
hidden are those of the dataset. The target's bands are found in the input by their names; where the input has more time
steps, those of the target are the last ones. Convolutions have spectral normalisation. The generator is updated first;
the discriminator then judges images of the updated generator.

params, with published defaults: `as_published` (false); `statistics` ("running"): predictions use the running
statistics of batch normalisation; "batch", the default of `as_published`, those of the batch, so that a prediction
depends on the images beside it, as in the published evaluation; `filters` (64), `samplings` (4), `blocks` (9) of the
generator; `discriminator_filters` (64), `discriminator_layers` (4), `scales` (2).

It has losses of its own: `gen_hinge_hidden` (1), `disc_hinge_hidden` (1) over patches with hidden pixels, summed over
the scales; `gen_l2_hidden` (5), mean squared error of hidden pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from keras import layers, ops

from layers.conditional_gan import update, with_missing_pixels
from layers.instance_norm import InstanceNorm
from layers.optimizers import adam
from layers.params import known_params
from layers.published_weights import variables
from layers.sizes import require_multiple
from layers.spectral_normalization import SpectralConv2D
from layers.spectral_residual import downsampled, fan_in_uniform, padded, residual
from losses import discriminator_loss, generator_loss
from losses.hidden import disc_hinge_hidden, gen_hinge_hidden, hidden_patches, l2_hidden

if TYPE_CHECKING:
    from experiment import Experiment

DEFAULTS = {
    "as_published": False, "statistics": None, "filters": 64, "samplings": 4, "blocks": 9,
    "discriminator_filters": 64, "discriminator_layers": 4, "scales": 2,
}  # fmt: skip
STATISTICS = ("running", "batch")
SLOPE = 0.2


class GAN:
    """A residual encoder and decoder, and PatchGANs of several scales in one network."""

    gen_losses = {"gen_hinge_hidden": 1.0, "gen_l2_hidden": 5.0}
    disc_losses = {"disc_hinge_hidden": 1.0}
    # Interpolation would mix hidden pixels into clear ones.
    excluded_augmentation = ("random_resize",)

    def __init__(self, experiment: Experiment) -> None:
        """Check settings, time steps, bands and sizes, then build networks and optimisers.

        Raises:
            ValueError: settings that do not exist, time steps that are not folded, a dataset without a mask of the
                input, an input that lacks time steps or bands of the target, a size that does not fit.
        """
        self.exp, self.params = experiment, known_params(experiment, DEFAULTS)
        self.statistics = self.params["statistics"] or STATISTICS[int(self.params["as_published"])]
        if self.statistics not in STATISTICS:
            raise ValueError(
                f"gapfill: params.statistics must be one of {', '.join(STATISTICS)}, not {self.statistics!r}"
            )
        self._check_dataset()
        self.named: dict[str, dict[str, Any]] = {"generator": {}, "discriminator": {}}
        self.generator, self.discriminator = self.Generator(), self.Discriminator()
        self.generator_optimizer, self.discriminator_optimizer = (
            adam(experiment, name, rate, beta_1=0.0, beta_2=0.9, epsilon=1e-8)
            for name, rate in (("generator", 5e-4), ("discriminator", 1e-4))
        )
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)

    def _check_dataset(self) -> None:
        """Check fields, time steps, bands and sizes.

        Raises:
            ValueError: something does not fit.
        """
        exp, manifest = self.exp, self.exp.manifest
        fields = manifest.fields
        if manifest.hidden_field is None:
            raise ValueError(
                f"gapfill needs a mask of what is hidden in the input, which dataset.json names as input_mask; the"
                f" dataset has {', '.join(fields)}"
            )
        if any(field.time_steps for field in fields.values()) and not exp.FOLD_DATES:
            raise ValueError('gapfill has no time axis: fold the time steps into bands with "fold_dates": true')
        source, target = fields[manifest.input], fields[manifest.target]
        self.bands, self.target_bands = len(source.bands), len(target.bands)
        self.steps, self.target_steps = source.time_steps or 1, target.time_steps or 1
        if missing := [band for band in target.bands if band not in source.bands]:
            raise ValueError(f"gapfill fills the input, which lacks {missing[0]} of the target's bands")
        if self.steps < self.target_steps:
            raise ValueError(
                f"gapfill fills the input, which has {self.steps} time steps, fewer than the target's"
                f" {self.target_steps}"
            )
        first = self.steps - self.target_steps
        #: Channels of the input in the order of the target's.
        self.channels = [
            step * self.bands + source.bands.index(band) for step in range(first, self.steps) for band in target.bands
        ]
        patches = 2 ** (self.params["discriminator_layers"] + self.params["scales"] - 2)
        require_multiple(exp, max(2 ** self.params["samplings"], patches))
        # Reflection needs two pixels a side, and instance normalisation more than one patch.
        smallest = 2 * max(2 ** self.params["samplings"], patches)
        if min(exp.IMG_HEIGHT, exp.IMG_WIDTH) < smallest:
            raise ValueError(
                f"gapfill needs img_height and img_width of at least {smallest}, not {exp.IMG_HEIGHT} and"
                f" {exp.IMG_WIDTH}"
            )

    def Generator(self) -> keras.Model:
        """Return the network from images whose hidden pixels are 0 to images of all time steps of the target."""
        exp, params, named = self.exp, self.params, self.named["generator"]
        filters, samplings = params["filters"], params["samplings"]
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        x = ops.relu(padded(image, filters, 7, named, "encoder.init_conv.1"))
        for number in range(samplings):
            x = downsampled(x, filters * 2 ** (number + 1), named, f"encoder.down{number}")
        for number in range(params["blocks"]):
            x = residual(x, filters * 2**samplings, named, f"body.body{number}")
        for number in range(samplings):
            x = layers.UpSampling2D(interpolation="nearest")(x)
            x = residual(x, filters * 2 ** (samplings - number - 1), named, f"decoder.up{number}")
        x = padded(x, exp.OUTPUT_CHANNELS, 3, named, "decoder.final_conv.1")
        return keras.Model(image, layers.Activation("linear", dtype="float32")(x), name="generator")

    def Discriminator(self) -> keras.Model:
        """Return the network of [input with hidden pixels 0, image]; a list of the outputs of all scales."""
        exp = self.exp
        size = (exp.IMG_HEIGHT, exp.IMG_WIDTH)
        images = [keras.Input((*size, exp.INPUT_CHANNELS), name="input_image")]
        images.append(keras.Input((*size, exp.OUTPUT_CHANNELS), name="target_image"))
        shown, outputs, self.features = images, [], []
        for scale in range(self.params["scales"]):
            if scale:
                shown = [layers.AveragePooling2D(2)(image) for image in shown]
            features = self._patches(layers.Concatenate()(shown), f"disc_{scale}")
            self.features += features[:-1]
            outputs.append(layers.Activation("linear", dtype="float32")(features[-1]))
        return keras.Model(images, outputs, name="discriminator")

    def _patches(self, x: Any, name: str) -> list[Any]:
        """Return features of all layers of the PatchGAN of one scale, its output last."""
        named, filters = self.named["discriminator"], self.params["discriminator_filters"]
        named[f"{name}.init_conv.0"] = _plain(filters, x.shape[-1], 2)
        x = ops.leaky_relu(named[f"{name}.init_conv.0"](layers.ZeroPadding2D(2)(x)), SLOPE)
        features, last = [x], self.params["discriminator_layers"] - 2
        for number in range(last + 1):
            convolution = SpectralConv2D(filters * 2 ** (number + 1), 5, 1 if number == last else 2)
            named[f"{name}.conv_{number}.0"] = convolution
            x = ops.leaky_relu(InstanceNorm()(convolution(layers.ZeroPadding2D(2)(x))), SLOPE)
            features.append(x)
        named[f"{name}.final_conv"] = _plain(1, x.shape[-1], 1)
        return [*features, named[f"{name}.final_conv"](layers.ZeroPadding2D(2)(x))]

    def published_names(self) -> dict[str, dict[str, Any]]:
        """Return the variables of each network by their published names."""
        return {
            network: {name: each for key, layer in named.items() for name, each in _variables(key, layer).items()}
            for network, named in self.named.items()
        }

    # ---- training ------------------------------------------------------------------------------------------------

    def hidden(self, input_mask: tf.Tensor) -> tf.Tensor:
        """Return what is hidden in each time step of the input, (batch, height, width, time step)."""
        missing = self.steps - input_mask.shape[-1]
        if missing and self.exp.manifest.input_mask:  # one mask for all
            return tf.repeat(input_mask, self.steps, axis=-1)
        return tf.pad(input_mask, [(0, 0), (0, 0), (0, 0), (missing, 0)]) if missing else input_mask

    def masked(self, input_image: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Return the input with 0 in hidden pixels."""
        return input_image * (1.0 - tf.repeat(hidden, self.bands, axis=-1))

    def filled(self, masked: tf.Tensor, generated: tf.Tensor, hidden: tf.Tensor) -> tf.Tensor:
        """Return generated pixels where they are hidden, those of the input elsewhere."""
        weights = tf.repeat(hidden[..., -self.target_steps :], self.target_bands, axis=-1)
        return generated * weights + tf.gather(masked, self.channels, axis=-1)

    @tf.function
    def train_step(
        self, input_image: tf.Tensor, target: tf.Tensor, input_mask: tf.Tensor, step: tf.Tensor, **fields: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Update the generator, then the discriminator, and return the losses by name, unweighted.

        Args:
            input_image: float32, ``(batch, height, width, input time step * band)``.
            target: float32, ``(batch, height, width, time step * band)``.
            input_mask: float32, ``(batch, height, width, time step)``, 1 where the input is hidden.
            step: int64 scalar, the global step.
            **fields: all other fields by name, for losses.
        """
        hidden, validity = self.hidden(input_mask), fields.get("validity")
        masked, learnt = self.masked(input_image, hidden), hidden[..., -self.target_steps :]
        learnt = learnt if validity is None else learnt * validity
        patches = [
            hidden_patches(learnt, 2 ** (self.params["discriminator_layers"] - 1 + scale))
            for scale in range(self.params["scales"])
        ]
        fields = {**fields, "input_image": input_image, "input_mask": input_mask, "step": step}
        generator = self._train_generator(masked, target, hidden, learnt, patches, fields)
        return {**generator, **self._train_discriminator(masked, target, hidden, patches, fields)}

    def _train_generator(
        self,
        masked: tf.Tensor,
        target: tf.Tensor,
        hidden: tf.Tensor,
        learnt: tf.Tensor,
        patches: list[tf.Tensor],
        fields: dict[str, Any],
    ) -> dict[str, tf.Tensor]:
        """Update the generator and return its losses."""
        exp = self.exp
        with tf.GradientTape() as tape:
            generated = self.generator(masked, training=True)
            image = self.filled(masked, generated, hidden)
            shown = with_missing_pixels(image, target, fields.get("validity"))
            judged = self.discriminator([masked, shown], training=True)
            hinge = [gen_hinge_hidden(*pair) for pair in zip(judged, patches, strict=True)]
            terms = {"gen_hinge_hidden": sum(hinge), "gen_l2_hidden": l2_hidden(generated, target, learnt)}
            total, terms = generator_loss(judged, image, target, exp.GEN_LOSS, None, exp.DATA_RANGE, fields, terms)
            scaled = self.generator_optimizer.scale_loss(total)
        update(self.generator, self.generator_optimizer, tape, scaled)
        return {"total_gen_loss": total, **terms}

    def _train_discriminator(
        self, masked: tf.Tensor, target: tf.Tensor, hidden: tf.Tensor, patches: list[tf.Tensor], fields: dict[str, Any]
    ) -> dict[str, tf.Tensor]:
        """Update the discriminator with images of the updated generator, and return its losses."""
        exp = self.exp
        image = self.filled(masked, self.generator(masked, training=True), hidden)
        shown = tf.stop_gradient(with_missing_pixels(image, target, fields.get("validity")))
        with tf.GradientTape() as tape:
            real = self.discriminator([masked, target], training=True)
            false = self.discriminator([masked, shown], training=True)
            hinge = sum(disc_hinge_hidden(*each) for each in zip(real, false, patches, strict=True))
            total, terms = discriminator_loss(
                real, false, exp.DISC_LOSS, None, exp.LABEL_SMOOTHING, fields, {"disc_hinge_hidden": hinge}
            )
            scaled = self.discriminator_optimizer.scale_loss(total)
        update(self.discriminator, self.discriminator_optimizer, tape, scaled)
        return {"total_disc_loss": total, **terms}

    def predict(self, input_image: tf.Tensor, input_mask: tf.Tensor) -> tf.Tensor:
        """Return the target's time steps and bands of the input with their hidden pixels filled."""
        hidden = self.hidden(input_mask)
        masked = self.masked(input_image, hidden)
        return self.filled(masked, self.generator(masked, training=self.statistics == "batch"), hidden)


def _plain(filters: int, channels: int, stride: int) -> keras.layers.Layer:
    """Return a convolution of 5 x 5 pixels without spectral normalisation."""
    limit = (25 * channels) ** -0.5
    bias = keras.initializers.RandomUniform(-limit, limit)
    return layers.Conv2D(filters, 5, stride, kernel_initializer=fan_in_uniform(), bias_initializer=bias)


def _variables(name: str, layer: Any) -> dict[str, Any]:
    """Return a layer's variables by their published names."""
    if isinstance(layer, SpectralConv2D):
        found = {"weight_orig": layer.kernel, "weight_u": layer.u, "weight_v": layer.v, "bias": layer.bias}
        return {f"{name}.{key}": variable for key, variable in found.items()}
    return variables({name: layer})
