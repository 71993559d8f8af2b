"""Scenes with bands at two pixel sizes, one a whole multiple of the other, read window by window as stored numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from affine import Affine

TOLERANCE = 0.01
"""Distance of corners in fine pixels that is ignored: programs round coordinates differently."""


class BandStack(Protocol):
    """The bands of a scene that share a pixel size.

    Attributes:
        names: of the bands, in their order.
        dtype: of the stored numbers.
        size: (height, width) in pixels.
        transform: from (column, row) to coordinates.
    """

    names: Sequence[str]
    dtype: str
    size: tuple[int, int]
    transform: Affine

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window as stored, (height, width, band).

        Raises:
            UserError: a file is damaged.
        """


class Numbers(NamedTuple):
    """What stored numbers mean: physical value = number * scale + offset; some are no measurement."""

    scale: float
    offset: float
    nodata: float | None
    saturated: int | None
    """Stored number of saturated pixels; None where there is none."""

    def invalid(self, stored: np.ndarray) -> np.ndarray:
        """Return where numbers (height, width, band) are no measurement in any band, bool (height, width)."""
        import numpy as np

        found = ~np.isfinite(stored)
        for number in (self.nodata, self.saturated):
            if number is not None:
                found |= stored == number
        return found.any(axis=-1)


class TwoResolutions(NamedTuple):
    """A scene with fine and coarse bands of one extent.

    Attributes:
        name: starts the names of its tiles.
        acquired: time of acquisition, ISO 8601; "" where it is not known.
        crs: as "EPSG:32618" or WKT; None where there is none.
        fine: bands with small pixels, which guide.
        coarse: bands with large pixels, to be sharpened.
        ratio: of the pixel sizes.
        numbers: their meaning, the same for all bands.
    """

    name: str
    acquired: str
    crs: str | None
    fine: BandStack
    coarse: BandStack
    ratio: int
    numbers: Numbers

    @property
    def pixel(self) -> float:
        """Side of a coarse pixel in metres, as the transform states it."""
        return math.sqrt(abs(self.coarse.transform.determinant))


def checked(scene: TwoResolutions, place: str) -> TwoResolutions:
    """Return a scene whose grids fit.

    Args:
        scene: its ratio is that of the pixel sizes, rounded.
        place: what messages name.

    Raises:
        UserError: the pixel sizes have no whole ratio of at least 2, or the grids begin or end at different places.
    """
    fine, coarse, ratio = scene.fine, scene.coarse, scene.ratio
    between = ~fine.transform @ coarse.transform
    sizes = f"{_pixels(fine)} and {_pixels(coarse)}"
    if ratio < 2 or abs(between.a - ratio) > TOLERANCE or abs(between.e - ratio) > TOLERANCE:
        raise UserError(f"{place}: has {sizes}: the pixel sizes need a ratio of 2, 3, ...; resample one of them")
    if abs(between.c) > TOLERANCE or abs(between.f) > TOLERANCE:
        raise UserError(
            f"{place}: coarse and fine bands begin {between.c:g} columns, {between.f:g} rows of fine pixels apart; crop"
            " both to the same corner"
        )
    if any(side * ratio != wide for side, wide in zip(coarse.size, fine.size, strict=True)):
        raise UserError(f"{place}: has {sizes}, which do not cover the same ground; crop both to the same extent")
    return scene


def _pixels(bands: BandStack) -> str:
    height, width = bands.size
    return f"{height} rows x {width} columns of {abs(bands.transform.a):g} ({', '.join(bands.names)})"


class RasterBands:
    """Bands of open rasters of one grid."""

    def __init__(self, layers: Sequence[tuple[str, Any, int]], place: str) -> None:
        """Keep name, open raster and number in it of each band.

        Raises:
            UserError: the rasters differ in their grid or type.
        """
        self.names: Sequence[str] = [name for name, _, _ in layers]
        self.layers = [(raster, number) for _, raster, number in layers]
        first, number = self.layers[0]
        self.size, self.transform, self.dtype = (first.height, first.width), first.transform, first.dtypes[number - 1]
        for name, raster, number in layers:
            if (raster.shape, raster.transform, raster.crs) != (first.shape, first.transform, first.crs):
                raise UserError(f"{place}: band {name} has another grid than {self.names[0]}; resample it")
            if raster.dtypes[number - 1] != self.dtype:
                raise UserError(
                    f"{place}: band {name} holds {raster.dtypes[number - 1]}, {self.names[0]} {self.dtype}; convert one"
                )

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``BandStack``."""
        import numpy as np
        from rasterio.errors import RasterioError
        from rasterio.windows import Window

        window = Window(column, row, width, height)
        try:
            return np.stack([raster.read(number, window=window) for raster, number in self.layers], axis=-1)
        except RasterioError:
            raise UserError(f"{self.layers[0][0].name}: is damaged at row {row}, column {column}; copy it again") from (
                None
            )


def acquired_of(raster: Any) -> str:
    """Return the time of acquisition in a raster's tag ACQUIRED, "" where there is none or it is no time."""
    text = raster.tags().get("ACQUIRED", "")
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return ""
    return text


def open_raster(path: Path, option: str) -> Any:
    """Return an open raster.

    Raises:
        UserError: GDAL cannot read it.
    """
    import warnings

    import rasterio

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            return rasterio.open(path)
    except rasterio.errors.RasterioError:
        raise UserError(f"{option} {path}: is not a raster that GDAL can read") from None
