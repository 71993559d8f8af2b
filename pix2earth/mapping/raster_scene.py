"""Rasters that GDAL reads, such as GeoTIFF, as scenes: bands by name, values converted to those of the dataset."""

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
    """A raster with all bands, or a folder with one raster for each band, as a scene.

    Attributes:
        bands: for each band of the input the open raster and the band's number in it.
        numbers: how the values are stored: ``STORED``, ``TAGGED`` or ``PHYSICAL``.
    """

    def __init__(self, path: Path, field: Field, option: str = "--input ") -> None:
        """Open the rasters and find the bands.

        Args:
            path: a raster, or a folder of rasters that are named for their bands (``..._B02.jp2``, ``B02.tif``).
            field: the dataset's input field, or another one.
            option: words that name the path on the command line, for messages.

        Raises:
            UserError: it cannot be read, lacks a band, or its rasters differ in their grid.
        """
        self.name, self.path, self.field = str(path), path, field
        bands_of = _bands_of_folder if path.is_dir() else _bands_of_file
        self.bands = bands_of(path, field, option)
        grid = self.bands[0][0]
        self.size, self.crs, self.transform = (grid.height, grid.width), grid.crs, grid.transform
        self.tags = {"ACQUIRED": acquired} if (acquired := grid.tags().get("ACQUIRED")) else {}
        kinds = {_numbers(raster, number, field) for raster, number in self.bands}
        if len(kinds) > 1:
            raise UserError(f"{path}: its bands are {' and '.join(sorted(kinds))}; store all in the same way")
        self.numbers = kinds.pop()

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

    def glance(self, side: int) -> np.ndarray:
        """Return numbers of the file from at most ``side`` rows and columns of each band, without missing ones."""
        try:
            values = [
                raster.read(number, out_shape=(min(raster.height, side), min(raster.width, side)), masked=True)
                for raster, number in self.bands
            ]
        except RasterioError:
            raise UserError(f"{self.name}: is damaged; copy it again") from None
        return np.concatenate([each.compressed() for each in values])

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
            scale, offset = raster.scales[number - 1], raster.offsets[number - 1]
            if self.numbers == TAGGED and (scale, offset) != (self.field.scale, self.field.offset):
                stored = as_stored(values.astype(np.float64) * scale + offset, self.field)
        stored[missing] = np.nan
        return stored

    def identity(self) -> dict[str, Any]:
        """Return names, sizes and modification times of the files, for JSON."""
        files = sorted({Path(raster.name) for raster, _ in self.bands})
        return {"input": str(self.path.resolve()), "files": [[file.name, *_size_and_time(file)] for file in files]}


STORED = "numbers as the dataset stores them"
TAGGED = "numbers with scale and offset tags"
PHYSICAL = "physical values"


def _numbers(raster: Any, number: int, field: Field) -> str:
    """Return how a band's values are stored: ``STORED``, ``TAGGED`` or ``PHYSICAL``."""
    scale, offset, dtype = raster.scales[number - 1], raster.offsets[number - 1], raster.dtypes[number - 1]
    if (scale, offset) != (1.0, 0.0):
        return TAGGED
    return PHYSICAL if "float" in dtype and field.kind == "image" else STORED


def _size_and_time(file: Path) -> list[int]:
    """Return size and modification time of a file; an empty list for a virtual file of GDAL."""
    return [file.stat().st_size, file.stat().st_mtime_ns] if file.exists() else []  # /vsicurl/ and the like


def _open(path: Path, option: str) -> Any:
    """Return an open raster.

    Raises:
        UserError: GDAL cannot read it, or it has no bands.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)  # reported by open_scene
            raster = rasterio.open(path)
    except RasterioError:
        others = ", a product (.SAFE, .zip) or a dataset" if option.startswith("--input") else ""
        raise UserError(f"{option}{path}: is not a raster that GDAL can read; give a GeoTIFF{others}") from None
    if not raster.count:
        raise UserError(
            f"{option}{path}: has no bands of its own; name one of its {len(raster.subdatasets)} subdatasets"
        )
    return raster


def _words(text: str) -> set[str]:
    """Return the words of a text in lower case: runs of letters and digits."""
    return {word for word in re.split(r"[^0-9a-z]+", text.casefold()) if word}


def _names(band: str, text: str) -> bool:
    """Return whether a text contains the name of a band: as the whole text or as one of its words."""
    return band.casefold() == text.strip().casefold() or band.casefold() in _words(text)


def _bands_of_file(path: Path, field: Field, option: str) -> list[tuple[Any, int]]:
    """Return the bands of a field in one raster: by their descriptions, or in order where it has none.

    Raises:
        UserError: a band is missing, or the order is another one.
    """
    raster = _open(path, option)
    descriptions = [text or "" for text in raster.descriptions]
    steps = field.time_steps or 1
    expected = field.bands * steps
    if not any(descriptions) or steps > 1:
        if len(descriptions) != len(expected):
            following = (
                f" of the first of {steps} time steps, then of the next; or name {steps} rasters" if steps > 1 else ""
            )
            order = ", ".join(field.bands) + following
            raise UserError(f"{path}: has {len(descriptions)} bands; the network takes {len(expected)}: {order}")
        for number, (band, text) in enumerate(zip(expected, descriptions, strict=True), start=1):
            if text and not _names(band, text):
                raise UserError(
                    f"{path}: band {number} is called '{text}' where {band} is expected (all bands of a time step, then"
                    " those of the next)"
                )
        return [(raster, number) for number in range(1, len(descriptions) + 1)]
    numbers = {
        band: [number for number, text in enumerate(descriptions, start=1) if _names(band, text)] for band in expected
    }
    missing = [band for band, matches in numbers.items() if not matches]
    if missing:
        called = ", ".join(filter(None, descriptions))
        raise UserError(f"{path}: lacks {', '.join(missing)}; its bands are called {called}")
    return [(raster, numbers[band][0]) for band in expected]


def _bands_of_folder(folder: Path, field: Field, option: str) -> list[tuple[Any, int]]:
    """Return the bands of a field in a folder with one raster for each band.

    Raises:
        UserError: a band is missing or there twice, or the rasters differ in their grid.
    """
    if field.time_steps:
        raise UserError(
            f"{folder}: holds one raster per band; a network with {field.time_steps} time steps takes a folder for"
            " each, or one raster with all"
        )
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jp2", ".tif", ".tiff"))
    if not files:
        raise UserError(f"{option}{folder}: is neither a dataset nor a product nor a folder with one raster per band")
    files_of = {band: [file for file in files if _names(band, file.stem)] for band in field.bands}
    missing = [band for band, matches in files_of.items() if not matches]
    if missing:
        raise UserError(f"{folder}: has no raster that is named for {', '.join(missing)}")
    duplicates = next((matches for matches in files_of.values() if len(matches) > 1), None)
    if duplicates:
        raise UserError(f"{folder}: {duplicates[0].name} and {duplicates[1].name} are named for one band; remove one")
    bands = [(_open(matches[0], option), 1) for matches in files_of.values()]
    grid = bands[0][0]
    for raster, _ in bands[1:]:
        if (raster.shape, raster.transform, raster.crs) != (grid.shape, grid.transform, grid.crs):
            raise UserError(
                f"{raster.name}: has another grid than {Path(grid.name).name}; resample all bands to one grid"
            )
    return bands
