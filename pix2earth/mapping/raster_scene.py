"""GeoTIFFs and what else GDAL reads as a scene: bands found by name, numbers brought to those of the dataset."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from pix2earth.mapping.scene import as_stored
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError


class RasterScene:
    """A raster with all bands, or a folder with one raster a band."""

    def __init__(self, path: Path, field: Field) -> None:
        """Open it and find the bands.

        Args:
            path: a raster, or a folder of rasters that are named for their bands (``..._B02.jp2``, ``B02.tif``).
            field: the dataset's input field.

        Raises:
            UserError: it cannot be read, lacks a band, or its rasters differ in their grid.
        """
        self.name, self.path, self.field = str(path), path, field
        self.bands = _of_folder(path, field) if path.is_dir() else _of_file(path, field)
        """Of each band of the input its raster and its number in it."""
        grid = self.bands[0][0]
        self.size, self.crs, self.transform = (grid.height, grid.width), grid.crs, grid.transform
        self.tags = {"ACQUIRED": acquired} if (acquired := grid.tags().get("ACQUIRED")) else {}
        kinds = {_numbers(raster, number, field) for raster, number in self.bands}
        if len(kinds) > 1:
            raise UserError(f"{path}: its bands are {' and '.join(sorted(kinds))}; store all in one way")
        self.numbers = kinds.pop()

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``."""
        window = Window(column, row, width, height)
        layers = []
        try:
            if len({id(raster) for raster, _ in self.bands}) == 1:  # one call reads blocks of all bands once
                raster, numbers = self.bands[0][0], [number for _, number in self.bands]
                read, masks = raster.read(numbers, window=window), raster.read_masks(numbers, window=window)
                layers = list(zip(self.bands, read, masks, strict=True))
            else:
                for raster, number in self.bands:
                    read, masks = raster.read(number, window=window), raster.read_masks(number, window=window)
                    layers.append(((raster, number), read, masks))
        except RasterioError:
            place = f"row {row}, column {column}"
            raise UserError(f"{self.name}: is damaged at {place}; copy it again") from None
        return np.stack([self._as_stored(*layer) for layer in layers], axis=-1)

    def _as_stored(self, band: tuple[Any, int], read: np.ndarray, mask: np.ndarray) -> np.ndarray:
        raster, number = band
        missing = mask == 0
        if self.numbers == PHYSICAL:
            values = as_stored(read, self.field)
        else:
            # The file's own nodata goes first; many files, JPEG 2000 among them, cannot state one.
            if raster.nodatavals[number - 1] is None and self.field.nodata is not None:
                missing |= read == self.field.nodata
            values = read.astype(np.float32)
            scale, offset = raster.scales[number - 1], raster.offsets[number - 1]
            if self.numbers == TAGGED and (scale, offset) != (self.field.scale, self.field.offset):
                values = as_stored(read.astype(np.float64) * scale + offset, self.field)
        values[missing] = np.nan
        return values

    def identity(self) -> dict[str, Any]:
        """Return names, sizes and times of the files."""
        files = sorted({Path(raster.name) for raster, _ in self.bands})
        stamps = [[file.name, *_stamp(file)] for file in files]
        return {"input": str(self.path.resolve()), "files": stamps}


STORED = "numbers as the dataset stores them"
TAGGED = "numbers with scale and offset tags"
PHYSICAL = "physical values"


def _numbers(raster: Any, number: int, field: Field) -> str:
    """Tell how a band's numbers are meant."""
    scale, offset, dtype = raster.scales[number - 1], raster.offsets[number - 1], raster.dtypes[number - 1]
    if (scale, offset) != (1.0, 0.0):
        return TAGGED
    return PHYSICAL if "float" in dtype and field.kind == "image" else STORED


def _stamp(file: Path) -> list[int]:
    return [file.stat().st_size, file.stat().st_mtime_ns] if file.exists() else []  # /vsicurl/ and the like


def _opened(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said in our own words
            raster = rasterio.open(path)
    except RasterioError:
        raise UserError(
            f"--input {path}: is no raster that GDAL reads; give a GeoTIFF, a product (.SAFE, .zip) or a dataset"
        ) from None
    if not raster.count:
        raise UserError(f"--input {path}: has no bands of its own; name one of its {len(raster.subdatasets)} parts")
    return raster


def _words(text: str) -> set[str]:
    return {word for word in re.split(r"[^0-9a-z]+", text.casefold()) if word}


def _names(band: str, text: str) -> bool:
    """Tell whether a text names a band: as a whole or as one of its words."""
    return band.casefold() == text.strip().casefold() or band.casefold() in _words(text)


def _of_file(path: Path, field: Field) -> list[tuple[Any, int]]:
    """Return the wanted bands of one raster: by their descriptions, or in order where it has none."""
    raster = _opened(path)
    texts = [text or "" for text in raster.descriptions]
    dates = field.time_steps or 1
    wanted = field.bands * dates
    if not any(texts) or dates > 1:
        if len(texts) != len(wanted):
            order = ", ".join(field.bands) + (f" of the first of {dates} dates, then of the next" if dates > 1 else "")
            raise UserError(f"{path}: has {len(texts)} bands; the network takes {len(wanted)}: {order}")
        for number, (band, text) in enumerate(zip(wanted, texts, strict=True), start=1):
            if text and not _names(band, text):
                raise UserError(f"{path}: band {number} is called '{text}' where {band} is expected (date by date)")
        return [(raster, number) for number in range(1, len(texts) + 1)]
    found = {band: [number for number, text in enumerate(texts, start=1) if _names(band, text)] for band in wanted}
    missing = [band for band, numbers in found.items() if not numbers]
    if missing:
        raise UserError(f"{path}: lacks {', '.join(missing)}; its bands are called {', '.join(filter(None, texts))}")
    return [(raster, found[band][0]) for band in wanted]


def _of_folder(folder: Path, field: Field) -> list[tuple[Any, int]]:
    """Return the wanted bands of a folder with one raster each."""
    if field.time_steps:
        raise UserError(f"{folder}: holds one raster a band; a network of {field.time_steps} dates takes one with all")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jp2", ".tif", ".tiff"))
    if not files:
        raise UserError(f"--input {folder}: is no dataset, no product and no folder of rasters, one a band")
    found = {band: [file for file in files if _names(band, file.stem)] for band in field.bands}
    missing = [band for band, named in found.items() if not named]
    if missing:
        raise UserError(f"{folder}: has no raster that is named for {', '.join(missing)}")
    doubled = next((named for named in found.values() if len(named) > 1), None)
    if doubled:
        raise UserError(f"{folder}: {doubled[0].name} and {doubled[1].name} are named for one band; leave one there")
    bands = [(_opened(named[0]), 1) for named in found.values()]
    grid = bands[0][0]
    for raster, _ in bands[1:]:
        if (raster.shape, raster.transform, raster.crs) != (grid.shape, grid.transform, grid.crs):
            raise UserError(f"{raster.name}: has another grid than {Path(grid.name).name}; bring all bands to one")
    return bands
