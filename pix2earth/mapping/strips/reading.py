"""Strips of a scene: the pixels of one row of windows after another, each pixel read once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from pix2earth.mapping.scene import Scene, validity

COLUMNS = 2048
"""Columns that are read at once: readers convert in double precision, and whole strips of many bands are large."""


class Strip(NamedTuple):
    """The pixels of a row of windows.

    Attributes:
        values: float32 ``(height of a window, width, time step * band)``, converted; the width is that of the scene, or
            that of a window where the scene is smaller.
        valid: bool ``(height of a window, width)``, where they have a measurement.
    """

    values: np.ndarray
    valid: np.ndarray


def strips(
    scene: Scene,
    starts: Sequence[int],
    size: tuple[int, int],
    time_steps: int,
    convert: Callable[[np.ndarray], np.ndarray],
) -> Iterator[Strip]:
    """Yield the pixels of each row of windows; a scene smaller than a window is padded with mirrored pixels.

    Args:
        scene: provides the pixels.
        starts: first row of each row of windows, none smaller than the one before.
        size: (height, width) of a window.
        time_steps: of the pixels, for ``validity``.
        convert: makes of some rows as stored what the windows hold, pixel by pixel.
    """
    height, width = scene.size
    values = np.empty((0, 0, 0), np.float32)
    valid = np.empty((0, 0), bool)
    first = end = starts[0] if starts else 0
    for start in starts:
        stop = min(start + size[0], height)
        kept = slice(min(start, end) - first, end - first)
        if stop > end or not len(values):
            added = _read(scene, max(start, end), stop, width)
            measured, added = validity(added, time_steps), convert(added)
            values = np.concatenate([values[kept], added]) if kept.start < kept.stop else added
            valid = np.concatenate([valid[kept], measured]) if kept.start < kept.stop else measured
        elif kept.start:
            values, valid = values[kept], valid[kept]
        first, end = start, stop
        padding = (0, max(0, size[0] - height)), (0, max(0, size[1] - width))
        if any(map(any, padding)):
            yield Strip(np.pad(values, (*padding, (0, 0)), "symmetric"), np.pad(valid, padding, "symmetric"))
        else:
            yield Strip(values, valid)


def _read(scene: Scene, top: int, bottom: int, width: int) -> np.ndarray:
    """Return the rows of a scene from ``top`` to before ``bottom``, float32 ``(height, width, time step * band)``."""
    if width <= COLUMNS:
        return scene.read(top, 0, bottom - top, width)
    parts = [
        scene.read(top, left, bottom - top, min(COLUMNS, width - left)) for left in range(0, width, COLUMNS)
    ]  # fmt: skip
    return np.concatenate(parts, axis=1)
