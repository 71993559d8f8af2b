"""Open images by their content, find the part of an image that another grid needs, and resample it onto that grid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from affine import Affine
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader
    from rasterio.windows import Window

DRIVERS = ("JP2OpenJPEG", "GTiff")
"""By content, not by suffix; no other format, because some (VRT) could read files outside the product."""


class Grid(NamedTuple):
    """A raster's CRS, (height, width), and affine transform."""

    crs: CRS
    size: tuple[int, int]
    transform: Affine


def open_image(path: str, longest_side: int) -> DatasetReader:
    """Open an image of one band in one of the formats ``DRIVERS``.

    Args:
        path: of a file, or a path below ``/vsizip/``.
        longest_side: pixels along a side that the product's images have at most.

    Raises:
        RasterioIOError: it is in none of the formats (the error is that of the first), is larger, or has several
            bands.
    """
    import rasterio
    from rasterio.errors import RasterioIOError

    first = None
    # Files beside the image are not looked for: that takes time, and they could override its georeference.
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"):
        for driver in DRIVERS:
            try:
                image = rasterio.open(path, driver=driver)
            except RasterioIOError as error:
                first = first or error
                continue
            if max(image.shape) > longest_side or image.count > 1:
                image.close()
                rows, columns = image.shape
                raise RasterioIOError(f"it claims {rows} x {columns} pixels, {image.count} bands")
            return image
    assert first is not None
    raise first


def scaled(transform: Affine, factor: float) -> Affine:
    """Return the transform of a grid with the same corner and pixels ``factor`` times as large."""
    return transform @ type(transform).scale(factor)


def source_window(source: DatasetReader, transform: Affine, height: int, width: int) -> Window | None:
    """Return the window of an image that a grid of the same CRS needs, or None where they do not touch.

    Where the pixels coincide it is exactly those of the grid; otherwise two pixels of the coarser grid are added on
    every side, so that interpolation has its neighbours and neighbouring windows meet without a seam.
    """
    from rasterio.windows import Window

    inverse = ~source.transform @ transform
    left, top = inverse @ (0, 0)
    right, bottom = inverse @ (width, height)
    reach = 0 if _same_pixels(inverse) else math.ceil(2 * max(1.0, abs(inverse.a)))
    first_column, first_row = max(_floor(left) - reach, 0), max(_floor(top) - reach, 0)
    columns = min(_ceil(right) + reach, source.width) - first_column
    rows = min(_ceil(bottom) + reach, source.height) - first_row
    return Window(first_column, first_row, columns, rows) if columns > 0 and rows > 0 else None


def resample(
    values: np.ndarray, transform: Affine, out: np.ndarray, out_transform: Affine, crs: CRS, resampling: str
) -> None:
    """Resample an image onto another grid of the same CRS, in place.

    Args:
        values: float (rows, columns); NaN is nodata and does not spread into neighbours.
        transform: affine transform of ``values``.
        out: float32 (height, width), filled here; NaN where ``values`` has no data or does not reach.
        out_transform: affine transform of ``out``.
        crs: of both grids.
        resampling: "nearest", "bilinear" or "average".
    """
    import numpy as np
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    if values.shape == out.shape and transform.almost_equals(out_transform, 1e-6):
        out[...] = values
        return
    out.fill(np.nan)
    reproject(
        values, out, src_transform=transform, dst_transform=out_transform, src_crs=crs, dst_crs=crs,
        src_nodata=np.nan, dst_nodata=np.nan, resampling=Resampling[resampling],
    )  # fmt: skip


def _same_pixels(inverse: Affine) -> bool:
    """Return whether the pixels of two grids coincide."""
    aligned = all(abs(edge - round(edge)) < 1e-6 for edge in (inverse.c, inverse.f))
    return aligned and abs(inverse.a - 1) < 1e-9 and abs(inverse.e - 1) < 1e-9


def _floor(edge: float) -> int:
    return math.floor(edge + 1e-6)


def _ceil(edge: float) -> int:
    return math.ceil(edge - 1e-6)
