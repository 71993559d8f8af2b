"""Rivers and roads: lines of one to a few pixels width across a scene."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

POINTS_PER_PIXEL = 3


def river(random: np.random.Generator, shape: tuple[int, int], width: float) -> np.ndarray:
    """Return the pixels (height, width) of a river that meanders from one border to the opposite one.

    Args:
        random: source of random numbers.
        shape: (height, width).
        width: mean width in pixels; it grows downstream.
    """
    eastward = random.random() < 0.5
    length, breadth = (shape[1], shape[0]) if eastward else shape
    position = np.linspace(-2, length + 2, POINTS_PER_PIXEL * (length + 4))
    drift = random.uniform(0.2, 0.8, 2) * breadth
    across = drift[0] + (drift[1] - drift[0]) * position / length
    bends = np.zeros(len(position))
    for wavelength, share in ((1.0, 0.10), (0.37, 0.045), (0.13, 0.016)):
        phase, stretch = random.uniform(0, 2 * math.pi), random.uniform(0.8, 1.25)
        # The phase is modulated, or the bends would be those of a sine.
        modulation = 0.8 * np.sin(2 * math.pi * position / (wavelength * length * 1.7) + random.uniform(0, 6.3))
        bends = bends + share * breadth * np.sin(
            2 * math.pi * position / (wavelength * length * stretch) + phase + modulation
        )
    across = across + bends
    x, y = (position, across) if eastward else (across, position)
    widths = width * np.linspace(0.8, 1.2, len(position)) * (1 + 0.15 * np.sin(position / 9.0 + bends[0]))
    return _rasterize_line(shape, x, y, widths)


def road(random: np.random.Generator, shape: tuple[int, int], ends: np.ndarray, width: float) -> np.ndarray:
    """Return the pixels (height, width) of a road between two points, with a gentle bend or two.

    Args:
        random: source of random numbers.
        shape: (height, width).
        ends: (2, 2) of x and y in pixels.
        width: in pixels.
    """
    (x0, y0), (x1, y1) = ends
    length = math.hypot(x1 - x0, y1 - y0)
    t = np.linspace(0, 1, max(2, int(POINTS_PER_PIXEL * length)))
    bend = random.normal(0, 0.06, 2) * length
    sideways = bend[0] * np.sin(math.pi * t) + bend[1] * np.sin(2 * math.pi * t)
    normal = np.array([y0 - y1, x1 - x0]) / max(length, 1.0)
    x, y = x0 + (x1 - x0) * t + normal[0] * sideways, y0 + (y1 - y0) * t + normal[1] * sideways
    return _rasterize_line(shape, x, y, np.full(len(t), width))


def road_ends(random: np.random.Generator, towns: np.ndarray, shape: tuple[int, int], count: int) -> list[np.ndarray]:
    """Return the ends of roads: from towns to the nearest town and to the border, or from border to border.

    Args:
        random: source of random numbers.
        towns: (n, 2) of x and y of their centres in pixels.
        shape: (height, width).
        count: number of roads.
    """
    roads = []
    for number in range(count):
        start = towns[number % len(towns)] if len(towns) else _point_on_border(random, shape)
        others = np.delete(towns, number % len(towns), axis=0) if len(towns) > 1 and number % 2 == 0 else None
        if others is None:
            end = _point_on_border(random, shape)
        else:
            end = others[np.argmin(np.hypot(*(others - start).T))]
        roads.append(np.stack([start, end]))
    return roads


def _point_on_border(random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Return a point just outside of one of the four borders."""
    height, width = shape
    along, side = random.random(), random.integers(4)
    return np.array(
        [(along * width, -2.0), (along * width, height + 2.0), (-2.0, along * height), (width + 2.0, along * height)]
    )[side]


def _rasterize_line(shape: tuple[int, int], x: np.ndarray, y: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Return the pixels, bool (height, width), whose centres lie within half a width of a line of dense points."""
    rows, columns = np.floor(y).astype(int), np.floor(x).astype(int)
    within = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    rows, columns, widths = rows[within], columns[within], widths[within]
    line = np.zeros(shape, bool)
    line[rows, columns] = True
    if not line.any() or widths.max() <= 1:
        return line
    wide = np.zeros(shape)
    wide[rows, columns] = widths
    distance, (row, column) = ndimage.distance_transform_edt(~line, return_indices=True)
    return distance <= (wide[row, column] - 1) / 2
