"""Write and read the 26-band GeoTIFF of a tile: flags, Sentinel-2 reflectance and collocated OLCI radiance at 10 m.

===== =================== ===============================================================================
bands name                content
===== =================== ===============================================================================
1     quality_flags       OLCI's flags, bits 31 to 8 (a float32 holds 24 significant bits exactly)
2     collocationFlags    bit 0: an OLCI pixel covers this; bits 15 to 8: bits 7 to 0 of the quality flags
3-5   B2 B3 B4            reflectance at the top of the atmosphere (1), or at the surface for Level-2A
6-26  Oa01..Oa21_radiance radiance at the top of the atmosphere, mW m-2 sr-1 nm-1
===== =================== ===============================================================================

All bands are float32 and NaN is nodata; the flags of nodata are 0. Files of the original ARISGAN code have the same
bands without tags, and their flags are rounded to 24 bits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError
from sensors.sentinel3 import BANDS as OLCI_BANDS

if TYPE_CHECKING:
    from affine import Affine

SENTINEL2_BANDS = ["B02", "B03", "B04"]
"""The Sentinel-2 bands of a tile; those of OLCI are all of ``sensors.sentinel3``."""
REFLECTANCE = ("B2", "B3", "B4")
RADIANCE = tuple(f"{band}_radiance" for band in OLCI_BANDS)
BANDS = ("quality_flags", "collocationFlags", *REFLECTANCE, *RADIANCE)
"""Names of the bands in the file, as in the original ARISGAN code."""
UNITS = ("1", "1", *("1" for _ in REFLECTANCE), *("mW m-2 sr-1 nm-1" for _ in RADIANCE))
LOW_BITS = 0xFF
"""Bits of the quality flags that are stored in the upper half of the collocation flags."""
NOTINMASK = "_notinmask"
NAME = re.compile(r"(?P<index>\d{5,})_(?P<x>\d+)x(?P<y>\d+)(?P<ending>_notinmask)?")


class Tile(NamedTuple):
    """The arrays of one tile, and its position."""

    flags: np.ndarray
    """uint32 (height, width): OLCI's quality flags."""
    located: np.ndarray
    """bool (height, width): an OLCI pixel covers this pixel."""
    reflectance: np.ndarray
    """float32 (height, width, 3): B2 B3 B4; NaN is nodata."""
    radiance: np.ndarray
    """float32 (height, width, 21), mW m-2 sr-1 nm-1; NaN is nodata."""
    crs: Any
    transform: Affine
    tags: Mapping[str, str]
    """Products, acquisition times and draw; empty in files of the original ARISGAN code."""


def write(path: Path, tile: Tile, flag_masks: Mapping[str, int]) -> None:
    """Write a tile atomically, compressed without loss.

    Args:
        path: the file to write.
        tile: its arrays, position and tags.
        flag_masks: bits of the quality flags by name; they are stored in the tags of band 1.

    Raises:
        OSError: the file cannot be written; it does not exist then.
    """
    import rasterio

    height, width = tile.located.shape
    low = (tile.flags & LOW_BITS) << 8
    layers = [(tile.flags & ~np.uint32(LOW_BITS)), np.where(tile.located, low | 1, 0)]
    stack = np.concatenate([np.stack(layers).astype(np.float32), *(
        np.moveaxis(array, -1, 0) for array in (tile.reflectance, tile.radiance)
    )])  # fmt: skip
    profile: dict[str, Any] = {
        "driver": "GTiff", "dtype": "float32", "count": len(BANDS), "height": height, "width": width,
        "crs": tile.crs, "transform": tile.transform, "nodata": np.nan, "interleave": "pixel", "blockysize": height,
        # An OLCI pixel is a square of equal values: their differences are 0. Predictor 3 takes twice the space.
        "compress": "deflate", "predictor": 2, "zlevel": 4,
    }  # fmt: skip
    with atomic.replacing(path) as temporary:
        with rasterio.open(temporary, "w", **profile) as raster:
            raster.write(stack)
            raster.descriptions = BANDS
            raster.units = UNITS
            raster.update_tags(**tile.tags)
            raster.update_tags(1, flag_masks=json.dumps(dict(flag_masks)), stored="bits 31 to 8")
            raster.update_tags(2, stored="bit 0: an OLCI pixel lies here; bits 15 to 8: quality_flags, bits 7 to 0")


def read(path: Path) -> Tile:
    """Read a tile of this project or of the original ARISGAN code.

    Raises:
        UserError: the file is damaged or holds other bands.
    """
    import rasterio

    try:
        with rasterio.open(path) as raster:
            if raster.count != len(BANDS):
                raise UserError(f"{path}: has {raster.count} bands, not the {len(BANDS)} of a tile; move it elsewhere")
            stack, tags, has_names = raster.read(), raster.tags(), raster.descriptions == BANDS
            crs, transform = raster.crs, raster.transform
    except rasterio.errors.RasterioIOError as error:
        raise UserError(f"{path}: is damaged ({error}); remove it and run step 40 again") from None
    if crs is None:
        raise UserError(f"{path}: has no coordinate reference system; cut it again")
    first, second = (np.nan_to_num(layer).astype(np.int64).astype(np.uint32) for layer in stack[:2])
    reflectance, radiance = (np.moveaxis(part, 0, -1).astype(np.float32) for part in (stack[2:5], stack[5:]))
    located = (second & 1).astype(bool)
    if not has_names:
        # The original ARISGAN code stores no nodata: where a sensor has no pixel, all its bands are 0.
        located = second != 0
        reflectance[(reflectance == 0).all(axis=-1)] = np.nan
        radiance[(radiance == 0).all(axis=-1)] = np.nan
    flags = first | (second >> 8 & LOW_BITS) if has_names else first
    return Tile(flags, located, reflectance, radiance, crs, transform, tags)


def read_tags(path: Path) -> dict[str, str]:
    """Return the tags of a tile without reading its pixels.

    Raises:
        UserError: the file is damaged.
    """
    import rasterio

    try:
        with rasterio.open(path) as raster:
            return dict(raster.tags())
    except rasterio.errors.RasterioIOError as error:
        raise UserError(f"{path}: is damaged ({error}); remove it and run step 40 again") from None


def index_of(path: Path) -> int | None:
    """Return the inventory's ``index`` at the start of a tile's name, or None for other names."""
    match = NAME.fullmatch(path.stem)
    return int(match["index"]) if match else None
