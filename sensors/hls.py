"""Read granules of HLS v2.0 (Harmonized Landsat and Sentinel-2): a folder with one GeoTIFF per band, and Fmask.

Names are ``HLS.L30.T06WVS.2024120T211159.v2.0.B04.tif``. Both sensors have the same grid of 30 m, and bands of the same
meaning have different names: the near infrared is B05 of L30 (Landsat) and B8A of S30 (Sentinel-2).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.settings.errors import UserError
from sensors.image_grids import open_image
from sensors.lexicon import key_of, sensor
from sensors.wrappers import is_leftover

if TYPE_CHECKING:
    import numpy as np
    from affine import Affine
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader

FILE = re.compile(
    r"(?P<granule>HLS\.(?P<sensor>L30|S30)\.(?P<tile>T\d\d[C-X][A-Z]{2})\.(?P<time>\d{7}T\d{6})\.v\d+\.\d+)"
    r"\.(?P<band>B\d[0-9A]|Fmask)\.tiff?",
    re.IGNORECASE,
)
TIME = "%Y%jT%H%M%S"
LONGEST_SIDE = 3660
"""Pixels along a side of a tile."""
SAME = {
    "coastal": ("B01", "B01"), "blue": ("B02", "B02"), "green": ("B03", "B03"), "red": ("B04", "B04"),
    "nir_narrow": ("B05", "B8A"), "swir1": ("B06", "B11"), "swir2": ("B07", "B12"), "cirrus": ("B09", "B10"),
}  # fmt: skip
"""Bands of the same meaning: common name, name in L30, name in S30."""
SCALE, THERMAL_SCALE = 1e-4, 1e-2
"""From numbers to reflectance (1) and to brightness temperature (degC), where the file states none."""
THERMAL = {"L30": ("B10", "B11"), "S30": ()}
NODATA = -9999
"""Number of bands that is no measurement, where the file states none."""
CLOUD_BITS = 1 << 1 | 1 << 3
"""Of Fmask: cloud, and its shadow."""
CLOUD_NODATA = 255


class HlsGranule:
    """One granule; see ``sensors.GranuleReader``.

    Attributes:
        sensor: "L30" or "S30".
        files: the file of each band, and of "FMASK".
    """

    def __init__(self, path: Path, files: dict[str, Path]) -> None:
        """Take the files of one granule, by their bands."""
        match = FILE.fullmatch(next(iter(files.values())).name)
        assert match is not None
        self.path, self.name, self.sensor, self.files = path, match["granule"], match["sensor"].upper(), files
        self.acquired = datetime.strptime(match["time"], TIME).replace(tzinfo=UTC)
        self.bands = [band for band in files if band != "FMASK"]
        self.has_clouds = "FMASK" in files
        self._open: dict[str, DatasetReader] = {}
        grid = self._image(next(iter(files)))
        self.crs: CRS = grid.crs
        self.transform: Affine = grid.transform
        self.size: tuple[int, int] = grid.shape

    def named(self, bands: Sequence[str]) -> list[str]:
        """Return the names in this granule of bands that have names of L30, of S30, or the common ones.

        Names are those of this granule's sensor where it has all of them, else those of the other.

        Raises:
            UserError: it has no such bands, or they lie in no file.
        """
        own, other = (0, 1) if self.sensor == "L30" else (1, 0)
        if all(sensor(f"hls_{self.sensor.lower()}").band(band) for band in bands):
            known = {key_of(band): band for band in bands}
        else:
            known = {key_of(names[other]): names[own] for names in SAME.values()}
            known |= {key_of(common): names[own] for common, names in SAME.items()}
        named = [self._as_in_files(known.get(key_of(band), "")) for band in bands]
        if missing := [band for band, name in zip(bands, named, strict=True) if name not in self.bands]:
            raise UserError(
                f"{self.path}: lacks {', '.join(missing)}; {self.sensor} has {', '.join(self.bands) or 'none'} here"
            )
        return named

    def remark(self, bands: Sequence[str]) -> str:
        """Return what bands are whose names both sensors have for other wavelengths; see ``sensors.GranuleReader``."""
        own, other = (sensor(f"hls_{key}") for key in (("l30", "s30") if self.sensor == "L30" else ("s30", "l30")))
        pairs = [(own.band(band), other.band(band)) for band in bands]
        differing = [(one, two) for one, two in pairs if one and two and one.long_name != two.long_name]
        if not differing or not all(one and two for one, two in pairs):
            return ""
        here = ", ".join(f"{one.name} {one.long_name}" for one, _ in differing)
        there = ", ".join(two.long_name for _, two in differing)
        return f"{self.name}: {here}, as {own.title} has them; {other.title} has {there} under these names"

    def _as_in_files(self, band: str) -> str:
        return next((name for name in self.bands if key_of(name) == key_of(band)), "")

    def read(self, bands: Sequence[str], row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return physical values of a window, float64 ``(height, width, band)``; see ``sensors.GranuleReader``."""
        import numpy as np

        layers = []
        for band in self.named(bands):
            image, numbers = self._image(band), self._numbers(band, row, column, height, width)
            default = THERMAL_SCALE if band in THERMAL[self.sensor] else SCALE
            scale, offset = image.scales[0], image.offsets[0]
            if (scale, offset) == (1.0, 0.0):  # some programs keep the tags alone
                scale, offset = (
                    float(image.tags().get(tag, value)) for tag, value in (("scale_factor", default), ("add_offset", 0))
                )
            values = numbers * np.float64(scale) + offset
            values[numbers == (NODATA if image.nodata is None else image.nodata)] = np.nan
            layers.append(values)
        return np.stack(layers, axis=-1)

    def clouds(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return where clouds or shadows hide the ground, bool ``(height, width)``; see ``sensors.GranuleReader``."""
        numbers = self._numbers("FMASK", row, column, height, width)
        return ((numbers & CLOUD_BITS) != 0) | (numbers == CLOUD_NODATA)

    def _numbers(self, band: str, row: int, column: int, height: int, width: int) -> np.ndarray:
        from rasterio.errors import RasterioIOError
        from rasterio.windows import Window

        try:
            return self._image(band).read(1, window=Window(column, row, width, height))
        except RasterioIOError as error:
            raise self._damaged(band, error) from None

    def _image(self, band: str) -> DatasetReader:
        """Return the open image of a band; all have one grid.

        Raises:
            UserError: it is damaged, or has another grid.
        """
        if band not in self._open:
            try:
                image = open_image(str(self.files[band]), LONGEST_SIDE)
            except OSError as error:
                raise self._damaged(band, error) from None
            if image.crs is None or (band == "FMASK") != (image.dtypes[0] == "uint8"):
                raise self._damaged(band, f"numbers are {image.dtypes[0]}" if image.crs else "it has no CRS")
            first: Any = next(iter(self._open.values()), image)
            if (image.shape, image.transform, image.crs) != (first.shape, first.transform, first.crs):
                raise UserError(f"{self.files[band]}: has another grid than the other bands; download it again")
            self._open[band] = image
        return self._open[band]

    def _damaged(self, band: str, error: Exception | str) -> UserError:
        return UserError(f"{self.files[band]}: is damaged or no band of HLS ({error}); download it again")


def granule(path: Path) -> HlsGranule | None:
    """Return the granule in a folder, or None where no file there has a name of HLS; see ``sensors.granule_at``.

    Raises:
        UserError: the folder holds several granules, or a file of it is damaged.
    """
    entries = sorted(path.iterdir()) if path.is_dir() else []
    matches = [match for entry in entries if not is_leftover(entry.name) and (match := FILE.fullmatch(entry.name))]
    if not matches:
        return None
    granules = sorted({match["granule"].upper() for match in matches})
    if len(granules) > 1:
        raise UserError(f"{path}: holds {len(granules)} granules, such as {granules[0]}; give each a folder of its own")
    return HlsGranule(path, {match["band"].upper(): path / match.string for match in matches})
