"""Sentinel-3 OLCI Level-1B products (OL_1_EFR, OL_1_ERR), as SEN3 folder or .zip.

A product is a swath: rows run with the orbit, and every pixel has a latitude and longitude of its own.
Layout, names and units are those of the Sentinel-3 OLCI Level-1 Product Data Format Specification.
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
from sensors.product_xml import XmlDocument
from sensors.swath_files import SwathFiles

if TYPE_CHECKING:
    import numpy as np
    from shapely import Polygon

NAME = re.compile(r"(?is)S3[A-Z]_OL_1_E[FR]R____\d{8}T\d{6}_.*?(\.SEN3|\.SEN3\.zip|\.zip)")
MANIFEST = "xfdumanifest.xml"
LONGEST_SIDE = 100_000
"""Rows or columns of a frame; half an orbit has about 60,000 rows."""
BANDS = [f"Oa{number:02d}" for number in range(1, 22)]


def products(root: Path) -> list[Path]:
    """Return the OLCI Level-1B products below a folder, flat or nested (YYYY/MM), sorted by name.

    Raises:
        UserError: ``root`` is not a folder.
    """
    return archives.find(Path(root), NAME)


class Positions(NamedTuple):
    """Latitude and longitude in degrees, (row, column), at some rows and columns of a swath."""

    rows: np.ndarray
    columns: np.ndarray
    latitude: np.ndarray
    longitude: np.ndarray


class Sen3:
    """One OLCI frame, or with ``part`` a rectangle of it whose arrays stay in memory once read.

    Everywhere ``rows`` and ``columns`` are slices without step (None: all), counted from the corner of this frame or
    part.

    Attributes:
        name: name of the SEN3 folder.
        platform: "S3A" or "S3B".
        kind: "EFR" (300 m) or "ERR" (1200 m).
        start: first time of sensing (UTC).
        stop: last time of sensing (UTC).
        footprint: polygon of (longitude, latitude); across the antimeridian longitudes exceed 180.
        bands: the radiances that are there, of "Oa01" to "Oa21".
    """

    def __init__(self, members: archives.Members) -> None:
        """Read the manifest; see ``open``."""
        if MANIFEST not in members:
            raise UserError(
                f"{members.path}: is no Sentinel-3 product: it has no {MANIFEST}; download it again or name another"
            )
        manifest = XmlDocument(members, MANIFEST)
        self.path, self._members = members.path, members
        self.name = manifest.text("productName")
        kind = re.match(r"(S3[A-Z])_OL_1_(EFR|ERR)_", self.name)
        if kind is None:
            raise UserError(f"{self.path}: is '{self.name}', no OLCI Level-1B product; expected OL_1_EFR or OL_1_ERR")
        self.platform, self.kind = kind[1], kind[2]
        self.start: datetime = manifest.time("startTime")
        self.stop: datetime = manifest.time("stopTime")
        self.footprint: Polygon = manifest.ring("posList")
        # Other elements have rows and columns too: those of the image are the first.
        rows, columns, step = (manifest.count(name, LONGEST_SIDE) for name in ("rows", "columns", "columnsPerTiePoint"))
        self.bands = [band for band in BANDS if f"{band}_radiance.nc" in members]
        self.files = SwathFiles(members, (rows, columns), step)

    @classmethod
    def open(cls, path: str | Path) -> Sen3:
        """Read the manifest of a product's folder or .zip; no netCDF file is opened.

        Raises:
            UserError: this is no readable OLCI Level-1B product.
        """
        return cls(archives.open_members(Path(path)))

    def part(self, rows: slice, columns: slice) -> Sen3:
        """Return a rectangle of the frame that keeps what it has read, so that each file is decoded once.

        For windows that are cut one after the other: a Sentinel-2 scene touches about 370 x 370 pixels of 4091 x 4865.
        """
        inner = copy.copy(self)
        inner.files = self.files.part(rows, columns)
        return inner

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns) of the frame, or of its part."""
        return self.files.size

    # ---- what the pixels hold --------------------------------------------------------------------------

    def latitude_longitude(
        self, rows: slice | None = None, columns: slice | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return latitude and longitude of the pixel centres in degrees, float64 (rows, columns), NaN where fill.

        Raises:
            UserError: the file is missing or damaged.
        """
        file = "geo_coordinates.nc"
        return self.files.decoded(file, "latitude", rows, columns), self.files.decoded(file, "longitude", rows, columns)

    def coarse_positions(self) -> Positions:
        """Return positions of some pixels, enough to find a place in the swath: the tie points, or every 16th pixel.

        Raises:
            UserError: a file is missing or damaged.
        """
        import numpy as np

        file, (rows, columns) = "tie_geo_coordinates.nc", self.size
        if file in self.files and not self.files.is_part:
            at, latitude = self.files.tie_points(file, "latitude")
            return Positions(np.arange(rows), at, latitude, self.files.tie_points(file, "longitude")[1])
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
        return self.files.decoded(f"{band}_radiance.nc", f"{band}_radiance", rows, columns).astype(np.float32)

    def reflectance(self, band: str, rows: slice | None = None, columns: slice | None = None) -> np.ndarray:
        """Return reflectance at the top of the atmosphere (1), float32 (rows, columns), NaN where fill.

        pi x radiance / (solar flux x cos(sun zenith)), with the flux of the pixel's detector, which is already
        corrected for the distance of the sun. NaN too where the sun is below the horizon.

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

        at, angles = self.files.tie_points("tie_geometries.nc", "SZA", rows)
        columns = self.files.within_frame(None, columns)[1]
        wanted = np.arange(columns.start, columns.stop)
        return np.stack([np.interp(wanted, at, row) for row in angles])

    def solar_flux(self, band: str, rows: slice | None = None, columns: slice | None = None) -> np.ndarray:
        """Return the solar flux of each pixel's detector, float64 (rows, columns), mW m-2 nm-1, NaN without detector.

        Raises:
            UserError: the file is missing or damaged.
        """
        import numpy as np

        detector = self.files.stored("instrument_data.nc", "detector_index", rows, columns).astype(np.int64)
        flux = self.files.table("instrument_data.nc", "solar_flux", len(BANDS))[BANDS.index(band)]
        seen = (detector >= 0) & (detector < len(flux))
        flux = np.where(seen, flux[np.where(seen, detector, 0)], np.nan)
        return np.where(flux > 0, flux, np.nan)

    def flags(self, rows: slice | None = None, columns: slice | None = None) -> np.ndarray:
        """Return the quality flags, uint32 (rows, columns): bits, whose meanings are ``flag_masks``.

        Raises:
            UserError: the file is missing or damaged.
        """
        import numpy as np

        return self.files.stored("qualityFlags.nc", "quality_flags", rows, columns).astype(np.uint32)

    @cached_property
    def flag_masks(self) -> dict[str, int]:
        """The bit of each flag by its name in the product, such as "land", "bright", "invalid".

        Raises:
            UserError: the file is missing or damaged.
        """
        import numpy as np

        file, variable = "qualityFlags.nc", "quality_flags"
        masks = np.atleast_1d(self.files.attribute(file, variable, "flag_masks")).tolist()
        meanings = str(self.files.attribute(file, variable, "flag_meanings")).split()
        # A signed bit 31 is negative.
        return {name: int(mask) & 0xFFFFFFFF for name, mask in zip(meanings, masks, strict=False)}
