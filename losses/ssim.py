"""Structural similarity (Wang, Bovik, Sheikh and Simoncelli 2004) as a loss, for any Keras backend."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from losses.masking import mean, whole_windows

#: The window of the paper: a Gaussian of 11 taps with sigma 1.5 pixels.
TAPS, SIGMA = 11, 1.5
#: The stabilising constants are (K * data_range)^2.
K1, K2 = 0.01, 0.03


def gen_ssim(gen_output: Any, target: Any, data_range: float, validity: Any = None) -> Any:
    """Return 1 minus the mean structural similarity of the batch: 0 for equal images, at most 2.

    Of an image with missing pixels, only windows without any of them count.

    Raises:
        ValueError: images smaller than the window.
    """
    windows = None if validity is None else whole_windows(validity, TAPS)
    return mean(1.0 - ssim(target, gen_output, data_range), windows)


def ssim(first: Any, second: Any, data_range: float) -> Any:
    """Return the similarity of every window inside the image: ``(batch, height - 10, width - 10, band)``.

    Args:
        first: float32 images, ``(batch, height, width, band)``.
        second: images of the same shape.
        data_range: largest minus smallest possible value.

    Raises:
        ValueError: images smaller than the window.
    """
    height, width, bands = first.shape[1:]
    if min(size for size in (height, width, TAPS) if size is not None) < TAPS:
        raise ValueError(f"gen_ssim needs images of at least {TAPS} x {TAPS} pixels, not {height} x {width}")
    moments = [first, second, first * second, ops.square(first) + ops.square(second)]
    means = _window_mean(ops.concatenate(moments, axis=0), bands)
    mean_first, mean_second, mean_product, mean_squares = ops.split(means, 4, axis=0)

    product, squares = mean_first * mean_second, ops.square(mean_first) + ops.square(mean_second)
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2.0 * product + c1) / (squares + c1)
    structure = (2.0 * (mean_product - product) + c2) / (mean_squares - squares + c2)
    return luminance * structure


def _window_mean(images: Any, bands: int) -> Any:
    """Return the Gaussian-weighted mean of each window and band, computed along columns and then along rows."""
    distance = np.arange(TAPS) - TAPS // 2
    gaussian = np.exp(-0.5 * (distance / SIGMA) ** 2)
    taps = np.tile((gaussian / gaussian.sum()).astype("float32")[:, None], (1, bands))
    for shape in ((TAPS, 1, bands, 1), (1, TAPS, bands, 1)):
        kernel = ops.convert_to_tensor(taps.reshape(shape))
        images = ops.depthwise_conv(images, kernel, padding="valid", data_format="channels_last")
    return images
