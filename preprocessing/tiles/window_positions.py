"""Draw positions of windows in a scene at random, uniformly among all positions that do not overlap earlier windows."""

from __future__ import annotations

import hashlib

import numpy as np

NEIGHBOURHOOD = 16
"""A rejected window also rules out those shifted by less than a side over this number: they show nearly the same."""


class WindowPositions:
    """The free positions of a square window in a scene, as a map of upper left pixels."""

    def __init__(self, size: tuple[int, int], side: int, seed: int, scene: str, overlap: float = 0.0) -> None:
        """Start with every position free.

        Args:
            size: (height, width) of the scene in pixels.
            side: of the window in pixels.
            seed: the draw depends on it and on ``scene`` only.
            scene: name of the product, so that every scene has its own draw, whatever else is cut.
            overlap: largest share of a window that another may cover, 0 to less than 1.
        """
        self.side = side
        rows, columns = (max(0, length - side + 1) for length in size)
        self._free = np.ones((rows, columns), bool)
        self._free_in_row = np.full(rows, columns, np.int64)
        self._too_near = _overlapping_shifts(side, overlap)
        digest = hashlib.sha256(f"{seed} {scene}".encode()).digest()
        self._random = np.random.default_rng(int.from_bytes(digest[:8], "little"))

    @property
    def count(self) -> int:
        """Number of free positions."""
        return int(self._free_in_row.sum())

    def draw(self) -> tuple[int, int] | None:
        """Return the (row, column) of a free position, all equally likely; None where none is left."""
        if not self.count:
            return None
        number = int(self._random.integers(self.count))
        ends = np.cumsum(self._free_in_row)
        row = int(np.searchsorted(ends, number, side="right"))
        number_in_row = number - int(ends[row] - self._free_in_row[row])
        return row, int(np.flatnonzero(self._free[row])[number_in_row])

    def take(self, row: int, column: int) -> None:
        """Rule out all positions that overlap this one too much."""
        self._rule_out(row, column, self._too_near)

    def reject(self, row: int, column: int, visible: float, threshold: float) -> None:
        """Rule out a position, those around it, and all that cannot have enough visible pixels either.

        Args:
            row: of the upper left pixel.
            column: of the upper left pixel.
            visible: share of the window that is visible, less than ``threshold``.
            threshold: smallest share that is enough. A window that shares more than ``1 - threshold + visible`` of its
                area with this one has too many invisible pixels, whatever its other pixels are.
        """
        pattern = _overlapping_shifts(self.side, min(1 - threshold + visible, 1.0))
        middle, reach = self.side - 1, max(0, -(-self.side // NEIGHBOURHOOD) - 1)
        around = slice(middle - reach, middle + reach + 1)
        pattern[around, around] = True
        self._rule_out(row, column, pattern)

    def _rule_out(self, row: int, column: int, pattern: np.ndarray) -> None:
        """Rule out the positions of a pattern of odd height and width, centred on one position."""
        reach = pattern.shape[0] // 2
        rows, columns = self._free.shape
        first, left = max(0, row - reach), max(0, column - reach)
        last, right = min(rows, row + reach + 1), min(columns, column + reach + 1)
        part = self._free[first:last, left:right]
        lost = part & pattern[first - row + reach : last - row + reach, left - column + reach : right - column + reach]
        part[lost] = False
        self._free_in_row[first:last] -= lost.sum(axis=1)


def _overlapping_shifts(side: int, overlap: float) -> np.ndarray:
    """Return the shifts by which two windows share more than ``overlap`` of their area.

    Returns:
        bool (2 side - 1, 2 side - 1), with the shift (0, 0) in the middle.
    """
    shared = side - np.abs(np.arange(1 - side, side))
    return np.outer(shared, shared) > overlap * side * side
