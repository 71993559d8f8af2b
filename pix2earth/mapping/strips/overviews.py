"""Overviews of a map: its pixels at half the resolution, again and again, computed strip by strip."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pix2earth.settings.at_once import at_once

SMALLEST = 512
"""The first overview with no side longer than this is the last one, as GDAL has it for Cloud-Optimized GeoTIFFs."""
ROWS = 256
"""Rows that are halved at once, even."""
THREADS = 2


class Overview(NamedTuple):
    """Pixels at a lower resolution as plain bytes.

    Attributes:
        path: of the file, little-endian float32.
        size: (height, width).
    """

    path: Path
    size: tuple[int, int]


def write_overviews(rows: Path, shape: tuple[int, int, int], *, averaged: bool) -> list[Overview]:
    """Write the overviews of a map beside it; GDAL would read it band by band for them.

    Args:
        rows: its file, little-endian float32 of the shape.
        shape: (height, width, band).
        averaged: each pixel is the mean of those of 2 x 2 that are not NaN; else the upper left one of them.

    Returns:
        The overviews from the finest on, none where the map is small.

    Raises:
        OSError: the disk is full.
    """
    found: list[Overview] = []
    height, width, bands = shape
    while max(height, width) > SMALLEST:
        strip = partial(_strip, found[-1].path if found else rows, (height, width, bands), averaged)
        path = rows.with_name(f"{rows.stem}_{2 ** (len(found) + 1)}{rows.suffix}")
        try:
            with path.open("wb") as file:
                for part in at_once(strip, range(0, height, ROWS), lambda: THREADS):
                    file.write(part.data)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None
        height, width = -(-height // 2), -(-width // 2)
        found.append(Overview(path, (height, width)))
    return found


def _strip(path: Path, shape: tuple[int, int, int], averaged: bool, top: int) -> np.ndarray:
    """Return some rows of a file at half the resolution."""
    height, width, bands = shape
    count, row = min(ROWS, height - top), width * bands
    strip = np.fromfile(path, "<f4", count * row, offset=4 * top * row).reshape(count, width, bands)
    return halved(strip) if averaged else np.ascontiguousarray(strip[::2, ::2])


def halved(pixels: np.ndarray) -> np.ndarray:
    """Return the mean of each 2 x 2 pixels, of those that are not NaN; at odd ends, of those that are there.

    Args:
        pixels: float32 ``(height, width, band)``.
    """
    odd = [(0, side % 2) for side in pixels.shape[:2]]
    if any(end for _, end in odd):
        pixels = np.pad(pixels, (*odd, (0, 0)), constant_values=np.nan)
    pairs = pixels[0::2] + pixels[1::2]
    means = pairs[:, 0::2] + pairs[:, 1::2]
    means *= np.float32(0.25)
    lacking = np.isnan(means)
    if lacking.any():
        corners = (pixels[row::2, column::2][lacking] for row in (0, 1) for column in (0, 1))
        four = np.stack([corner.astype(np.float64) for corner in corners])
        known = ~np.isnan(four)
        count = known.sum(axis=0)
        sums = np.where(known, four, 0.0).sum(axis=0)
        means[lacking] = np.where(count > 0, sums / np.maximum(count, 1), np.nan)
    return means
