"""Who owns which pixel: Voronoi cells, parcels inside them, and a true partition whatever is drawn over it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy import ndimage, spatial

from synthetic.ground.random_fields import power_law_field

BORDER_SLOPE = 3.5  # at 3 borders are serrated
REDRAWS = 50


def voronoi_cells(points: np.ndarray, shape: tuple[int, int], displacement: np.ndarray | None = None) -> np.ndarray:
    """Return the number of the nearest point for each pixel's centre.

    Args:
        points: (n, 2) of x and y in pixels, y down.
        shape: (height, width).
        displacement: (2, height, width) in pixels, added to the centres: borders wander by so much.

    Returns:
        int32 (height, width) of 0 to n - 1.
    """
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    if displacement is not None:
        x, y = x + displacement[0], y + displacement[1]
    _, owner = spatial.cKDTree(points).query(np.stack([x.ravel(), y.ravel()], axis=1))
    return owner.reshape(shape).astype(np.int32)


def wandering(random: np.random.Generator, shape: tuple[int, int], pixels: float) -> np.ndarray | None:
    """Return a smooth vector field (2, height, width) of a standard deviation in pixels; None for 0."""
    if not pixels:
        return None
    return pixels * np.stack([power_law_field(random, shape, BORDER_SLOPE) for _ in range(2)])


def cells_of_size(
    random: np.random.Generator, shape: tuple[int, int], count: int, smallest: int, displacement: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return points and cells; the points of cells below ``smallest`` pixels are drawn again.

    Raises:
        ValueError: so many cells of this size have no room.
    """
    extent = np.array([shape[1], shape[0]])
    points = random.random((count, 2)) * extent
    for _ in range(REDRAWS):
        cells = voronoi_cells(points, shape, displacement)
        small = np.bincount(cells.ravel(), minlength=count) < smallest
        if not small.any():
            return points, cells
        points[small] = random.random((int(small.sum()), 2)) * extent
    raise ValueError(f"{count} cells of at least {smallest} pixels have no room in {shape[1]} x {shape[0]} pixels")


def allocate(random: np.random.Generator, count: int, prior: np.ndarray, *, exact: bool) -> np.ndarray:
    """Return a class (0, 1, ...) for each of ``count`` cells.

    Args:
        random: where the numbers come from.
        count: number of cells.
        prior: probability of each class; sums to 1.
        exact: every class gets its share of the count, rounded by largest remainder; else independent draws.
    """
    if not exact:
        return random.choice(len(prior), count, p=prior)
    shares = prior * count
    counts = np.floor(shares).astype(int)
    counts[np.argsort(counts - shares, kind="stable")[: count - counts.sum()]] += 1
    return random.permutation(np.repeat(np.arange(len(prior)), counts))


def parcelled(
    random: np.random.Generator, cells: np.ndarray, classes: np.ndarray, areas: Mapping[int, float], smallest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Divide the cells of some classes into parcels: strips in a direction of the cell's own, cut at random places.

    Args:
        random: where the numbers come from.
        cells: (height, width) of 0 to n - 1.
        classes: (n,) class of each cell.
        areas: mean area of a parcel in pixels, by class; cells of other classes stay whole.
        smallest: parcels below so many pixels are joined to a neighbour.

    Returns:
        The new cells (height, width), numbered 0, 1, ..., and the class of each.
    """
    parts = cells.astype(np.int64) << 32
    for cell, place in enumerate(ndimage.find_objects(cells + 1)):
        if classes[cell] in areas and place is not None:
            inside = cells[place] == cell
            parts[place][inside] += _parcels(random, inside, areas[int(classes[cell])])[inside]
    _, first, numbers = np.unique(parts, return_index=True, return_inverse=True)
    of_cell = cells.ravel()[first]
    return compact(numbers.reshape(cells.shape), classes[of_cell], smallest)


def _parcels(random: np.random.Generator, inside: np.ndarray, area: float) -> np.ndarray:
    """Return the number of the parcel of each pixel of a box: strips across one direction, cut along the other."""
    angle = random.uniform(0, math.pi)
    slender = random.uniform(1.3, 3.0)
    width = math.sqrt(area / slender)
    y, x = np.mgrid[: inside.shape[0], : inside.shape[1]]
    across = x * math.cos(angle) + y * math.sin(angle)
    along = y * math.cos(angle) - x * math.sin(angle)
    strip = np.searchsorted(_cuts(random, across, width), across)
    parcel = np.zeros(inside.shape, np.int64)
    for number in range(int(strip.max()) + 1):
        here = strip == number
        parcel[here] = np.searchsorted(_cuts(random, along, slender * width), along[here])
    return (strip.astype(np.int64) << 16) + parcel


def _cuts(random: np.random.Generator, positions: np.ndarray, distance: float) -> np.ndarray:
    """Return rising places to cut a range, a mean distance apart, never much closer."""
    low, high = float(positions.min()), float(positions.max())
    steps = random.gamma(6.0, distance / 6.0, int((high - low) / distance * 2) + 8)
    return low - random.uniform(0, distance) + np.cumsum(steps)


def compact(
    cells: np.ndarray, classes: np.ndarray, smallest: int, keep: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Join parts below ``smallest`` pixels to the neighbour they share most border with, and number all anew.

    Args:
        cells: (height, width) of numbers from 0.
        classes: the class of each number.
        smallest: in pixels.
        keep: numbers from here on are never joined nor joined to (rivers and roads).

    Returns:
        (cells, classes), numbered 0, 1, ... without gaps.
    """
    cells = cells.copy()
    keep = len(classes) if keep is None else keep
    for _ in range(4):  # a neighbour may be too small itself
        places = ndimage.find_objects(cells + 1)
        counts = np.bincount(cells.ravel(), minlength=len(classes))
        for number in np.flatnonzero((counts[:keep] > 0) & (counts[:keep] < smallest)):
            _join(cells, int(number), places[number], keep)
    numbers, cells = np.unique(cells, return_inverse=True)
    return cells.reshape(cells.shape).astype(np.int32), classes[numbers]


def _join(cells: np.ndarray, number: int, place: tuple[slice, slice], keep: int) -> None:
    """Give a part's pixels to the neighbour with the longest common border."""
    box = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in place)
    window = cells[box]
    mine = window == number
    around = window[ndimage.binary_dilation(mine) & ~mine]
    around = around[around < keep]
    if around.size:
        window[mine] = np.bincount(around).argmax()
