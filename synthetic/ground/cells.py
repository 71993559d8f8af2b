"""Partition of a scene into instances: Voronoi cells, and parcels inside them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy import ndimage, spatial

from synthetic.ground.random_fields import power_law_field

BORDER_SLOPE = 3.5  # at 3 borders are serrated
MAX_REDRAWS = 50


def voronoi_cells(points: np.ndarray, shape: tuple[int, int], displacement: np.ndarray | None = None) -> np.ndarray:
    """Return for each pixel's centre the number of the nearest point.

    Args:
        points: (n, 2) of x and y in pixels, y down.
        shape: (height, width).
        displacement: (2, height, width) of x and y in pixels, added to the centres, so that borders are not straight.

    Returns:
        int32 (height, width) of 0 to n - 1.
    """
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    if displacement is not None:
        x, y = x + displacement[0], y + displacement[1]
    _, cells = spatial.cKDTree(points).query(np.stack([x.ravel(), y.ravel()], axis=1))
    return cells.reshape(shape).astype(np.int32)


def border_displacement(random: np.random.Generator, shape: tuple[int, int], pixels: float) -> np.ndarray | None:
    """Return a smooth vector field (2, height, width) of a standard deviation in pixels; None for 0."""
    if not pixels:
        return None
    return pixels * np.stack([power_law_field(random, shape, BORDER_SLOPE) for _ in range(2)])


def draw_cells(
    random: np.random.Generator, shape: tuple[int, int], count: int, smallest: int, displacement: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return points (count, 2) and their cells (height, width); cells below ``smallest`` pixels are drawn again.

    Raises:
        ValueError: there is no room for so many cells of this size.
    """
    extent = np.array([shape[1], shape[0]])
    points = random.random((count, 2)) * extent
    for _ in range(MAX_REDRAWS):
        cells = voronoi_cells(points, shape, displacement)
        small = np.bincount(cells.ravel(), minlength=count) < smallest
        if not small.any():
            return points, cells
        points[small] = random.random((int(small.sum()), 2)) * extent
    raise ValueError(f"{count} cells of at least {smallest} pixels have no room in {shape[1]} x {shape[0]} pixels")


def draw_classes(random: np.random.Generator, count: int, prior: np.ndarray, *, exact: bool) -> np.ndarray:
    """Return a class (0, 1, ...) for each of ``count`` cells.

    Args:
        random: source of random numbers.
        count: number of cells.
        prior: probability of each class; sums to 1.
        exact: give every class its share of the count, rounded by largest remainder, instead of independent draws.
    """
    if not exact:
        return random.choice(len(prior), count, p=prior)
    shares = prior * count
    counts = np.floor(shares).astype(int)
    counts[np.argsort(counts - shares, kind="stable")[: count - counts.sum()]] += 1
    return random.permutation(np.repeat(np.arange(len(prior)), counts))


def divide_into_parcels(
    random: np.random.Generator, cells: np.ndarray, classes: np.ndarray, areas: Mapping[int, float], smallest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Divide the cells of some classes into parcels: parallel strips, each cut across at random positions.

    Args:
        random: source of random numbers.
        cells: (height, width) of 0 to n - 1.
        classes: (n,) class of each cell.
        areas: mean area of a parcel in pixels, by class; cells of other classes are not divided.
        smallest: parcels below so many pixels are merged into a neighbour.

    Returns:
        The new cells (height, width), numbered 0, 1, ..., and the class of each.
    """
    keys = cells.astype(np.int64) << 32
    for cell, box in enumerate(ndimage.find_objects(cells + 1)):
        if classes[cell] in areas and box is not None:
            inside = cells[box] == cell
            keys[box][inside] += _parcel_numbers(random, inside, areas[int(classes[cell])])[inside]
    _, first, numbers = np.unique(keys, return_index=True, return_inverse=True)
    cell_of_parcel = cells.ravel()[first]
    return merge_small_cells(numbers.reshape(cells.shape), classes[cell_of_parcel], smallest)


def _parcel_numbers(random: np.random.Generator, inside: np.ndarray, area: float) -> np.ndarray:
    """Return the number of the parcel of each pixel of a cell's bounding box (height, width)."""
    angle = random.uniform(0, math.pi)
    aspect = random.uniform(1.3, 3.0)
    width = math.sqrt(area / aspect)
    y, x = np.mgrid[: inside.shape[0], : inside.shape[1]]
    across = x * math.cos(angle) + y * math.sin(angle)
    along = y * math.cos(angle) - x * math.sin(angle)
    strip = np.searchsorted(_cut_positions(random, across, width), across)
    parcel = np.zeros(inside.shape, np.int64)
    for number in range(int(strip.max()) + 1):
        in_strip = strip == number
        parcel[in_strip] = np.searchsorted(_cut_positions(random, along, aspect * width), along[in_strip])
    return (strip.astype(np.int64) << 16) + parcel


def _cut_positions(random: np.random.Generator, positions: np.ndarray, distance: float) -> np.ndarray:
    """Return rising cut positions over a range, a mean distance apart, never much closer."""
    low, high = float(positions.min()), float(positions.max())
    steps = random.gamma(6.0, distance / 6.0, int((high - low) / distance * 2) + 8)
    return low - random.uniform(0, distance) + np.cumsum(steps)


def merge_small_cells(
    cells: np.ndarray, classes: np.ndarray, smallest: int, first_line: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Merge cells below ``smallest`` pixels into the neighbour of the longest common border, and renumber all.

    Args:
        cells: (height, width) of numbers from 0.
        classes: the class of each number.
        smallest: minimum area in pixels.
        first_line: cells from this number on are rivers and roads, which are never merged; None: there are none.

    Returns:
        (cells, classes), numbered 0, 1, ... without gaps.
    """
    cells = cells.copy()
    first_line = len(classes) if first_line is None else first_line
    for _ in range(4):  # a neighbour may be too small itself
        boxes = ndimage.find_objects(cells + 1)
        counts = np.bincount(cells.ravel(), minlength=len(classes))
        for number in np.flatnonzero((counts[:first_line] > 0) & (counts[:first_line] < smallest)):
            _merge_into_neighbour(cells, int(number), boxes[number], first_line)
    numbers, cells = np.unique(cells, return_inverse=True)
    return cells.reshape(cells.shape).astype(np.int32), classes[numbers]


def _merge_into_neighbour(cells: np.ndarray, number: int, box: tuple[slice, slice], first_line: int) -> None:
    """Give a cell's pixels to the neighbour with the longest common border."""
    larger = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box)
    window = cells[larger]
    inside = window == number
    neighbours = window[ndimage.binary_dilation(inside) & ~inside]
    neighbours = neighbours[neighbours < first_line]
    if neighbours.size:
        window[inside] = np.bincount(neighbours).argmax()
