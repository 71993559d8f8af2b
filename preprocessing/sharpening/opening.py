"""Open what a user has as scenes with two pixel sizes: Sentinel-2 products, folders of band files, two rasters."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.settings.errors import UserError
from preprocessing.sharpening.two_resolutions import (
    Numbers,
    RasterBands,
    TwoResolutions,
    acquired_of,
    checked,
    open_raster,
)
from sensors.sentinel2 import Safe
from sensors.sentinel2_layout import METRES, NODATA, SATURATED

if TYPE_CHECKING:
    import numpy as np

GUIDE = [band for band, metres in METRES.items() if metres == 10]
COARSE = [band for band, metres in METRES.items() if metres == 20]
REFLECTANCE = 1e-4
"""Scale of the numbers of Sentinel-2, for band files, which state none."""
DATE = re.compile(r"(?<!\d)(20\d\d)-?([01]\d)-?([0-3]\d)(?!\d)")


class SafeBands:
    """Bands of a Sentinel-2 product at their native pixel size."""

    dtype = "uint16"

    def __init__(self, safe: Safe, names: Sequence[str]) -> None:
        """Open the images of some bands, which have one pixel size.

        Raises:
            UserError: one is missing.
        """
        self.safe, self.names = safe, names
        image = safe.image(names[0])
        self.size, self.transform = (image.height, image.width), image.transform

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``BandStack``."""
        import numpy as np
        from rasterio.windows import Window

        window = Window(column, row, width, height)
        return np.stack([self.safe.digital_numbers(band, window) for band in self.names], axis=-1)


def open_product(path: Path) -> TwoResolutions:
    """Open the 10 m and 20 m bands of a Sentinel-2 product.

    Raises:
        UserError: it cannot be read or lacks a band, or its bands differ in scale or offset.
    """
    safe = Safe.open(path)
    for remark in safe.remarks:
        print(remark)
    missing = [band for band in (*GUIDE, *COARSE) if band not in safe.bands]
    if missing:
        raise UserError(f"{path}: lacks {', '.join(missing)}; it has {', '.join(safe.bands)}")
    for bands, metres in ((GUIDE, 10), (COARSE, 20)):
        safe.check_pixels(bands, metres)
    scales = {band: safe.scale(band) for band in (*GUIDE, *COARSE)}
    quantification, offset = scales[GUIDE[0]]
    if odd := next((band for band, scale in scales.items() if scale != (quantification, offset)), None):
        raise UserError(f"{path}: band {odd} has another scale or offset than {GUIDE[0]}; prepare rasters of one scale")
    numbers = Numbers(1 / quantification, offset / quantification, NODATA, SATURATED)
    scene = TwoResolutions(
        safe.name.removesuffix(".SAFE"), safe.sensing_time.isoformat(), safe.crs.to_string(), SafeBands(safe, GUIDE),
        SafeBands(safe, COARSE), 2, numbers,
    )  # fmt: skip
    return checked(scene, str(path))


def open_band_files(folder: Path, scale: float | None, offset: float | None) -> TwoResolutions:
    """Open a folder with one raster for each band of Sentinel-2, named for them (``..._B02.jp2``).

    Args:
        folder: holds the rasters; of a band at several pixel sizes, the native one is taken.
        scale: from stored numbers to reflectance; None: 1e-4.
        offset: added after it; None: 0.

    Raises:
        UserError: a band is missing, there twice, or on another grid.
    """
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jp2", ".tif", ".tiff"))
    fine, coarse = (
        RasterBands([(band, _band_file(folder, files, band), 1) for band in bands], str(folder))
        for bands in (GUIDE, COARSE)
    )
    first = fine.layers[0][0]
    found = DATE.search(Path(first.name).stem)
    acquired = acquired_of(first) or ("-".join(found.groups()) if found else "")
    if scale is None and offset is None:
        print(f"{folder}: band files state no scale; reflectance is {REFLECTANCE:g} x number (--scale, --offset)")
    numbers = Numbers(REFLECTANCE if scale is None else scale, offset or 0.0, NODATA, SATURATED)
    scene = TwoResolutions(
        folder.resolve().name, acquired, first.crs.to_string() if first.crs else None, fine, coarse, 2, numbers
    )
    return checked(scene, str(folder))


def _band_file(folder: Path, files: Sequence[Path], band: str) -> Any:
    """Return the open raster of a band.

    Raises:
        UserError: there is none, or several with its native pixel size.
    """
    named = [path for path in files if band.lower() in re.split(r"[^0-9a-z]+", path.stem.lower())]
    if not named:
        raise UserError(f"{folder}: has no raster that is named for {band}; it needs {', '.join((*GUIDE, *COARSE))}")
    rasters = [open_raster(path, "--input") for path in named]
    native = [one for one in rasters if len(rasters) == 1 or abs(one.transform.a - METRES[band]) < 0.5]
    if len(native) != 1:
        names = ", ".join(path.name for path in named)
        raise UserError(f"{folder}: {names} are named for {band}; keep one with pixels of {METRES[band]} m")
    return native[0]


def open_pair(fine: Path, coarse: Path, scale: float | None, offset: float | None) -> TwoResolutions:
    """Open two rasters of one extent, with any bands and any whole ratio of their pixel sizes.

    Args:
        fine: raster with small pixels.
        coarse: raster with large pixels.
        scale: from stored numbers to physical values; None: as the rasters' tags state it, else 1.
        offset: added after it; None: as the tags state it, else 0.

    Raises:
        UserError: one cannot be read, or their grids, scales or nodata values do not fit.
    """
    opened = [open_raster(fine, "--fine"), open_raster(coarse, "--coarse")]
    small, large = (_all_bands(raster, word) for raster, word in zip(opened, ("fine", "coarse"), strict=True))
    if opened[0].crs != opened[1].crs:
        raise UserError(f"--coarse {coarse}: has another CRS than --fine {fine}; warp one of them")
    if len({abs(raster.transform.a) for raster in opened}) == 1:
        raise UserError(f"--coarse {coarse}: has the pixel size of --fine {fine}, or states none")
    numbers = _numbers(opened, scale, offset)
    ratio = round(abs(opened[1].transform.a / opened[0].transform.a))
    crs = opened[1].crs.to_string() if opened[1].crs else None
    scene = TwoResolutions(coarse.stem, acquired_of(opened[1]), crs, small, large, ratio, numbers)
    return checked(scene, f"--fine {fine}, --coarse {coarse}")


def _all_bands(raster: Any, word: str) -> RasterBands:
    """Return all bands of a raster by their descriptions, or numbered where one has none."""
    texts = [text or "" for text in raster.descriptions]
    names = texts if all(texts) and len(set(texts)) == len(texts) else [f"{word}_{n + 1}" for n in range(len(texts))]
    return RasterBands([(name, raster, number) for number, name in enumerate(names, start=1)], raster.name)


def _numbers(opened: Sequence[Any], scale: float | None, offset: float | None) -> Numbers:
    """Return what the numbers of two rasters mean.

    Raises:
        UserError: their bands differ in it.
    """
    tags = {pair for raster in opened for pair in zip(raster.scales, raster.offsets, strict=True)}
    nodata = {value for raster in opened for value in raster.nodatavals}
    names = " and ".join(raster.name for raster in opened)
    if len(tags) > 1 and (scale is None or offset is None):
        raise UserError(f"{names}: their bands have different scale or offset tags; state --scale and --offset")
    if len(nodata) > 1:
        raise UserError(f"{names}: their bands have different nodata values; give all the same")
    tagged_scale, tagged_offset = tags.pop()
    dtypes = {dtype for raster in opened for dtype in raster.dtypes}
    integers = all("int" in dtype for dtype in dtypes)
    value = nodata.pop()
    if value is None and all(dtype.startswith("uint") for dtype in dtypes):
        value = NODATA
        print(f"{names}: state no nodata value; {NODATA} is taken for it")
    if (scale, offset, tagged_scale, tagged_offset) == (None, None, 1.0, 0.0) and integers:
        print(f"{names}: state no scale; numbers are taken as they are (--scale 0.0001 for reflectance x 10000)")
    return Numbers(
        tagged_scale if scale is None else scale,
        tagged_offset if offset is None else offset,
        value,
        SATURATED if dtypes == {"uint16"} else None,
    )
