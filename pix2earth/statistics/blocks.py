"""Tiles in blocks: parts of the ground, or scenes, that count as independent of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Blocks(NamedTuple):
    """Which tiles belong together.

    Attributes:
        of_tile: index of the block of each tile, int (tile,).
        total: number of blocks.
    """

    of_tile: np.ndarray
    total: int

    @property
    def sizes(self) -> np.ndarray:
        """Number of tiles of each block, float (block,)."""
        return np.bincount(self.of_tile, minlength=self.total).astype(float)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Return the sums over the tiles of each block.

        Args:
            values: (..., tile).

        Returns:
            (..., block).
        """
        order = np.argsort(self.of_tile, kind="stable")
        starts = np.searchsorted(self.of_tile[order], np.arange(self.total))
        return np.add.reduceat(values[..., order], starts, axis=-1)

    def means(self, values: np.ndarray) -> np.ndarray:
        """Return the means over the tiles of each block, (..., block) of (..., tile)."""
        return self.sums(values) / self.sizes


def of_labels(labels: Sequence[str]) -> Blocks:
    """Return the blocks of tiles by the label of each tile's block."""
    names, of_tile = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    return Blocks(of_tile.reshape(-1), len(names))
