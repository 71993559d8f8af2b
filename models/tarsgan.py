"""TARSGAN (Tao et al. 2021, doi:10.3390/rs13132614; based on ESRGAN) as in ARISGAN.

    image -> 3 x 3 -> blocks -> 3 x 3 -> [. | image] -> 3 x 3 -> output
    block: 3 x (x -> N x + N dense(x) + N noise(dense(x))), then N input + N x; every N is another gate

A gate multiplies every channel by a factor. In the original ARISGAN code the factors are new random numbers at each
call, so that predictions are random. Here they are learnt, as in the papers; initially they are 1 for the input, 0.2
for the residual and 0 for noise. The original discriminator returns no probability below 0.5, because a ReLU precedes
its sigmoid; here there is no such ReLU. `params: {"as_published": true}` selects the original gates and discriminator.

params: `layers` (16): number of blocks; `experimental_stride` (null): compute dense blocks on a grid that is coarser by
this factor; `concat` (true): the last convolution also gets the image.
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
INPUT_FACTOR, RESIDUAL_FACTOR, NOISE_FACTOR = 1.0, 0.2, 0.0  # initial values of the gates
DEFAULTS = {"layers": 16, "experimental_stride": None, "concat": True, "as_published": False}


class GAN(ConditionalGAN):
    """TARSGAN for images of any size; with `experimental_stride`, of multiples of it."""

    from_logits = False

    def __init__(self, experiment: Experiment) -> None:
        """Check stride and image size, then build networks and optimisers.

        Raises:
            ValueError: a stride that is no integer or does not divide the image; unknown `params`.
        """
        self.params = known_params(experiment, DEFAULTS)
        stride = self.params["experimental_stride"]
        if stride is not None:
            if type(stride) is not int or stride < 1:
                raise ValueError(f"params: 'experimental_stride' must be null or an integer like 2, not {stride!r}")
            require_multiple(experiment, stride)
        super().__init__(experiment)

    def Generator(self) -> keras.Model:
        """Return the network of the diagram above; its output is linear."""
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
        block_input = x
        for _ in range(3):
            dense = self._dense(x)
            noisy = layers.GaussianNoise(NOISE)(dense)
            x = layers.Add()(
                [self._gated(x, INPUT_FACTOR), self._gated(dense, RESIDUAL_FACTOR), self._gated(noisy, NOISE_FACTOR)]
            )
        return layers.Add()([self._gated(block_input, INPUT_FACTOR), self._gated(x, RESIDUAL_FACTOR)])

    def _dense(self, x: Any) -> Any:
        stride = self.params["experimental_stride"]
        return dense_block(x) if stride is None else strided_dense_block(x, stride=stride)

    def _gated(self, x: Any, initial: float) -> Any:
        return (RandomGate() if self.params["as_published"] else Gate(initial))(x)

    def Discriminator(self) -> keras.Model:
        """Return the convolutional discriminator; its output is 512 probabilities for every 16 x 16 pixels."""
        exp = self.exp
        stages = pairs(64, 128, 256, 512)
        return strided_discriminator(exp.INPUT_CHANNELS, exp.OUTPUT_CHANNELS, stages, self._probabilities)

    def _probabilities(self, x: Any) -> Any:
        """Return 512 probabilities at every pixel."""
        x = layers.LeakyReLU(negative_slope=LEAKY_SLOPE)(layers.Dense(512, activation="relu")(x))
        x = layers.Dense(512, activation="relu" if self.params["as_published"] else None)(x)
        return layers.Activation("sigmoid", dtype="float32", name="probability")(x)
