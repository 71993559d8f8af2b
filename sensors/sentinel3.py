"""Read Sentinel-3 OLCI Level-1B products (OL_1_EFR, OL_1_ERR), as SEN3 folder or .zip.

A product is a frame of the swath: rows follow the orbit, and every pixel has its own latitude and longitude. The tables
below follow the Sentinel-3 OLCI Level-1 Product Data Format Specification.
"""

from __future__ import annotations

import copy
import re
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pix2earth.settings.errors import UserError, nearest
from sensors import archives
from sensors.locating import finding
from sensors.product_xml import XmlDocument
from sensors.swath_files import SwathFiles

if TYPE_CHECKING:
    import numpy as np
    from shapely import Polygon

# ---- the products as data ----------------------------------------------------------------------------------

PRODUCT_NAME = re.compile(r"S3[A-Z]_OL_1_E[FR]R____\d{8}T\d{6}_.*", re.IGNORECASE | re.DOTALL)
PRODUCT_TYPE = re.compile(r"(S3[A-Z])_OL_1_(EFR|ERR)_")
FULL_RESOLUTION = "OL_1_EFR"
CREATED = slice(48, 63)
"""Place of the creation time in a product's name."""
TIMELINESS = ("NR", "ST", "NT")
"""Near real time, short and not time critical, in the names of products: the later, the better the auxiliary data."""
VERSION = re.compile(r"_[A-Z]_(NR|ST|NT)_(\d{3})(?:\.|$)")
"""Timeliness and collection at the end of a product's name."""
PIXEL_SIZE = {"EFR": 300.0, "ERR": 1200.0}
"""Nominal distance of neighbouring pixels in metres."""
BANDS = [f"Oa{number:02d}" for number in range(1, 22)]
MANIFEST = "xfdumanifest.xml"
ELEMENTS = {
    "name": "productName",
    "start": "startTime",
    "stop": "stopTime",
    "footprint": "posList",
    "rows": "rows",
    "columns": "columns",
    "tie_step": "columnsPerTiePoint",
}
"""Local names of the manifest's elements; others have rows and columns too, but those of the image are the first."""
LONGEST_SIDE = 100_000
"""Rows or columns of a frame; half an orbit has about 60,000 rows."""


class Variable(NamedTuple):
    """A variable of a product, and the netCDF file that holds it."""

    file: str
    name: str


RADIANCE = {band: Variable(f"{band}_radiance.nc", f"{band}_radiance") for band in BANDS}
LATITUDE = Variable("geo_coordinates.nc", "latitude")
LONGITUDE = Variable("geo_coordinates.nc", "longitude")
TIE_LATITUDE = Variable("tie_geo_coordinates.nc", "latitude")
TIE_LONGITUDE = Variable("tie_geo_coordinates.nc", "longitude")
SUN_ZENITH = Variable("tie_geometries.nc", "SZA")
DETECTOR_INDEX = Variable("instrument_data.nc", "detector_index")
SOLAR_FLUX = Variable("instrument_data.nc", "solar_flux")
QUALITY_FLAGS = Variable("qualityFlags.nc", "quality_flags")
INVALID = "invalid"
"""Name of the flag of pixels without a measurement; each product lists the names and bits of all its flags."""

KIND = finding.Kind(
    "Sentinel-3 OLCI Level-1B",
    PRODUCT_NAME,
    lambda files: MANIFEST in files and any(variable.file in files for variable in RADIANCE.values()),
    re.compile(r"S3[A-Z]_", re.IGNORECASE),
)

# ---- reading -----------------------------------------------------------------------------------------------


def products(root: Path) -> list[Path]:
    """Return the OLCI Level-1B products below a folder, flat or nested (YYYY/MM), sorted by name.

    Raises:
        UserError: ``root`` is not a folder.
    """
    return finding.find(Path(root), KIND).products


class Positions(NamedTuple):
    """Latitude and longitude in degrees, (row, column), at some rows and columns of a swath."""

    rows: np.ndarray
    columns: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray


class Sen3:
    """One OLCI frame, or a rectangle of it (``part``) whose arrays stay in memory once read.

    In all methods ``rows`` and ``columns`` are slices without step (None: all), counted from the corner of this frame
    or part.

    Attributes:
        name: name of the SEN3 folder.
        platform: "S3A" or "S3B".
        kind: "EFR" (300 m) or "ERR" (1200 m).
        start: first time of sensing (UTC).
        stop: last time of sensing (UTC).
        footprint: polygon of (longitude, latitude); across the antimeridian longitudes exceed 180.
        bands: the bands, of "Oa01" to "Oa21", whose radiance the product has.
    """

    def __init__(self, members: archives.Members) -> None:
        """Read the manifest; see ``open``."""
        if MANIFEST not in members:
            raise UserError(
                f"{members.path}: is no Sentinel-3 product: it has no {MANIFEST}; download it again or name another"
            )
        manifest = XmlDocument(members, MANIFEST)
        self.path, self._members = members.path, members
        self.name = manifest.text(ELEMENTS["name"])
        kind = PRODUCT_TYPE.match(self.name)
        if kind is None:
            raise UserError(f"{self.path}: is '{self.name}', no OLCI Level-1B product; expected OL_1_EFR or OL_1_ERR")
        self.platform, self.kind = kind[1], kind[2]
        self.start: datetime = manifest.time(ELEMENTS["start"])
        self.stop: datetime = manifest.time(ELEMENTS["stop"])
        self.footprint: Polygon = manifest.ring(ELEMENTS["footprint"])
        rows, columns, step = (manifest.count(ELEMENTS[key], LONGEST_SIDE) for key in ("rows", "columns", "tie_step"))
        self.bands = [band for band in BANDS if RADIANCE[band].file in members]
        self.files = SwathFiles(members, (rows, columns), step)

    @classmethod
    def open(cls, path: str | Path) -> Sen3:
        """Read the manifest of a product's folder or .zip; no netCDF file is opened.

        Raises:
            UserError: this is no readable OLCI Level-1B product.
        """
        return cls(archives.open_members(Path(path)))

    def part(self, rows: slice, columns: slice) -> Sen3:
        """Return a rectangle of the frame that caches what it has read, so that each file is decoded once.

        For windows that are cut one after the other: a Sentinel-2 scene touches about 370 x 370 pixels of 4091 x 4865.
        """
        inner = copy.copy(self)
        inner.files = self.files.part(rows, columns)
        return inner

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns) of the frame, or of its part."""
        return self.files.size

    @property
    def version(self) -> str:
        """Timeliness, collection and creation time; of the same pass, newer products have a greater string."""
        match = VERSION.search(self.name)
        timeliness, collection = (TIMELINESS.index(match[1]), match[2]) if match else (0, "000")
        return f"{timeliness} {collection} {self.name[CREATED]}"

    # ---- arrays ----------------------------------------------------------------------------------------

    def latitude_longitude(
        self, rows: slice | None = None, columns: slice | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return latitude and longitude of the pixel centres in degrees, float64 (rows, columns), NaN where fill.

        Raises:
            UserError: the file is missing or damaged.
        """
        return self.files.decoded(*LATITUDE, rows, columns), self.files.decoded(*LONGITUDE, rows, columns)

    def coarse_positions(self) -> Positions:
        """Return the positions of some pixels for a coarse search: of the tie points, or of every 16th pixel.

        Raises:
            UserError: a file is missing or damaged.
        """
        import numpy as np

        rows, columns = self.size
        if TIE_LATITUDE.file in self.files and not self.files.is_part:
            tie_columns, latitude = self.files.tie_points(*TIE_LATITUDE)
            return Positions(np.arange(rows), tie_columns, latitude, self.files.tie_points(*TIE_LONGITUDE)[1])
        down, across = (np.unique(np.append(np.arange(0, side, 16), side - 1)) for side in (rows, columns))
        latitude, longitude = self.latitude_longitude()
        return Positions(down, across, latitude[np.ix_(down, across)], longitude[np.ix_(down, across)])

    def radiance(self, band: str, rows: slice | None = None, columns: slice | None = None) -> np.ndarray:
        """Return radiance at the top of the atmosphere, float32 (rows, columns), mW m-2 sr-1 nm-1, NaN where fill.

        Raises:
            UserError: there is no such band, or its file is damaged.
        """
        import numpy as np

        if band not in self.bands:
            raise UserError(f"{self.path}: has no band {band}{nearest(band, self.bands)}")
        return self.files.decoded(*RADIANCE[band], rows, columns).astype(np.float32)

    def reflectance(self, band: str, rows: slice | None = None, columns: slice | None = None) -> np.ndarray:
        """Return reflectance at the top of the atmosphere (1), float32 (rows, columns), NaN where fill.

        pi x radiance / (solar flux x cos(sun zenith)), with the flux of the pixel's detector, which is already
        corrected for the distance of the sun. Also NaN where the sun is below the horizon.

        Raises:
            UserError: there is no such band, or a file is missing or damaged.
        """
        import numpy as np

        radiance = self.radiance(band, rows, columns).astype(np.float64)
        cosine = np.cos(np.radians(self.sun_zenith(rows, columns)))
        flux = self.solar_flux(band, rows, columns)
        return (np.pi * radiance / (flux * np.where(cosine > 0, cosine, np.nan))).astype(np.float32)

    def sun_zenith(self, rows: slice | None = None, columns: slice | None = None) -> np.ndarray:
        """Return the sun's zenith angle in degrees, float64 (rows, columns), linear between the tie columns.

        Raises:
            UserError: the file is missing or damaged.
        """
        import numpy as np

        tie_columns, angles = self.files.tie_points(*SUN_ZENITH, rows)
        columns = self.files.within_frame(None, columns)[1]
        pixel_columns = np.arange(columns.start, columns.stop)
        return np.stack([np.interp(pixel_columns, tie_columns, row) for row in angles])

    def solar_flux(self, band: str, rows: slice | None = None, columns: slice | None = None) -> np.ndarray:
        """Return the solar flux of each pixel's detector, float64 (rows, columns), mW m-2 nm-1, NaN without detector.

        Raises:
            UserError: the file is missing or damaged.
        """
        import numpy as np

        detector = self.files.stored(*DETECTOR_INDEX, rows, columns).astype(np.int64)
        flux = self.files.table(*SOLAR_FLUX, len(BANDS))[BANDS.index(band)]
        has_detector = (detector >= 0) & (detector < len(flux))
        flux = np.where(has_detector, flux[np.where(has_detector, detector, 0)], np.nan)
        return np.where(flux > 0, flux, np.nan)

    def flags(self, rows: slice | None = None, columns: slice | None = None) -> np.ndarray:
        """Return the quality flags, uint32 (rows, columns), a bit for each of ``flag_masks``.

        Raises:
            UserError: the file is missing or damaged.
        """
        import numpy as np

        return self.files.stored(*QUALITY_FLAGS, rows, columns).astype(np.uint32)

    @cached_property
    def flag_masks(self) -> dict[str, int]:
        """The bit of each flag by its name in the product, such as "land", "bright", "invalid".

        Raises:
            UserError: the file is missing or damaged.
        """
        import numpy as np

        masks = np.atleast_1d(self.files.attribute(*QUALITY_FLAGS, "flag_masks")).tolist()
        meanings = str(self.files.attribute(*QUALITY_FLAGS, "flag_meanings")).split()
        # A signed bit 31 is negative.
        return {name: int(mask) & 0xFFFFFFFF for name, mask in zip(meanings, masks, strict=False)}
