"""Overlapping windows along one axis of a scene, and the weights by which they are blended."""

from __future__ import annotations

import numpy as np


def starts(length: int, side: int, overlap: int) -> list[int]:
    """Return where windows of `side` pixels begin so that they cover `length` and overlap by `overlap` at least.

    The last window ends with the scene; a scene shorter than a window has one window, which reaches beyond it.

    Raises:
        ValueError: the overlap leaves no step.

    """
    step = side - overlap
    if step < 1:
        raise ValueError(f"an overlap of {overlap} pixels leaves no step for windows of {side}")
    if length <= side:
        return [0]
    return [*range(0, length - side, step), length - side]


def weights(side: int, overlap: int, *, first: bool, last: bool) -> np.ndarray:
    """Return the weight of each pixel of a window, float64 ``(side,)``, 0 to 1.

    Towards a neighbour the outermost quarter of the overlap counts nothing, since a network knows least at its window's
    edge; from there half a cosine rises to 1 at the inner end of the overlap. At the edge of the scene all count.

    Args:
        side: pixels of the window.
        overlap: pixels that it shares with its neighbours.
        first: the scene begins with this window.
        last: the scene ends with it.

    """
    margin = overlap // 4
    ramp = np.zeros(overlap)
    rising = overlap - 2 * margin
    ramp[margin : margin + rising] = 0.5 - 0.5 * np.cos(np.pi * (np.arange(rising) + 0.5) / max(rising, 1))
    ramp[margin + rising :] = 1.0
    result = np.ones(side)
    if not first:
        result[:overlap] *= ramp
    if not last:
        result[side - overlap :] *= ramp[::-1]
    return result


class Blender:
    """Sums up weighed rows of windows from north to south, and hands out the rows that no later window touches."""

    def __init__(self, height: int, width: int, bands: int) -> None:
        """Take the size of the scene in output pixels."""
        self.height, self.width, self.bands = height, width, bands
        self.top = 0
        self._sum = np.zeros((0, width, bands))
        self._weight = np.zeros((0, width, 1))

    def add(self, row: int, column: int, values: np.ndarray, weight: np.ndarray) -> None:
        """Add a window; what reaches beyond the scene is cut off.

        Args:
            row: of its upper edge, not above ``top``.
            column: of its left edge.
            values: float ``(side, side, band)``.
            weight: ``(side, side)``.

        """
        rows, columns = min(values.shape[0], self.height - row), min(values.shape[1], self.width - column)
        missing = row + rows - self.top - len(self._sum)
        if missing > 0:
            self._sum = np.concatenate([self._sum, np.zeros((missing, self.width, self.bands))])
            self._weight = np.concatenate([self._weight, np.zeros((missing, self.width, 1))])
        place = np.s_[row - self.top : row - self.top + rows, column : column + columns]
        counted = weight[:rows, :columns, None]
        self._sum[place] += values[:rows, :columns].astype(np.float64) * counted
        self._weight[place] += counted

    def take(self, until: int) -> np.ndarray:
        """Return the rows from ``top`` until a row of the scene, float64 ``(rows, width, band)``, and forget them."""
        count = until - self.top
        made = self._sum[:count] / self._weight[:count]
        self._sum, self._weight, self.top = self._sum[count:], self._weight[count:], until
        return made
