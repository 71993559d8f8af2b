"""Leaks between splits: the same ground at the same date on both sides."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from records.format import read
from records.manifest import SPLITS, SUFFIX, Manifest


def check_for_leaks(folder: Path, manifest: Manifest) -> str:
    """Assert that no two tiles of different splits share ground on the same date.

    Args:
        folder: a written dataset; every record's own transform, CRS and date is examined.
        manifest: its manifest.

    Returns:
        One line that says what was checked.

    Raises:
        ValueError: two tiles overlap, or one date has several CRSs, so that they cannot be compared.
    """
    found: dict[tuple[str, str], list[tuple[str, list[float]]]] = {}
    crs_of: dict[str, str] = {}
    for path in sorted(folder.glob(f"*/*{SUFFIX}")):
        about = read(path, manifest)[1]
        date = about["acquired"][0][:10]
        if crs_of.setdefault(date, about["crs"]) != about["crs"]:
            raise ValueError(f"{path}: tiles of {date} have several CRSs and cannot be compared")
        box = _bounds(about["transform"], manifest.tilesize)
        found.setdefault((date, path.parent.name), []).append((about["name"], box))
    for date, (one, other) in itertools.product(crs_of, itertools.combinations(SPLITS, 2)):
        ours, theirs = found.get((date, one), []), found.get((date, other), [])
        first, second = (np.array([box for _, box in members]).reshape(-1, 4) for members in (ours, theirs))
        for i, k in np.argwhere(_overlap(first[:, None], second[None])):
            pair = f"{one}/{ours[i][0]} and {other}/{theirs[k][0]}"
            raise ValueError(f"{folder}: {pair} share ground on {date}")
    tiles = sum(map(len, found.values()))
    return f"no leak: {tiles} tiles on {len(crs_of)} dates; no two of one date in different splits overlap"


def _bounds(transform: Sequence[float], side: int) -> list[float]:
    """Return (left, bottom, right, top) of a north-up tile, drawn in by 0.001 pixels against rounding."""
    a, _, left, _, e, top = transform
    return [left + a / 1000, top + e * (side - 0.001), left + a * (side - 0.001), top + e / 1000]


def _overlap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Tell which boxes (..., 4) of left, bottom, right, top overlap."""
    low = np.maximum(one[..., :2], other[..., :2])
    high = np.minimum(one[..., 2:], other[..., 2:])
    return (low < high).all(axis=-1)
