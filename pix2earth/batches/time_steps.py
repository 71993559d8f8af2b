"""The axis of time steps: (time step, height, width, band), or folded (height, width, time step * band).

Folded, all bands of the first time step come first, then those of the next. All functions take NumPy arrays and tensors
of TensorFlow, with any number of axes before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def fold(values: Any) -> Any:
    """Return (..., time step, height, width, band) as (..., height, width, time step * band)."""
    *front, steps, height, width, bands = values.shape
    axes = len(values.shape)
    ordered = _transpose(values, [*range(axes - 4), axes - 3, axes - 2, axes - 4, axes - 1])
    return _reshape(ordered, [*_known(front), height, width, steps * bands])


def flat(values: Any) -> Any:
    """Return a batch of images with their time steps, where there is such an axis, folded."""
    return fold(values) if len(values.shape) == 5 else values


def unfold(values: Any, steps: int) -> Any:
    """Return (..., height, width, time step * band) as (..., time step, height, width, band).

    Args:
        values: the folded values.
        steps: number of time steps.

    Raises:
        ValueError: the last axis cannot be divided by that number.
    """
    *front, height, width, channels = values.shape
    if channels % steps:
        raise ValueError(f"{channels} channels are not those of {steps} time steps")
    parts = _reshape(values, [*_known(front), height, width, steps, channels // steps])
    axes = len(front) + 4
    return _transpose(parts, [*range(axes - 4), axes - 2, axes - 4, axes - 3, axes - 1])


def separate(values: Any, steps: int | None) -> Any:
    """Return every time step of a batch as a separate sample.

    Args:
        values: (batch, height, width, band), or with time steps (batch, time step, height, width, band) or, folded,
            (batch, height, width, time step * band).
        steps: number of time steps; None: there is no such axis.

    Returns:
        (batch * time step, height, width, band), the time steps of a sample one after the other.
    """
    if steps is None:
        return values
    if len(values.shape) == 4:
        values = unfold(values, steps)
    return _reshape(values, [-1, *values.shape[2:]])


def for_channels(constants: np.ndarray, channels: int, steps: int | None) -> np.ndarray:
    """Return a constant of each band (band,) for each channel of an image, whose time steps may be folded.

    Args:
        constants: one for each band.
        channels: number of channels of the image.
        steps: number of time steps of its field, or None.

    Raises:
        ValueError: the image has neither the bands nor those of all time steps.
    """
    if channels == len(constants):
        return constants
    if channels != len(constants) * (steps or 1):
        raise ValueError(f"{channels} channels are neither {len(constants)} bands nor those of {steps or 1} time steps")
    return np.tile(constants, steps or 1)


def _known(sizes: Sequence[int | None]) -> list[int]:
    """Return sizes for a reshape: one may be unknown while a graph is traced."""
    return [-1 if size is None else size for size in sizes]


def _transpose(values: Any, axes: Sequence[int]) -> Any:
    if isinstance(values, np.ndarray):
        return values.transpose(axes)
    import tensorflow as tf

    return tf.transpose(values, axes)


def _reshape(values: Any, shape: Sequence[int]) -> Any:
    if isinstance(values, np.ndarray):
        return values.reshape(shape)
    import tensorflow as tf

    return tf.reshape(values, shape)
