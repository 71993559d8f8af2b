"""Pixel shuffle (sub-pixel upsampling, Shi et al. 2016), and the inverse of nearest-neighbour upsampling."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("pix2earth")
class PixelShuffle(keras.layers.Layer):
    """Depth to space: ``(batch, h, w, ratio**2 * c)`` becomes ``(batch, h * ratio, w * ratio, c)``.

    Channel ``(i * ratio + j) * c + k`` goes to row ``i``, column ``j`` of its block and band ``k``, as in
    ``tf.nn.depth_to_space``.
    """

    def __init__(self, ratio: int, **kwargs: Any) -> None:
        """Store the ratio.

        Args:
            ratio: factor of the upsampling, 1 or more.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Check the number of channels.

        Raises:
            ValueError: it is no multiple of ratio squared.
        """
        channels, factor = input_shape[-1], self.ratio**2
        if channels is None or channels % factor:
            raise ValueError(f"PixelShuffle({self.ratio}) takes a multiple of {factor} channels, not {channels}")

    def call(self, x: Any) -> Any:
        """Return the upsampled tensor."""
        batch, height, width, channels = ops.shape(x)
        ratio = self.ratio
        x = ops.reshape(x, (batch, height, width, ratio, ratio, channels // ratio**2))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (batch, height * ratio, width * ratio, channels // ratio**2))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the upsampled shape."""
        batch, height, width, channels = input_shape
        return (
            batch,
            None if height is None else height * self.ratio,
            None if width is None else width * self.ratio,
            None if channels is None else channels // self.ratio**2,
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "ratio": self.ratio}


@keras.saving.register_keras_serializable("pix2earth")
class ScatteringShuffle(PixelShuffle):
    """The pixel shuffle of the original ARISGAN code: the shape is right, the positions of the pixels are wrong.

    Rows and columns of the blocks are moved behind the channels before the last reshape, so the values of a pixel lie
    side by side along a row instead of in a block.
    """

    def call(self, x: Any) -> Any:
        """Return a tensor of the upsampled shape."""
        batch, height, width, channels = ops.shape(x)
        ratio = self.ratio
        x = ops.reshape(x, (batch, height, width, ratio, ratio, channels // ratio**2))
        x = ops.transpose(x, (0, 1, 2, 5, 3, 4))
        return ops.reshape(x, (batch, height * ratio, width * ratio, channels // ratio**2))


@keras.saving.register_keras_serializable("pix2earth")
class Decimate(keras.layers.Layer):
    """Keep the centre pixel of every ``ratio`` x ``ratio`` block, the exact inverse of nearest-neighbour upsampling.

    ``(batch, h * ratio, w * ratio, c)`` becomes ``(batch, h, w, c)``. After nearest-neighbour upsampling all pixels of
    a block are equal; the centre is used because it is also right if the input was interpolated instead.
    """

    def __init__(self, ratio: int, **kwargs: Any) -> None:
        """Store the ratio.

        Args:
            ratio: 1 or more; height and width are multiples of it.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.ratio = ratio

    def call(self, x: Any) -> Any:
        """Return the coarse tensor."""
        centre = self.ratio // 2
        return x[:, centre :: self.ratio, centre :: self.ratio, :]

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the coarse shape."""
        batch, height, width, channels = input_shape
        return (
            batch,
            None if height is None else height // self.ratio,
            None if width is None else width // self.ratio,
            channels,
        )

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "ratio": self.ratio}
