"""Drawing windows from a scene: uniformly among all places that are left, so that none overlaps too much."""

from __future__ import annotations

import hashlib

import numpy as np

NEIGHBOURHOOD = 16
"""A rejected window rules out those that begin less than this part of a side away too: they see much the same."""


class Places:
    """All positions of a square window in a scene that are still free, as a map of their upper left pixels."""

    def __init__(self, size: tuple[int, int], side: int, seed: int, scene: str, overlap: float = 0.0) -> None:
        """Free every position.

        Args:
            size: (height, width) of the scene in pixels.
            side: of the window in pixels.
            seed: what the draw depends on, together with ``scene``.
            scene: name of the product, so that every scene has a draw of its own, whatever else is cut.
            overlap: largest share of a window that another may cover, 0 to less than 1.
        """
        self.side = side
        rows, columns = (max(0, length - side + 1) for length in size)
        self._free = np.ones((rows, columns), bool)
        self._left = np.full(rows, columns, np.int64)
        self._near = _too_near(side, overlap)
        digest = hashlib.sha256(f"{seed} {scene}".encode()).digest()
        self._random = np.random.default_rng(int.from_bytes(digest[:8], "little"))

    @property
    def count(self) -> int:
        """Number of free positions."""
        return int(self._left.sum())

    def draw(self) -> tuple[int, int] | None:
        """Return (row, column) of the upper left pixel of a free position; all are equally likely; None: none left."""
        if not self.count:
            return None
        number = int(self._random.integers(self.count))
        ends = np.cumsum(self._left)
        row = int(np.searchsorted(ends, number, side="right"))
        within = number - int(ends[row] - self._left[row])
        return row, int(np.flatnonzero(self._free[row])[within])

    def take(self, row: int, column: int) -> None:
        """Rule out all positions that overlap this one too much."""
        self._rule_out(row, column, self._near)

    def reject(self, row: int, column: int, seen: float, wanted: float) -> None:
        """Rule out a position, those around it, and all that cannot be better.

        Args:
            row: of the upper left pixel.
            column: of the upper left pixel.
            seen: share of the window that is visible, less than ``wanted``.
            wanted: least share that is enough. A window that has more than ``1 - wanted + seen`` of its area in common
                with this one has too much of what is not visible, whatever the rest holds.
        """
        pattern = _too_near(self.side, min(1 - wanted + seen, 1.0))
        middle, reach = self.side - 1, max(0, -(-self.side // NEIGHBOURHOOD) - 1)
        around = slice(middle - reach, middle + reach + 1)
        pattern[around, around] = True
        self._rule_out(row, column, pattern)

    def _rule_out(self, row: int, column: int, pattern: np.ndarray) -> None:
        """Take the positions of a pattern (odd, odd), centred on one, from the map."""
        reach = pattern.shape[0] // 2
        rows, columns = self._free.shape
        first, left = max(0, row - reach), max(0, column - reach)
        last, right = min(rows, row + reach + 1), min(columns, column + reach + 1)
        part = self._free[first:last, left:right]
        lost = part & pattern[first - row + reach : last - row + reach, left - column + reach : right - column + reach]
        part[lost] = False
        self._left[first:last] -= lost.sum(axis=1)


def _too_near(side: int, overlap: float) -> np.ndarray:
    """Return (2 side - 1, 2 side - 1): True where a window moved by so much shares more than ``overlap`` of itself."""
    shared = side - np.abs(np.arange(1 - side, side))
    return np.outer(shared, shared) > overlap * side * side
