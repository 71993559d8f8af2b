"""Small granules of HLS in the true layout: names, tags, types and fill values of version 2.0."""

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

BANDS = {
    "L30": ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B09", "B10", "B11"],
    "S30": ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"],
}
TRANSFORM = Affine(30, 0, 399960, 0, -30, 6700020)
SIDE = 150
FILL, CLOUD, BESIDE, SHADOW, WATER = 255, 1 << 1, 1 << 2, 1 << 3, 1 << 5


def numbers_of(band: str, time: str = "2024120T211159", side: int = SIDE) -> np.ndarray:
    """Return the numbers of a band, int16; a corner is fill, and some are below 0."""
    random = np.random.default_rng([ord(letter) for letter in band + time])
    numbers = random.integers(-200, 9000, (side, side)).astype(np.int16)
    numbers[:20, :30] = -9999
    return numbers


def quality(side: int = SIDE, shift: int = 0) -> np.ndarray:
    """Return Fmask: water with a cloud, its shadow and its surroundings, and fill in the corner."""
    numbers = np.full((side, side), WATER | 2 << 6, np.uint8)
    numbers[50 + shift : 80 + shift, 40:90] |= BESIDE
    numbers[55 + shift : 75 + shift, 45:70] |= CLOUD
    numbers[55 + shift : 75 + shift, 70:85] |= SHADOW
    numbers[:20, :30] = FILL
    return numbers


def write_hls(
    root: Path,
    sensor: str = "L30",
    *,
    tile: str = "T06WVS",
    time: str = "2024120T211159",
    bands: list[str] | None = None,
    fmask: bool = True,
    scales: bool = True,
    tags: bool = True,
    scale: float = 1e-4,
    shift: int = 0,
    other_grid: str = "",
    folder: str | None = None,
) -> Path:
    """Write a granule and return its folder.

    Args:
        root: folder for the folder.
        sensor: "L30" or "S30".
        tile: in the names.
        time: in the names, year, day of the year and time.
        bands: that have a file; None: all of the sensor.
        fmask: whether there is a file of quality.
        scales: whether bands state scale and offset as GDAL reads them.
        tags: whether they state scale and fill as tags.
        scale: that they state for reflectance.
        shift: of the cloud, rows.
        other_grid: a band that begins a pixel farther east.
        folder: its name; None: that of the granule.
    """
    name = f"HLS.{sensor}.{tile}.{time}.v2.0"
    path = root / (folder or name)
    path.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "GTiff", "height": SIDE, "width": SIDE, "count": 1, "crs": "EPSG:32606", "tiled": True,
        "blockxsize": 64, "blockysize": 64, "compress": "deflate",
    }  # fmt: skip
    for band in BANDS[sensor] if bands is None else bands:
        one = 0.01 if sensor == "L30" and band in ("B10", "B11") else scale
        place = TRANSFORM @ Affine.translation(1, 0) if band == other_grid else TRANSFORM
        states = {"nodata": -9999} if scales or tags else {}
        with rasterio.open(
            path / f"{name}.{band}.tif", "w", dtype="int16", transform=place, **profile, **states
        ) as file:
            file.write(numbers_of(band, time), 1)
            if scales:
                file.scales, file.offsets = (one,), (0.0,)
            if tags:
                file.update_tags(scale_factor=one, add_offset=0.0, _FillValue=-9999.0, HLS_PROCESSING_TIME="x")
    if fmask:
        with rasterio.open(
            path / f"{name}.Fmask.tif", "w", dtype="uint8", transform=TRANSFORM, nodata=255, **profile
        ) as file:
            file.write(quality(shift=shift), 1)
    (path / f"{name}.cmr.xml").write_text("<Granule/>")
    (path / f"{name}.jpg").write_bytes(b"")
    return path
