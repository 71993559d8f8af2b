"""From fine pixels to coarse ones, as datasets are made from their targets."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

LEAST_COVERED = 0.5
"""Share of a coarse pixel that must hold data, or it is nodata."""


def area_mean(tile: np.ndarray, size: int | tuple[int, int]) -> np.ndarray:
    """Average a tile over the area of coarser pixels, which may start and end within its own pixels.

    Args:
        tile: (height, width, band), NaN without data.
        size: (height, width) of the result in pixels, or one number for both; at most those of the tile.

    Returns:
        float64 (height, width, band), the mean of the pixels with data; NaN where those are less than half of the area.
    """
    sides = size if isinstance(size, tuple) else (size, size)
    rows, columns = (_weights(fine, coarse) for fine, coarse in zip(tile.shape[:2], sides, strict=True))
    valid = np.isfinite(tile)
    total = np.einsum("ij,jkb,lk->ilb", rows, np.where(valid, tile, 0).astype(np.float64), columns, optimize=True)
    covered = np.einsum("ij,jkb,lk->ilb", rows, valid.astype(np.float64), columns, optimize=True)
    with np.errstate(invalid="ignore"):
        return np.where(covered >= LEAST_COVERED, total / covered, np.nan)


@lru_cache
def _weights(fine: int, coarse: int) -> np.ndarray:
    """Return (coarse, fine): the share of each fine pixel in each coarse one; rows add up to 1."""
    edges = np.arange(coarse + 1) * fine / coarse
    starts = np.arange(fine)
    shared = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    return np.clip(shared, 0, None) * coarse / fine


def square_mean(tile: np.ndarray, factor: int) -> np.ndarray:
    """Average over squares of pixels, as a coarser sensor with a square response would see them.

    Args:
        tile: unsigned integers (height, width, band), both sides divisible by ``factor``, without nodata.
        factor: side of the squares.

    Returns:
        (height / factor, width / factor, band) of the same dtype, rounded, halves to even.
    """
    height, width, bands = tile.shape
    squares = tile.reshape(height // factor, factor, width // factor, factor, bands)
    return np.rint(squares.mean(axis=(1, 3))).astype(tile.dtype)
