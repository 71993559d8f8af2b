"""Super-resolution as bicubic upsampling plus a learnt correction (after EDSR, Lim et al. 2017).

The input has the grid of the target, with each coarse pixel repeated `RATIO` x `RATIO` times. On this grid the network
would need RATIO squared as many operations without more information, so the coarse pixels are extracted first:

    input -> every RATIO-th pixel -+-> residual blocks -> pixel shuffle -+-> output
                                   +-> shared bands -> bicubic ----------+

The initial correction is nearly zero, so that training starts at bicubic quality. The output is linear.
`random_resize` is switched off: interpolated tiles have no exact blocks of coarse pixels. Runs that former versions
started keep it.

params: `blocks` (5) residual blocks, of `filters` (32) channels; `discriminator_filters` (32); `consistency` (false):
shift every block of `RATIO` x `RATIO` pixels so that its mean is the coarse pixel, for inputs that are averages;
`beta_1` (0.5) of Adam: 0.9 is stable at learning rates of 1e-3 and more, at which 0.5 diverges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from layers.conditional_gan import ConditionalGAN
from layers.consistency import AverageConsistency
from layers.params import known_params
from layers.patchgan import patchgan
from layers.pixel_shuffle import Decimate, PixelShuffle
from layers.weighted_upsampling import Bicubic

if TYPE_CHECKING:
    from experiment import Experiment


class GAN(ConditionalGAN):
    """A residual upsampler with a small PatchGAN discriminator."""

    excluded_augmentation = ("random_resize",)

    def __init__(self, experiment: Experiment) -> None:
        """Check ratio, size and bands, then build networks and optimisers.

        Raises:
            ValueError: a ratio that is no integer of at least 2, a size that it does not divide, shared bands
                that do not fit the channels, `consistency` without them, or unknown `params`.
        """
        defaults = {"blocks": 5, "filters": 32, "discriminator_filters": 32, "consistency": False, "beta_1": 0.5}
        self.params = known_params(experiment, defaults)
        self.adam_settings = {"beta_1": self.params["beta_1"]}
        self.ratio = integer_ratio(experiment)
        self.shared_bands = shared_bands(experiment)
        if self.params["consistency"] and self.shared_bands is None:
            raise ValueError("params: 'consistency' needs the target's bands in the input; leave it out")
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of the diagram above."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        # float32 in the bicubic branch: rounding errors of half precision would exceed the correction.
        coarse = Decimate(self.ratio, dtype="float32")(image)
        output = layers.Add(dtype="float32")([self._correction(coarse), self._bicubic(coarse)])
        if self.params["consistency"]:
            measured = ops.take(coarse, self.shared_bands, axis=-1)
            output = AverageConsistency(self.ratio, dtype="float32")([output, measured])
        return keras.Model(image, output, name="generator")

    def _correction(self, coarse: Any) -> Any:
        """Return the correction of the bicubic prediction, computed on the coarse grid and upsampled."""
        filters = self.params["filters"]
        x = head = layers.Conv2D(filters, 3, padding="same")(coarse)
        for _ in range(self.params["blocks"]):
            # No batch norm: it removes the contrast of the image (as EDSR found).
            residual = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
            x = layers.Add()([x, layers.Conv2D(filters, 3, padding="same")(residual)])
        x = layers.Add()([head, layers.Conv2D(filters, 3, padding="same")(x)])
        nearly_zero = keras.initializers.RandomNormal(0.0, 1e-4)
        channels = self.exp.OUTPUT_CHANNELS * self.ratio**2
        x = layers.Conv2D(channels, 3, padding="same", kernel_initializer=nearly_zero, name="correction")(x)
        return PixelShuffle(self.ratio)(x)

    def _bicubic(self, coarse: Any) -> Any:
        """Return the target's bands, upsampled; if the input lacks them, a learnt linear combination of its bands."""
        if self.shared_bands is None:
            bands = layers.Conv2D(self.exp.OUTPUT_CHANNELS, 1, dtype="float32", name="projection")(coarse)
        else:
            bands = ops.take(coarse, self.shared_bands, axis=-1)
        # As tf.image.resize, for which XLA has no kernel: runs of former versions predict the same.
        return Bicubic(self.ratio, tabulated=True, dtype="float32")(bands)

    def Discriminator(self) -> keras.Model:
        """Return a small PatchGAN; its output is logits."""
        exp = self.exp
        filters = self.params["discriminator_filters"]
        return patchgan(exp.INPUT_CHANNELS, exp.OUTPUT_CHANNELS, filters, downsamplings=2)


def integer_ratio(experiment: Experiment) -> int:
    """Return the factor of the upsampling.

    Raises:
        ValueError: it is no integer of at least 2, or it does not divide the image.
    """
    ratio, height, width = experiment.RATIO, experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    if abs(ratio - round(ratio)) > 1e-6 or round(ratio) < 2:
        raise ValueError(
            f"residual_upsampler needs a ratio of ground sampling distances (input to target) of 2, 3, ..., not {ratio}"
        )
    factor = round(ratio)
    if height % factor or width % factor:
        raise ValueError(
            f"residual_upsampler with ratio {factor} needs img_height and img_width to be multiples of "
            f"{factor}, not {height} and {width}"
        )
    return factor


whole_ratio = integer_ratio  # its former name, which plug-ins may import


def shared_bands(experiment: Experiment) -> list[int] | None:
    """Return the indices of the target's bands in the input, or None if the input lacks one.

    Raises:
        ValueError: the number of indices is not that of the target bands, or the input has no band of an index.
    """
    bands, inputs, outputs = experiment.SHARED_BANDS, experiment.INPUT_CHANNELS, experiment.OUTPUT_CHANNELS
    if bands is None:
        return None
    if len(bands) != outputs or not all(0 <= band < inputs for band in bands):
        raise ValueError(
            f"residual_upsampler needs one input band (0 to {inputs - 1}) for each of the {outputs} target "
            f"bands, not {list(bands)}"
        )
    return list(bands)
