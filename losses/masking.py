"""Means over the pixels of a target that are measurements: missing pixels are never learnt."""

from __future__ import annotations

from typing import Any

from keras import ops


def mean(values: Any, validity: Any = None) -> Any:
    """Return the mean over valid pixels, 0 where there is none.

    Args:
        values: (batch, [time step,] height, width, channel).
        validity: float32, 1 where valid, else 0: of the same shape but for one channel, or with one channel for each
            time step whose bands follow one another in ``values``; None: all pixels are valid.
    """
    if validity is None:
        return ops.mean(values)
    channels, steps = values.shape[-1], validity.shape[-1]
    weights = ops.repeat(validity, channels // steps, axis=-1)
    return ops.sum(values * weights) / ops.maximum(ops.sum(weights), 1.0)


def whole_windows(validity: Any, size: int) -> Any:
    """Return for each position of a size x size window whether all its pixels are valid, as 1 or 0.

    Args:
        validity: (batch, height, width, channel).
        size: side of the window in pixels.

    Returns:
        (batch, height - size + 1, width - size + 1, channel).
    """
    return 1.0 - ops.max_pool(1.0 - validity, size, strides=1, padding="valid", data_format="channels_last")
