"""Rasters that GDAL reads, such as GeoTIFF, as scenes: bands by name, values converted to those of the dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rasterio.errors import RasterioError
from rasterio.windows import Window

from pix2earth.mapping.bands.finding import bands_of_file, bands_of_folder
from pix2earth.mapping.scene import as_stored
from pix2earth.mapping.sources import Source, is_folder
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError


class Chosen(NamedTuple):
    """What the command line states of rasters.

    Attributes:
        bands: their numbers from 1 on, where names and order are not to decide.
        conversion: scale and offset from numbers to physical values, or None: as the raster and the dataset say.
    """

    bands: tuple[int, ...] = ()
    conversion: tuple[float, float] | None = None


class RasterScene:
    """A raster with all bands, or a folder with one raster for each band, as a scene.

    Attributes:
        bands: for each band of the input the open raster and the band's number in it.
        numbers: how the values are stored: ``STORED``, ``TAGGED``, ``PHYSICAL`` or ``CONVERTED``.
    """

    def __init__(self, path: Source, field: Field, option: str = "--input ", chosen: Chosen | None = None) -> None:
        """Open the rasters and find the bands.

        Args:
            path: a raster, or a folder of rasters that are named for their bands (``..._B02.jp2``, ``B02.tif``).
            field: the dataset's input field, or another one.
            option: words that name the path on the command line, for messages.
            chosen: what the command line states of the raster, where it does not say it itself.

        Raises:
            UserError: it cannot be read, lacks a band, or its rasters differ in their grid.
        """
        self.name, self.path, self.field = str(path), path, field
        numbers = chosen.bands if chosen else ()
        self.conversion = chosen.conversion if chosen else None
        if is_folder(path):
            if numbers:
                raise UserError(f"--bands: {path} is a folder with one raster for each band; leave it out")
            self.bands = bands_of_folder(path, field, option)
        else:
            self.bands = bands_of_file(path, field, option, numbers)
        grid = self.bands[0][0]
        self.size, self.crs, self.transform = (grid.height, grid.width), grid.crs, grid.transform
        self.tags = {"ACQUIRED": acquired} if (acquired := grid.tags().get("ACQUIRED")) else {}
        kinds = {_numbers(raster, number, field) for raster, number in self.bands}
        if len(kinds) > 1:
            raise UserError(f"{path}: its bands are {' and '.join(sorted(kinds))}; store all in the same way")
        self.numbers = CONVERTED if self.conversion else kinds.pop()

    @property
    def dtypes(self) -> list[str]:
        """The type of the numbers of each band."""
        return [raster.dtypes[number - 1] for raster, number in self.bands]

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``."""
        window = Window(column, row, width, height)
        layers = []
        try:
            if len({id(raster) for raster, _ in self.bands}) == 1:  # one call decodes each block once for all bands
                raster, numbers = self.bands[0][0], [number for _, number in self.bands]
                values, masks = raster.read(numbers, window=window), raster.read_masks(numbers, window=window)
                layers = list(zip(self.bands, values, masks, strict=True))
            else:
                for raster, number in self.bands:
                    values, mask = raster.read(number, window=window), raster.read_masks(number, window=window)
                    layers.append(((raster, number), values, mask))
        except RasterioError:
            position = f"row {row}, column {column}"
            raise UserError(f"{self.name}: is damaged at {position}; copy it again") from None
        return np.stack([self._as_stored(*layer) for layer in layers], axis=-1)

    def sample(self, side: int) -> np.ndarray:
        """Return at most ``side`` rows and columns of all bands, evenly over the raster, as ``read`` returns them.

        Where there are no overviews to read from, they are small groups of rows and columns: single ones would need all
        blocks of the file.
        """
        if all(raster.overviews(number) for raster, number in self.bands):
            return self._decimated(side)
        rows, columns = (_groups(length, side) for length in self.size)
        return np.concatenate(
            [
                np.concatenate([self.read(row, column, height, width) for column, width in columns], axis=1)
                for row, height in rows
            ]
        )

    def _decimated(self, side: int) -> np.ndarray:
        """Return the raster at a lower resolution, as ``sample`` does."""
        layers = []
        try:
            for raster, number in self.bands:
                shape = (min(raster.height, side), min(raster.width, side))
                values, mask = raster.read(number, out_shape=shape), raster.read_masks(number, out_shape=shape)
                layers.append(self._as_stored((raster, number), values, mask))
        except RasterioError:
            raise UserError(f"{self.name}: is damaged; copy it again") from None
        return np.stack(layers, axis=-1)

    def _as_stored(self, band: tuple[Any, int], values: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return the values of one band as the dataset stores them, float32, NaN where the file has no data.

        Args:
            band: the raster and the band's number in it.
            values: ``(height, width)`` as in the file.
            mask: 0 where the file has no data.
        """
        raster, number = band
        missing = mask == 0
        if self.numbers == PHYSICAL:
            stored = as_stored(values, self.field)
        else:
            # The nodata value of the file takes precedence; many formats, such as JPEG 2000, cannot state one.
            if raster.nodatavals[number - 1] is None and self.field.nodata is not None:
                missing |= values == self.field.nodata
            stored = values.astype(np.float32)
            scale, offset = self.conversion or (raster.scales[number - 1], raster.offsets[number - 1])
            if self.numbers in (TAGGED, CONVERTED) and (scale, offset) != (self.field.scale, self.field.offset):
                stored = as_stored(values.astype(np.float64) * scale + offset, self.field)
        stored[missing] = np.nan
        return stored

    def identity(self) -> dict[str, Any]:
        """Return what is read, for JSON: names, sizes and times of the files, and what the command line states."""
        files = sorted({Path(raster.name) for raster, _ in self.bands})
        place = self.path.resolve() if isinstance(self.path, Path) else self.path
        about = {"input": str(place), "files": [[file.name, *_size_and_time(file)] for file in files]}
        return about | {"bands": [number for _, number in self.bands], "conversion": self.conversion}


GROUPS = 8
"""Groups of rows, and of columns, that are read of a raster for a sample."""
STORED = "numbers as the dataset stores them"
TAGGED = "numbers with scale and offset tags"
PHYSICAL = "physical values"
CONVERTED = "numbers with --scale and --offset"


def _groups(length: int, count: int) -> list[tuple[int, int]]:
    """Return ``GROUPS`` groups of rows or columns, evenly over an axis: the first one and the number of each.

    Args:
        length: of the axis.
        count: of rows or columns in all groups.
    """
    if length <= count:
        return [(0, length)]
    size = max(1, count // GROUPS)
    return [(round(start), size) for start in np.linspace(0, length - size, GROUPS)]


def _numbers(raster: Any, number: int, field: Field) -> str:
    """Return how a band's values are stored: ``STORED``, ``TAGGED`` or ``PHYSICAL``."""
    scale, offset, dtype = raster.scales[number - 1], raster.offsets[number - 1], raster.dtypes[number - 1]
    if (scale, offset) != (1.0, 0.0):
        return TAGGED
    return PHYSICAL if "float" in dtype and field.kind == "image" else STORED


def _size_and_time(file: Path) -> list[int]:
    """Return size and modification time of a file; an empty list for a virtual file of GDAL."""
    return [file.stat().st_size, file.stat().st_mtime_ns] if file.exists() else []  # /vsicurl/ and the like
