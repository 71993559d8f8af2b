"""Overlapping windows along an axis of a scene, and blending of their predictions without seams.

Neighbouring windows are cross-faded in the middle half of their overlap; pixels nearer to the edge of a window, where
predictions are worst, are not used. Since windows overlap by at most half, no pixel of an axis has more than two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

FINENESS = 2**16
"""Weights are multiples of 1 / FINENESS: their products with a float32 are exact in float64, and their sum is 1."""


class Windows:
    """The windows along one axis of a scene, and the intervals in which neighbouring predictions are blended.

    Attributes:
        length: of the prediction, output pixels.
        starts: the first input pixel of each window.
        fades: for each window the interval of output pixels (first, end) in which it replaces the window before.
        block: output pixels along the axis that are blended with one weight.
    """

    def __init__(self, length: int, side: int, overlap: int, factor: int = 1, block: int = 1) -> None:
        """Place as many windows as needed; the last one ends with the scene, which may be shorter than one window.

        Args:
            length: of the scene, input pixels.
            side: of a window, input pixels.
            overlap: of neighbouring windows at least, input pixels; half a window at most.
            factor: output pixels per pixel of the input.
            block: output pixels that are blended with one weight, so that blending keeps their averages where all
                windows have them; a multiple or a divisor of the factor.
        """
        whole = max(1, block // factor)  # input pixels of a block
        overlap -= overlap % whole
        step, self.length, self.block = side - overlap, length * factor, block
        self.starts = [*range(0, max(length - side, 0), step), max(length - side, 0)]
        zone = overlap // 2 // whole * whole
        middles = [(first + side + second - zone) // 2 // whole * whole for first, second in pairwise(self.starts)]
        self.fades = [(0, 0), *((start * factor, (start + zone) * factor) for start in middles)]

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.starts)

    def next_fade(self, index: int) -> tuple[int, int]:
        """Return the output pixels (first, end) that are blended with the next window; empty for the last one."""
        return self.fades[index + 1] if index + 1 < len(self) else (self.length, self.length)


def crossfade(before: np.ndarray, after: np.ndarray, axis: int, block: int = 1) -> np.ndarray:
    """Blend two predictions of the same pixels along an axis, with weights of half a cosine.

    Where both are equal, the result is exactly equal too.

    Args:
        before: prediction of the earlier window, float32 of any shape.
        after: prediction of the later window.
        axis: along which the weight of ``after`` rises from 0 to 1.
        block: pixels along the axis that have one weight.

    Returns:
        float32 of the same shape.
    """
    count, following = before.shape[axis], before.shape[axis + 1 :]
    centres = (np.arange(count) // block + 0.5) * block
    rising = np.rint((0.5 - 0.5 * np.cos(np.pi * np.minimum(centres / max(count, 1), 1))) * FINENESS) / FINENESS
    values = math.prod(following)
    if axis:  # loops over the few bands of a pixel would take five times as long
        flat, weight = (*before.shape[:axis], count * values), np.repeat(rising, values)
    else:
        flat, weight = (count, values), rising[:, None]
    before, after = before.reshape(flat), after.reshape(flat)
    blended = np.multiply(before, 1 - weight, dtype=np.float64)
    blended += np.multiply(after, weight, dtype=np.float64)
    return blended.astype(np.float32).reshape(*flat[:axis], count, *following)


def join(predictions: Iterable[np.ndarray], windows: Windows, factor: int) -> np.ndarray:
    """Join the predictions of a row of windows.

    Args:
        predictions: float32 ``(height, side, band)`` of each window, from west to east.
        windows: along the width.
        factor: output pixels per pixel of the input.

    Returns:
        float32 ``(height, width, band)``; pixels beyond the scene are cut off.
    """
    strip = np.zeros((0, 0, 0), np.float32)
    for index, values in enumerate(predictions):
        if not index:
            strip = np.empty((values.shape[0], windows.length, values.shape[2]), np.float32)
        start, (first, last) = windows.starts[index] * factor, windows.fades[index]
        strip[:, first:last] = crossfade(
            strip[:, first:last], values[:, first - start : last - start], 1, windows.block
        )
        strip[:, last : start + values.shape[1]] = values[:, last - start : windows.length - start]
    return strip
