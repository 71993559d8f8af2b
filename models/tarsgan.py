"""TARSGAN (Tao et al. 2021, doi:10.3390/rs13132614; of the ESRGAN family) as ARISGAN has it.

    image -> 3 x 3 -> blocks -> 3 x 3 -> [. | image] -> 3 x 3 -> output
    block: 3 x (x -> N x + N dense(x) + N noise(dense(x))), then N before + N x, each N a gate of its own

In the published program every gate is a new random draw at each call, training or not, so that a prediction is
random; ours are learnt, one factor a channel, as the papers have it: at first 1 for what passes, 0.2 for what a block
adds, 0 for its noise. The published discriminator cannot score below one half, since a ReLU comes before its sigmoid;
ours lacks that ReLU. `params: {"as_published": true}` has the published gates and discriminator.

params: `layers` (16) blocks; `experimental_stride` (null): compute dense blocks on a grid this much coarser; `concat`
(true): show the image to the last convolution again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from layers.conditional_gan import ConditionalGAN
from layers.convolution import LEAKY_SLOPE, conv, image_output
from layers.dense_block import dense_block, strided_dense_block
from layers.gates import Gate, RandomGate
from layers.params import known_params
from layers.sizes import require_multiple
from layers.strided_discriminator import pairs, strided_discriminator

if TYPE_CHECKING:
    from experiment import Experiment

FILTERS = 32
NOISE = 0.1
PASSED, ADDED, NOISY = 1.0, 0.2, 0.0
DEFAULTS = {"layers": 16, "experimental_stride": None, "concat": True, "as_published": False}


class GAN(ConditionalGAN):
    """TARSGAN for images of any size, or of multiples of its stride."""

    from_logits = False

    def __init__(self, experiment: Experiment) -> None:
        """Check stride and size, then build networks and optimisers.

        Raises:
            ValueError: a stride that is no whole number or does not divide the image; unknown `params`.
        """
        self.params = known_params(experiment, DEFAULTS)
        stride = self.params["experimental_stride"]
        if stride is not None:
            if type(stride) is not int or stride < 1:
                raise ValueError(f"params: 'experimental_stride' must be null or a whole number like 2, not {stride!r}")
            require_multiple(experiment, stride)
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of the drawing above; its output is linear."""
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS), name="input_image")
        x = conv(3, FILTERS, 1, batchnorm=False, lrelu=False)(image)
        for _ in range(self.params["layers"]):
            x = self._block(x)
        x = conv(3, FILTERS, 1, batchnorm=False, lrelu=False)(x)
        if self.params["concat"]:
            x = layers.Concatenate()([x, image])
        return keras.Model(image, image_output(x, exp.OUTPUT_CHANNELS, kernel_size=3), name="generator")

    def _block(self, x: Any) -> Any:
        """Return the features after three gated dense blocks."""
        before = x
        for _ in range(3):
            made = self._dense(x)
            noise = layers.GaussianNoise(NOISE)(made)
            x = layers.Add()([self._gated(x, PASSED), self._gated(made, ADDED), self._gated(noise, NOISY)])
        return layers.Add()([self._gated(before, PASSED), self._gated(x, ADDED)])

    def _dense(self, x: Any) -> Any:
        stride = self.params["experimental_stride"]
        return dense_block(x) if stride is None else strided_dense_block(x, stride=stride)

    def _gated(self, x: Any, initial: float) -> Any:
        return (RandomGate() if self.params["as_published"] else Gate(initial))(x)

    def Discriminator(self) -> keras.Model:
        """Return the convolutional classifier; its output is probabilities, 512 for each 16th pixel."""
        exp = self.exp
        return strided_discriminator(exp.INPUT_CHANNELS, exp.OUTPUT_CHANNELS, pairs(64, 128, 256, 512), self._logits)

    def _logits(self, x: Any) -> Any:
        """Return 512 probabilities at every pixel."""
        x = layers.LeakyReLU(negative_slope=LEAKY_SLOPE)(layers.Dense(512, activation="relu")(x))
        x = layers.Dense(512, activation="relu" if self.params["as_published"] else None)(x)
        return layers.Activation("sigmoid", dtype="float32", name="probability")(x)
