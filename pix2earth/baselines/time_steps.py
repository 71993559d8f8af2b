"""Baselines over time: other time steps of the same pixel.

Arrays are (time step, height, width, band); ``clear`` is bool (time step, height, width, 1).
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf


def median(values: tf.Tensor) -> tf.Tensor:
    """Return the median over the time steps of (batch, time step, height, width, band).

    Of an even number of time steps it is the mean of the middle two.
    """
    ordered = tf.sort(values, axis=1)
    count = values.shape[1]
    return (ordered[:, (count - 1) // 2] + ordered[:, count // 2]) / 2


def nearest_clear(images: np.ndarray, clear: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Return for each pixel the time step that is nearest in time among those at which it is clear.

    Args:
        images: (time step, height, width, band).
        clear: where each time step is clear.
        distance: (time step,), days to the target, not negative.

    Returns:
        (height, width, band); where no time step is clear, the nearest one.
    """
    order = np.argsort(distance, kind="stable")
    # The nearest one comes first, and argmax of nothing but False is the first as well.
    chosen = order[clear[order].argmax(axis=0)]
    return np.take_along_axis(images, chosen[None], axis=0)[0]


def previous_clear(images: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Return each time step with the last clear one up to it where it is not clear; as it is where there is none.

    Args:
        images: (time step, height, width, band).
        clear: where each time step is clear.
    """
    before, _ = nearest_clear_positions(clear)
    return np.where(before >= 0, np.take_along_axis(images, np.maximum(before, 0), axis=0), images)


def mean_of_clear(images: np.ndarray, clear: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Return for each pixel the mean over the time steps at which it is clear, and ``otherwise`` where there is none.

    Args:
        images: (time step, height, width, band).
        clear: where each time step is clear.
        otherwise: anything that broadcasts to (height, width, band).
    """
    count = clear.sum(axis=0)
    mean = np.where(clear, images, 0).sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, mean, otherwise)


def filled_with_mean(images: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Return the stack with gaps filled by the mean over the time steps at which a pixel is clear."""
    return np.where(clear, images, mean_of_clear(images, clear, mean_of_all_clear(images, clear)))


def filled_linearly(images: np.ndarray, clear: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Return the stack with gaps filled between the nearest clear time steps before and after, by the days between.

    Where one side has no clear time step, the other one is copied; where both have none, the mean of all clear pixels
    of the stack is taken, band by band.

    Args:
        images: (time step, height, width, band).
        clear: where each time step is clear.
        days: (time step,), rising.
    """
    before, after = nearest_clear_positions(clear)
    exists = [(position >= 0) & (position < len(days)) for position in (before, after)]
    inside = [np.clip(position, 0, len(days) - 1) for position in (before, after)]
    early, late = (np.take_along_axis(images, position, axis=0) for position in inside)
    apart = np.maximum(days[inside[1]] - days[inside[0]], 1e-9)
    weight = (days[:, None, None, None] - days[inside[0]]) / apart
    filled = np.where(exists[0] & exists[1], early + weight * (late - early), np.where(exists[0], early, late))
    filled = np.where(exists[0] | exists[1], filled, mean_of_all_clear(images, clear))
    return np.where(clear, images, filled)


def nearest_clear_positions(clear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the position of the last clear time step up to each time step, and of the first one from it on.

    Returns:
        Two arrays like ``clear``: -1 where there is none before, the number of time steps where there is none after.
    """
    count = len(clear)
    position = np.arange(count)[:, None, None, None]
    before = np.maximum.accumulate(np.where(clear, position, -1), axis=0)
    after = np.minimum.accumulate(np.where(clear, position, count)[::-1], axis=0)[::-1]
    return before, after


def mean_of_all_clear(images: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Return the mean (band,) over all clear pixels of all time steps; 0 where none is clear."""
    chosen = clear[..., 0]
    return images[chosen].mean(axis=0) if chosen.any() else np.zeros(images.shape[-1], np.float32)
