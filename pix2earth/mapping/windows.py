"""Overlapping windows along an axis of a scene, and how their predictions are joined without a seam.

Neighbouring windows are cross-faded in the middle half of their overlap; what lies farther out, where a network
knows least, counts nothing. Since windows overlap by half at most, no more than two meet at any place of an axis.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

FINENESS = 2**16
"""Weights are multiples of 1 / FINENESS: times a float32 they are exact in float64, and so is their sum, 1."""


class Windows:
    """The windows along one axis, and the stretches of the prediction in which each one replaces the one before."""

    def __init__(self, length: int, side: int, overlap: int, factor: int = 1) -> None:
        """Place as many windows as needed; the last one ends with the scene, which may be shorter than one window.

        Args:
            length: of the scene, input pixels.
            side: of a window, input pixels.
            overlap: of neighbours at least, input pixels; half a window at most.
            factor: output pixels a pixel of the input.
        """
        step, self.length = side - overlap, length * factor
        self.starts = [*range(0, max(length - side, 0), step), max(length - side, 0)]
        """First input pixel of each window."""
        zone = overlap // 2
        middles = [(first + side + second - zone) // 2 for first, second in pairwise(self.starts)]
        self.fades = [(0, 0), *((start * factor, (start + zone) * factor) for start in middles)]
        """First output pixel of each window's fading in, and the first one after it."""

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.starts)

    def next_fade(self, index: int) -> tuple[int, int]:
        """Return the stretch, output pixels, in which the window after ``index`` fades in; empty after the last."""
        return self.fades[index + 1] if index + 1 < len(self) else (self.length, self.length)


def crossfade(before: np.ndarray, after: np.ndarray, axis: int) -> np.ndarray:
    """Go over from one prediction to another along an axis, by half a cosine; where both are equal, so is the result.

    Args:
        before: float32 of any shape.
        after: the same place in the later window.
        axis: along which.

    Returns:
        float32 of that shape.
    """
    count = before.shape[axis]
    rising = np.rint((0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / max(count, 1))) * FINENESS) / FINENESS
    weight = rising.reshape([-1 if number == axis else 1 for number in range(before.ndim)])
    return (before * (1 - weight) + after * weight).astype(np.float32)


def join(made: Iterable[np.ndarray], windows: Windows, factor: int) -> np.ndarray:
    """Join the predictions of a row of windows.

    Args:
        made: float32 ``(height, side, band)`` of each window, from west to east.
        windows: along the width.
        factor: output pixels a pixel of the input.

    Returns:
        float32 ``(height, width, band)``; what reaches beyond the scene is cut off.
    """
    strip = np.zeros((0, 0, 0), np.float32)
    for index, values in enumerate(made):
        if not index:
            strip = np.empty((values.shape[0], windows.length, values.shape[2]), np.float32)
        start, (first, last) = windows.starts[index] * factor, windows.fades[index]
        strip[:, first:last] = crossfade(strip[:, first:last], values[:, first - start : last - start], 1)
        strip[:, last : start + values.shape[1]] = values[:, last - start : windows.length - start]
    return strip
