"""A GeoTIFF as the input of a network: its bands found, its numbers brought to those of the dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from settings.mistakes import Mistake

if TYPE_CHECKING:
    from records.manifest import Field


class Scene:
    """An open raster, read window by window as the input field stores its numbers."""

    def __init__(self, path: Path, field: Field, bbox: tuple[float, float, float, float] | None = None) -> None:
        """Open the file and find the bands.

        Args:
            path: anything that GDAL reads.
            field: the dataset's input field.
            bbox: west, south, east, north in degrees: the part to work on.

        Raises:
            Mistake: it cannot be read, lacks a band, or does not meet the box.

        """
        self.path, self.field = path, field
        try:
            self.raster = rasterio.open(path)
        except RasterioError as error:
            raise Mistake(
                f"{path}: cannot be read as a raster ({error}); --input takes a GeoTIFF or a dataset"
            ) from None
        self.indexes = self._find_bands()
        self.window = self._find_window(bbox) if bbox else Window(0, 0, self.raster.width, self.raster.height)
        self.transform = rasterio.windows.transform(self.window, self.raster.transform)
        scales = np.array([self.raster.scales[index - 1] for index in self.indexes])
        offsets = np.array([self.raster.offsets[index - 1] for index in self.indexes])
        self.tagged = (scales, offsets) if (scales != 1).any() or (offsets != 0).any() else None

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels of the part to work on."""
        return int(self.window.height), int(self.window.width)

    def _find_bands(self) -> list[int]:
        """Return the number of each band that the field wants: by name, or in order where the file names none."""
        wanted = self.field.bands * (self.field.dates or 1)
        names = [description or "" for description in self.raster.descriptions]
        if any(names) and not self.field.dates:
            missing = [band for band in wanted if band not in names]
            if missing:
                raise Mistake(
                    f"{self.path}: lacks the bands {', '.join(missing)}; it has {', '.join(filter(None, names))}"
                )
            return [names.index(band) + 1 for band in wanted]
        if len(names) != len(wanted):
            raise Mistake(f"{self.path}: has {len(names)} bands; the network takes {len(wanted)}: {', '.join(wanted)}")
        return list(range(1, len(names) + 1))

    def _find_window(self, bbox: tuple[float, float, float, float]) -> Window:
        if self.raster.crs is None:
            raise Mistake(f"{self.path}: has no CRS, so that --bbox means nothing; leave it out")
        bounds = rasterio.warp.transform_bounds("EPSG:4326", self.raster.crs, *bbox)
        box = rasterio.windows.from_bounds(*bounds, transform=self.raster.transform)
        rows, columns = (
            (max(0, int(np.floor(low + 1e-6))), min(full, int(np.ceil(high - 1e-6))))
            for low, high, full in (
                (box.row_off, box.row_off + box.height, self.raster.height),
                (box.col_off, box.col_off + box.width, self.raster.width),
            )
        )
        if rows[0] >= rows[1] or columns[0] >= columns[1]:
            raise Mistake(f"{self.path}: --bbox {' '.join(map(str, bbox))} does not meet it (west south east north)")
        return Window(columns[0], rows[0], columns[1] - columns[0], rows[1] - rows[0])

    def read(self, row: int, column: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a window as the field stores it, and where there is something; the edge is repeated beyond the scene.

        Numbers of another type than the field's, or with scale and offset tags, are taken for physical values.

        Returns:
            ``(height, width, band)``, or ``(date, height, width, band)``, and booleans ``(height, width)``.

        Raises:
            Mistake: the file is damaged.

        """
        rows, columns = min(height, self.size[0] - row), min(width, self.size[1] - column)
        window = Window(self.window.col_off + column, self.window.row_off + row, columns, rows)
        try:
            stored = self.raster.read(self.indexes, window=window)
        except RasterioError:
            raise Mistake(f"{self.path}: is damaged at row {row}, column {column}; copy it again") from None
        there = self._there(stored)
        values = np.moveaxis(self._as_stored(stored), 0, -1)
        beyond = ((0, height - rows), (0, width - columns))
        values, there = np.pad(values, (*beyond, (0, 0)), "edge"), np.pad(there, beyond, "edge")
        if self.field.dates:
            values = np.moveaxis(values.reshape(height, width, self.field.dates, -1), 2, 0)
        return values, there

    def _there(self, stored: np.ndarray) -> np.ndarray:
        """Return where any band was measured."""
        nodata = self.raster.nodata if self.raster.nodata is not None else self.field.nodata
        there = np.isfinite(stored) if stored.dtype.kind == "f" else np.ones(stored.shape, bool)
        return (there if nodata is None else there & (stored != nodata)).any(axis=0)

    def _as_stored(self, stored: np.ndarray) -> np.ndarray:
        """Return the numbers of (band, height, width) as the field stores them."""
        if self.tagged is None and stored.dtype == self.field.dtype:
            return stored
        values = stored.astype(np.float64)
        if self.tagged is not None:
            values = values * self.tagged[0][:, None, None] + self.tagged[1][:, None, None]
        elif stored.dtype.kind != "f":
            return stored.astype(np.float32)
        return ((values - self.field.offset) / self.field.scale).astype(np.float32)

    def identity(self) -> dict[str, Any]:
        """Return what tells this input from another."""
        about = self.path.stat() if self.path.exists() else None
        stamp = [about.st_size, about.st_mtime_ns] if about else []
        return {"input": str(self.path), "stamp": stamp, "window": [int(number) for number in self.window.flatten()]}
