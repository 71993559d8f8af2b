"""Files of images as scenes: pixels in the numbers that a dataset stores."""

from __future__ import annotations

from typing import Any

import numpy as np
from affine import Affine

from pix2earth.image_files.image_file import ImageFile
from pix2earth.mapping.bands.values import check_picture, check_values
from pix2earth.mapping.scene import as_stored
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

ADVICE = (
    "state scale and offset in the file, or, of one that GDAL reads, by --scale and --offset with an --output that ends"
    " with .tif"
)


class PixelScene:
    """Pixels in memory as a scene.

    Attributes:
        values: float32 ``(height, width, time step * band)``, numbers as the dataset stores them, NaN where missing.
    """

    def __init__(self, values: np.ndarray, file: ImageFile) -> None:
        """Take pixels, and the place on the ground that their file states."""
        from rasterio.crs import CRS

        self.name, self.values, self.size = str(file.path), values, (values.shape[0], values.shape[1])
        placed = file.crs is not None and file.transform is not None
        self.crs: Any = CRS.from_user_input(file.crs) if placed else None
        self.transform = Affine(*file.transform) if placed and file.transform else Affine.identity()
        self.tags: dict[str, str] = {}

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``."""
        return self.values[row : row + height, column : column + width]

    def identity(self) -> dict[str, Any]:
        """Return nothing: files are predicted as a whole."""
        return {}


def stored_pixels(file: ImageFile, field: Field, sample: int | None = None) -> np.ndarray:
    """Return the pixels of a file as a dataset stores a field.

    Numbers with a scale or offset, and floating-point numbers of images, are physical values; other integers are
    numbers as the dataset stores them, and where the file states no nodata, so is its number for it.

    Args:
        file: of images.
        field: of the dataset; its bands are taken by name where the file names all of them, else in their order.
        sample: index of the sample, of a file with several.

    Returns:
        float32 ``(time step, height, width, band)`` with one time step where the file has no such axis; NaN where
        missing.

    Raises:
        UserError: the file is damaged, has other bands, or values far outside of the range of the field.
    """
    bands = band_indices(file, field)
    pixels = file.read(sample=sample)
    missing = file.missing(pixels)
    array = pixels.array
    if (file.scale, file.offset) != (1.0, 0.0) or (array.dtype.kind == "f" and field.kind == "image"):
        stored = as_stored(array.astype(np.float64) * file.scale + file.offset, field)
    else:
        check_picture(str(file.path), [str(array.dtype)], field, ADVICE)
        stored = array.astype(np.float32)
        if file.nodata is None and field.nodata is not None:
            missing |= array == field.nodata
    stored[missing] = np.nan
    stored = (stored if stored.ndim == 4 else stored[None])[..., bands]
    check_values(str(file.path), stored, field, ADVICE)
    return stored


def _other_axes(file: ImageFile, expected: int) -> str:
    """Return a question where an array has as many rows as the network takes bands, or "": its bands may be first."""
    if file.format not in ("NPY", "NPZ") or file.size[0] != expected:
        return ""
    return f"; are its axes in another order? state --axes {'NCHW' if file.samples else 'CHW'}"


def band_indices(file: ImageFile, field: Field) -> list[int]:
    """Return the index in a file of each band of a field.

    Raises:
        UserError: it has other bands.
    """
    names = [name.casefold() for name in file.bands or ()]
    if all(band.casefold() in names for band in field.bands):
        return [names.index(band.casefold()) for band in field.bands]
    if file.band_count != len(field.bands):
        called = f", called {', '.join(file.bands)}" if file.bands else ""
        raise UserError(
            f"{file.path}: has {file.band_count} bands{called}; the network takes {len(field.bands)}:"
            f" {', '.join(field.bands)}{_other_axes(file, len(field.bands))}"
        )
    return list(range(file.band_count))
