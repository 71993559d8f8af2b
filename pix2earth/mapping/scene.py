"""Scenes: sources of input pixels for inference, read window by window in the numbers that the dataset stores."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from affine import Affine

from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError


class Scene(Protocol):
    """One source of input pixels; a new source is a new class with these attributes and methods.

    Attributes:
        name: for messages.
        crs: rasterio's CRS, or None.
        transform: from (column, row) to coordinates.
        size: (height, width) in pixels.
        tags: GeoTIFF tags that the output inherits, such as ACQUIRED.
    """

    name: str
    crs: Any
    transform: Affine
    size: tuple[int, int]
    tags: dict[str, str]

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; it must not reach beyond the scene.

        Args:
            row: first row of the window, pixels.
            column: its first column.
            height: its height.
            width: its width.

        Returns:
            float32 ``(height, width, time step * band)``: numbers as the dataset's input field stores them, NaN where
            nothing was measured.

        Raises:
            UserError: a file is damaged.
        """

    def identity(self) -> dict[str, Any]:
        """Return what distinguishes this scene from others, for JSON; an unfinished map of it can then be resumed."""


def validity(window: np.ndarray, time_steps: int) -> np.ndarray:
    """Return where a window has a measurement of all bands at one time step at least.

    Args:
        window: ``(height, width, time step * band)``, NaN where nothing was measured.
        time_steps: number of time steps.

    Returns:
        bool ``(height, width)``.
    """
    measured = np.isfinite(window).reshape(*window.shape[:2], time_steps, -1)
    # Band by band: reductions along short axes take ten times as long.
    complete = functools.reduce(np.logical_and, np.moveaxis(measured, -1, 0))
    return functools.reduce(np.logical_or, np.moveaxis(complete, -1, 0))


def as_stored(values: np.ndarray, field: Field) -> np.ndarray:
    """Return physical values as the numbers that a field stores, float32."""
    return ((np.asarray(values, np.float64) - field.offset) / field.scale).astype(np.float32)


class CroppedScene:
    """A rectangle of a scene."""

    def __init__(self, scene: Scene, row: int, column: int, height: int, width: int) -> None:
        """Crop a scene; the rectangle is given in its pixels."""
        self.scene, self.row, self.column, self.size = scene, row, column, (height, width)
        self.name, self.crs, self.tags = scene.name, scene.crs, scene.tags
        self.transform = scene.transform @ Affine.translation(column, row)

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``."""
        return self.scene.read(self.row + row, self.column + column, height, width)

    def identity(self) -> dict[str, Any]:
        """Return the identity of the scene and the rectangle, for JSON."""
        return {**self.scene.identity(), "clipped": [self.row, self.column, *self.size]}


class UpsampledScene:
    """A scene with repeated pixels: some datasets store a coarse input on the grid of the target."""

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
        """Return the identity of the scene and the factor, for JSON."""
        # The key is in files of unfinished maps.
        return {**self.scene.identity(), "enlarged": self.times}


class StackedScene:
    """Scenes of one grid as the time steps of one scene."""

    def __init__(self, scenes: Sequence[Scene]) -> None:
        """Stack scenes of one time step each, in their order."""
        first = scenes[0]
        self.scenes, self.crs, self.transform, self.size = scenes, first.crs, first.transform, first.size
        self.name = ", ".join(scene.name for scene in scenes)
        acquired = [scene.tags["ACQUIRED"] for scene in scenes if "ACQUIRED" in scene.tags]
        self.tags = {"ACQUIRED": ", ".join(acquired)} if acquired else {}

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``."""
        return np.concatenate([scene.read(row, column, height, width) for scene in self.scenes], axis=-1)

    def identity(self) -> dict[str, Any]:
        """Return the identity of every time step, for JSON."""
        return {"time_steps": [scene.identity() for scene in self.scenes]}


def crop(scene: Scene, box: tuple[float, float, float, float], blocks: tuple[int, int] = (1, 1)) -> CroppedScene:
    """Return the part of a scene that covers a box, extended outwards to whole pixels.

    Args:
        scene: any.
        box: west, south, east, north in degrees (WGS 84); west above east crosses the antimeridian.
        blocks: (rows, columns) to whose multiples the box is extended.

    Raises:
        UserError: the scene has no coordinates, or the box is not valid or lies outside of the scene.
    """
    from rasterio.warp import transform

    west, south, east, north = box
    numbers = " ".join(f"{number:g}" for number in box)
    if scene.crs is None:
        raise UserError(f"{scene.name}: has no coordinates, so that --bbox does not apply; leave it out")
    if not (south < north and west != east and all(-90 <= number <= 90 for number in (south, north))):
        raise UserError(f"--bbox {numbers}: is not a box; give west south east north in degrees")
    # The edges of a box in degrees are curves on the scene's grid: the corners alone would not enclose it.
    steps = np.linspace(0, 1, 65)
    eastwards, northwards = west + steps * ((east - west) % 360 or 360), south + steps * (north - south)
    longitudes = np.concatenate([eastwards, eastwards, np.full(65, eastwards[0]), np.full(65, eastwards[-1])])
    latitudes = np.concatenate([np.full(65, south), np.full(65, north), northwards, northwards])
    x, y = map(np.array, transform("EPSG:4326", scene.crs, longitudes, latitudes))
    if scene.crs.is_geographic:  # a grid may count its longitudes from 0 to 360
        centre, _ = scene.transform @ (scene.size[1] / 2, scene.size[0] / 2)
        x = x + 360 * np.round((centre - x) / 360)
    columns, rows = ~scene.transform @ (x, y)
    (top, bottom), (left, right) = (
        (
            max(0, int(np.floor((edge.min() + 1e-6) / block)) * block),
            min(length, int(np.ceil((edge.max() - 1e-6) / block)) * block),
        )
        if np.isfinite(edge).all()
        else (0, 0)
        for edge, length, block in zip((rows, columns), scene.size, blocks, strict=True)
    )
    if top >= bottom or left >= right:
        raise UserError(f"--bbox {numbers}: lies outside of {scene.name} (west south east north in degrees)")
    return CroppedScene(scene, top, left, bottom - top, right - left)
