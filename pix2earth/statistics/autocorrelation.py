"""Moran's I: whether values of neighbouring tiles are alike."""

from __future__ import annotations

import numpy as np

REACH = 1.5
"""Neighbours are nearer than this many times the usual distance of a tile to the next: the eight around it."""


def morans_i(values: np.ndarray, positions: np.ndarray) -> float:
    """Return Moran's I: near 1 where neighbours are alike, near 0 where they are not related.

    Args:
        values: finite, (tile,).
        positions: x and y of each tile in one unit, (tile, 2); NaN where not known: such tiles are left out.

    Returns:
        NaN where fewer than three tiles have a position, no two are neighbours, or all values are equal.
    """
    from scipy.spatial import cKDTree

    known = np.isfinite(positions).all(axis=1)
    places, deviations = positions[known], values[known] - values[known].mean() if known.any() else values[known]
    if len(places) < 3 or not np.any(deviations):
        return float("nan")
    distinct = np.unique(places, axis=0)
    if len(distinct) < 2:
        return float("nan")
    spacing = float(np.median(cKDTree(distinct).query(distinct, k=2)[0][:, 1]))
    pairs = cKDTree(places).query_pairs(REACH * spacing, output_type="ndarray")
    if not len(pairs):
        return float("nan")
    products = deviations[pairs[:, 0]] * deviations[pairs[:, 1]]
    return float(products.mean() / np.mean(deviations**2))
