"""Images of half the size, as means of overlapping windows that leave pixels outside of the image out."""

from __future__ import annotations

from typing import Any

from keras import ops


def halved(images: Any) -> Any:
    """Return means of 3 x 3 pixels at every second pixel, ``(batch, ceil(height / 2), ceil(width / 2), channel)``.

    Windows at the border have fewer pixels.

    Args:
        images: ``(batch, height, width, channel)``.
    """
    return _window_sums(images) / _window_sums(ops.ones_like(images[:1, :, :, :1]))


def halved_with_validity(images: Any, validity: Any) -> tuple[Any, Any]:
    """Return means over the valid pixels of the same windows, and 1 where a window has any, otherwise 0.

    Args:
        images: ``(batch, height, width, channel)``.
        validity: of the same shape, 1 or 0.
    """
    counts = _window_sums(validity)
    return _window_sums(images * validity) / ops.maximum(counts, 1.0), ops.cast(counts > 0, images.dtype)


def _window_sums(images: Any) -> Any:
    """Return sums of 3 x 3 pixels; of equal pixels they are exact, which a mean of padded windows would not be.

    A convolution, as slices of every second pixel, and their gradients, would take several times as long.
    """
    padded = ops.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    ones = ops.ones((3, 3, images.shape[-1], 1), images.dtype)
    return ops.depthwise_conv(padded, ones, strides=2, padding="valid", data_format="channels_last")
