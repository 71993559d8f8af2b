"""GeoTIFF of float32 by GDAL, with names, units and tags of bands."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from pix2earth.image_files.writing import NewImage
from pix2earth.settings import atomic


def write_geotiff(path: Path, image: NewImage) -> None:
    """Write an image as GeoTIFF, NaN where missing; arguments as of ``write_image_file``.

    Time steps are further bands: all of the first time step, then those of the next, named ``B02 1``, ``B03 1`` ...
    """
    import rasterio
    from affine import Affine
    from rasterio.errors import NotGeoreferencedWarning

    values, names, about = image.values, list(image.bands), list(image.about_bands)
    if image.time_steps:
        steps, height, width, bands = values.shape
        values = values.transpose(1, 2, 0, 3).reshape(height, width, steps * bands)
        names = [f"{band} {number}" for number in range(1, steps + 1) for band in image.bands] if steps > 1 else names
        about = about * steps
    height, width, count = values.shape
    place: dict[str, Any] = {"transform": Affine(*image.transform)} if image.transform else {}
    place |= {"crs": image.crs} if image.crs else {}
    with atomic.replacing(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            temporary, "w", driver="GTiff", height=height, width=width, count=count, dtype="float32", nodata=np.nan,
            compress="deflate", predictor=3, **place,
        ) as raster:  # fmt: skip
            raster.write(np.moveaxis(np.asarray(values, np.float32), -1, 0))
            raster.descriptions, raster.units = tuple(names), (image.units,) * count
            times = {"ACQUIRED": ", ".join(image.times)} if image.times else {}
            raster.update_tags(**image.made_by, **times)
            for number, tags in enumerate(about, start=1):
                raster.update_tags(number, **tags)
