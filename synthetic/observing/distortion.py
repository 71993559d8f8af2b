"""Tangential scale distortion of a scanner in closed form: pixels far from nadir cover more ground."""

from __future__ import annotations

import math

import numpy as np


def growth(length: int, rate: float | None) -> float:
    """Return the growth rate; the default 4 / length is the largest that never expands.

    Raises:
        ValueError: the requested rate is larger.
    """
    largest = 4 / length
    if rate is not None and rate > largest * (1 + 1e-9):
        raise ValueError(f"growth_rate {rate:g} expands the centre of {length} pixels; use at most {largest:.6g}")
    return rate or largest


def forward(x: np.ndarray, length: int, rate: float) -> np.ndarray:
    """Return the image position of ground at x (pixels, 0 to length): ``length * sigmoid(rate * (x - length / 2))``."""
    return length / (1 + np.exp(-rate * (x - length / 2)))


def backward(x: np.ndarray, length: int, rate: float) -> np.ndarray:
    """Return the ground position of an image at x: the inverse of ``forward``."""
    share = x / length
    return length / 2 + np.log(share / (1 - share)) / rate


def source_positions(length: int, rate: float | None = None) -> np.ndarray:
    """Return the ground position of each output pixel's centre, in pixels from the edge of the first.

    The output has ``length * tanh(rate * length / 4)`` pixels, rounded down; both ends are cropped equally.

    Raises:
        ValueError: the rate is too large, or so small that no pixel is left.
    """
    rate = growth(length, rate)
    count = math.floor(length * math.tanh(rate * length / 4))
    if count == 0:
        raise ValueError(f"growth_rate {rate:g} leaves nothing of {length} pixels; use up to {4 / length:.6g}")
    return backward(length / 2 + np.arange(count) + (1 - count) / 2, length, rate)


def distorted(image: np.ndarray, axis: int, rate: float | None, *, labels: bool = False) -> np.ndarray:
    """Return an image with the distortion of a wide scanner.

    Args:
        image: (height, width, ...).
        axis: 0 along the rows (height), 1 along the columns (width).
        rate: see ``growth``.
        labels: take the nearest pixel instead of interpolating, as class numbers cannot be interpolated.
    """
    positions = source_positions(image.shape[axis], rate)
    if labels:
        return np.take(image, np.floor(positions).astype(int), axis=axis)
    left = np.minimum(np.floor(positions - 0.5).astype(int), image.shape[axis] - 2)
    weight = (positions - 0.5 - left).astype(np.float32)
    weight = weight.reshape([-1 if at == axis else 1 for at in range(image.ndim)])
    low, high = np.take(image, left, axis=axis), np.take(image, left + 1, axis=axis)
    return low + weight * (high - low)
