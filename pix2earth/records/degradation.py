"""From fine pixels to coarse ones, as datasets are made from their targets; the manifest says how."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from pix2earth.records.degradation_schema import Degradation

LEAST_COVERED = 0.5
"""Share of a coarse pixel that must hold data, or it is nodata."""
FWHM = 2 * math.sqrt(2 * math.log(2))
"""Full width at half maximum of a Gaussian in standard deviations."""
REACH = 4.0
"""Gaussians are cut off at so many standard deviations."""


def degraded(image: np.ndarray, degradation: Degradation) -> np.ndarray:
    """Return an image in coarse pixels; beyond its borders its outermost pixels are repeated.

    Args:
        image: (height, width, band), NaN without data; both sides have at least ``factor`` pixels.
        degradation: filter and factor.

    Returns:
        float64 (height // factor, width // factor, band), the weighted mean of the pixels with data; NaN where those
        have less than half of the weight.
    """
    height, width = degradation.size((image.shape[0], image.shape[1]))
    return area_mean(image, (height, width), degradation.fwhm)


def degraded_stored(stored: np.ndarray, degradation: Degradation, nodata: int = 0) -> np.ndarray:
    """Return the stored numbers of an input that is made from those of its target.

    Args:
        stored: integers (height, width, band).
        degradation: filter and factor.
        nodata: the number of pixels without data, of input and target.

    Returns:
        (height // factor, width // factor, band) of the same dtype, rounded, halves to even.
    """
    means = degraded(np.where(stored == nodata, np.nan, stored), degradation)
    return np.where(np.isfinite(means), np.rint(means), nodata).astype(stored.dtype)


def area_mean(tile: np.ndarray, size: int | tuple[int, int], fwhm: float | None = None) -> np.ndarray:
    """Average a tile over the area of coarser pixels, which may start and end within its own pixels.

    Args:
        tile: (height, width, band), NaN without data.
        size: (height, width) of the result in pixels, or one number for both; at most those of the tile.
        fwhm: full width at half maximum, in pixels of the tile, of a Gaussian filter before; None: no filter.

    Returns:
        float64 (height, width, band), the mean of the pixels with data; NaN where those are less than half of the area.
        Without a filter and where the size divides that of the tile, means of integers are exact.
    """
    sides = size if isinstance(size, tuple) else (size, size)
    rows, columns = (area_weights(fine, coarse, fwhm) for fine, coarse in zip(tile.shape[:2], sides, strict=True))
    valid = np.isfinite(tile)
    total = np.einsum("ij,jkb,lk->ilb", rows, np.where(valid, tile, 0).astype(np.float64), columns, optimize=True)
    covered = np.einsum("ij,jkb,lk->ilb", rows, valid.astype(np.float64), columns, optimize=True)
    area = tile.shape[0] * tile.shape[1] / (sides[0] * sides[1])
    with np.errstate(invalid="ignore"):
        return np.where(covered >= LEAST_COVERED * area, total / covered, np.nan)


@lru_cache
def area_weights(fine: int, coarse: int, fwhm: float | None) -> np.ndarray:
    """Return (coarse, fine): how much of each fine pixel each coarse one takes; rows add up to fine / coarse."""
    edges = np.arange(coarse + 1) * fine / coarse
    starts = np.arange(fine)
    shared = np.minimum(edges[1:, None], starts + 1) - np.maximum(edges[:-1, None], starts)
    # Not divided by their sum: sums and numbers of integers stay exact, hence halves are rounded alike everywhere.
    shared = np.clip(shared, 0, None)
    return shared if fwhm is None else shared @ _gaussian(fine, fwhm / FWHM)


def _gaussian(size: int, sigma: float) -> np.ndarray:
    """Return (output, input): the weights of pixels in filtered ones along an axis; rows add up to 1."""
    reach = int(REACH * sigma + 0.5)
    distance = np.arange(-reach, reach + 1)
    kernel = np.exp(-(distance**2) / (2 * sigma**2))
    weights = np.zeros((size, size))
    outputs = np.arange(size)
    for offset, weight in zip(distance, kernel / kernel.sum(), strict=True):
        np.add.at(weights, (outputs, np.clip(outputs + offset, 0, size - 1)), weight)
    return weights
