"""What a network can be led over: pixels on a grid, read window by window as the dataset stores its input."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from affine import Affine

from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError


class Scene(Protocol):
    """One source of input pixels; a new source is one more class like this."""

    name: str
    """Shown in messages."""
    crs: Any
    """rasterio's CRS, or None."""
    transform: Affine
    """From (column, row) to the map."""
    size: tuple[int, int]
    """(height, width) in pixels."""
    tags: dict[str, str]
    """Facts that the output inherits, such as ACQUIRED."""

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window that lies in the scene.

        Returns:
            float32 ``(height, width, date * band)``: numbers as the dataset's input field stores them, NaN where
            nothing was measured.

        Raises:
            UserError: a file is damaged.
        """

    def identity(self) -> dict[str, Any]:
        """Return what tells this scene from another, for JSON."""


def present(window: np.ndarray, dates: int) -> np.ndarray:
    """Return where a window holds a measurement of all bands at one date at least, booleans ``(height, width)``."""
    return np.isfinite(window).reshape(*window.shape[:2], dates, -1).all(-1).any(-1)


def as_stored(values: np.ndarray, field: Field) -> np.ndarray:
    """Return physical values as the numbers that a field stores, float32."""
    return ((np.asarray(values, np.float64) - field.offset) / field.scale).astype(np.float32)


class Clipped:
    """A rectangle of a scene."""

    def __init__(self, scene: Scene, row: int, column: int, height: int, width: int) -> None:
        """Take the rectangle in pixels of the scene."""
        self.scene, self.row, self.column, self.size = scene, row, column, (height, width)
        self.name, self.crs, self.tags = scene.name, scene.crs, scene.tags
        self.transform = scene.transform @ Affine.translation(column, row)

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``."""
        return self.scene.read(self.row + row, self.column + column, height, width)

    def identity(self) -> dict[str, Any]:
        """Return what tells it from another."""
        return {**self.scene.identity(), "clipped": [self.row, self.column, *self.size]}


class Upsampled:
    """A scene whose pixels are repeated, as datasets of one pixel size for input and target hold coarse sensors."""

    def __init__(self, scene: Scene, times: int) -> None:
        """Repeat every pixel ``times`` x ``times``."""
        self.scene, self.times = scene, times
        self.name, self.crs, self.tags = scene.name, scene.crs, scene.tags
        self.size = scene.size[0] * times, scene.size[1] * times
        self.transform = scene.transform @ Affine.scale(1 / times)

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``."""
        rows, columns = (
            np.arange(first, first + count) // self.times for first, count in ((row, height), (column, width))
        )
        coarse = self.scene.read(rows[0], columns[0], rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)
        return coarse[rows - rows[0]][:, columns - columns[0]]

    def identity(self) -> dict[str, Any]:
        """Return what tells it from another."""
        return {**self.scene.identity(), "enlarged": self.times}


def clipped(scene: Scene, box: tuple[float, float, float, float]) -> Clipped:
    """Return the part of a scene that covers a box, snapped outwards to whole pixels.

    Args:
        scene: any.
        box: west, south, east, north in degrees (WGS 84); west above east crosses the antimeridian.

    Raises:
        UserError: the scene is not on the map, the box is none or lies outside.
    """
    from rasterio.warp import transform

    west, south, east, north = box
    shown = " ".join(f"{number:g}" for number in box)
    if scene.crs is None:
        raise UserError(f"{scene.name}: has no coordinates, so that --bbox means nothing; leave it out")
    if not (south < north and west != east and all(-90 <= number <= 90 for number in (south, north))):
        raise UserError(f"--bbox {shown}: is no box; give west south east north in degrees")
    # The edges of a box in degrees are curves on the scene's grid, so that corners alone would not do.
    steps = np.linspace(0, 1, 65)
    across, up = west + steps * ((east - west) % 360 or 360), south + steps * (north - south)
    longitudes = np.concatenate([across, across, np.full(65, across[0]), np.full(65, across[-1])])
    latitudes = np.concatenate([np.full(65, south), np.full(65, north), up, up])
    x, y = transform("EPSG:4326", scene.crs, longitudes, latitudes)
    columns, rows = ~scene.transform @ (np.array(x), np.array(y))
    (top, bottom), (left, right) = (
        (max(0, int(np.floor(places.min() + 1e-6))), min(length, int(np.ceil(places.max() - 1e-6))))
        if np.isfinite(places).all()
        else (0, 0)
        for places, length in zip((rows, columns), scene.size, strict=True)
    )
    if top >= bottom or left >= right:
        raise UserError(f"--bbox {shown}: lies outside of {scene.name} (west south east north in degrees)")
    return Clipped(scene, top, left, bottom - top, right - left)
