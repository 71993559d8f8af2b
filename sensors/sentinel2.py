"""Read Sentinel-2 Level-1C and Level-2A products (SAFE), as folder or .zip, in the naming of any year.

Reflectance = (digital number + offset) / quantification, both from the product's own metadata: products of one date
exist with and without offset, so neither date nor baseline decides. Bands, file names and metadata elements are in
``sensors.sentinel2_layout``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pix2earth.settings.errors import UserError
from sensors import archives
from sensors import sentinel2_layout as layout
from sensors.footprints import part_in_grid
from sensors.image_grids import Grid, resample, scaled, source_window
from sensors.locating import finding
from sensors.product_xml import XmlDocument
from sensors.sentinel2_images import TileImages
from sensors.sentinel2_layout import ELEMENTS, FINEST, NODATA, SATURATED, band_name

if TYPE_CHECKING:
    import numpy as np
    from affine import Affine
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader
    from rasterio.windows import Window
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry


def products(root: Path) -> list[Path]:
    """Return the Sentinel-2 products below a folder, flat or nested, sorted by name (so by satellite, level, time).

    Raises:
        UserError: ``root`` is not a folder.
    """
    return finding.find(Path(root), layout.KIND).products


class Masks(NamedTuple):
    """The pixels of a band without a valid measurement: two bool arrays (height, width)."""

    nodata: np.ndarray
    saturated: np.ndarray


class Safe:
    """One tile of a Sentinel-2 product; images stay open between reads, until the end of a ``with`` block or ``close``.

    Attributes:
        name: name of the SAFE folder.
        satellite: "S2A", "S2B", "S2C".
        level: "L1C" (reflectance at the top of the atmosphere) or "L2A" (at the bottom).
        tile: MGRS tile with its T, "T17XNA".
        sensing_time: start of the datatake (UTC), the time in the product's name.
        baseline: processing baseline "05.10", or None where neither metadata nor name have it.
        cloud_cover: percent of the tile, or None.
        bands: names of the bands that have an image: B01 ... B8A ... B12, with L2A AOT, WVP, SCL too.
    """

    def __init__(self, members: archives.Members, tile: str | None = None) -> None:
        """Read the product's metadata; see ``open``."""
        member, level = layout.find_metadata(members)
        product = XmlDocument(members, member)
        self._members, self._product = members, product
        granules = layout.granules_by_tile(members, product)
        self.path, self.name, self.level = members.path, members.name, level
        self.tile = layout.choose_tile(members, granules, tile)
        self._granules = granules[self.tile]
        self.satellite = product.text(ELEMENTS["satellite"]).replace("Sentinel-", "S")
        self.sensing_time: datetime = product.time(ELEMENTS["sensing_time"])
        self.baseline = layout.read_baseline(product, self.name)
        self._product_footprint: Polygon = product.ring(ELEMENTS["footprint"])
        self._footprint_is_of_tile = len(granules) == 1 and not layout.OLD_METADATA.fullmatch(member)
        has_time = product.optional(ELEMENTS["processed"]) is not None
        last_of_name = self.name.rsplit("_", 1)[-1].partition(".")[0]
        self._processed = f"{product.time(ELEMENTS['processed']):%Y%m%dT%H%M%S}" if has_time else last_of_name
        clouds = product.optional(ELEMENTS["cloud_cover"])
        self.cloud_cover = None if clouds is None else product.as_number(clouds, ELEMENTS["cloud_cover"])
        self._images = TileImages(members, self._granules, level)
        self.bands = self._images.bands

    @classmethod
    def open(cls, path: str | Path, tile: str | None = None) -> Safe:
        """Read the metadata of a product's folder or .zip; no image is opened.

        ``tile`` chooses among several tiles of one product, as there were before December 2016.

        Raises:
            UserError: this is no readable Sentinel-2 product, or has several tiles and ``tile`` is None.
        """
        return cls(archives.open_members(Path(path)), tile)

    def __enter__(self) -> Safe:
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the images."""
        self.close()

    def close(self) -> None:
        """Close the images; a later read opens them again."""
        self._images.close()

    @property
    def version(self) -> str:
        """Baseline and time of processing; of the same observation, newer products have a greater string."""
        return f"{self.baseline or '00.00'} {self._processed}"

    @cached_property
    def footprint(self) -> BaseGeometry:
        """The ground of the tile as a polygon of (longitude, latitude); across the antimeridian longitudes exceed 180.

        Products of before December 2016 state the footprint of all their tiles, of which it is the part in the grid.

        Raises:
            UserError: of such a product, the granule's metadata cannot be read.
        """
        if self._footprint_is_of_tile:
            return self._product_footprint
        has_metadata = any(granule.metadata for granule in self._granules)
        return part_in_grid(self._product_footprint, self.stated_grid if has_metadata else self.grid)

    # ---- the grid --------------------------------------------------------------------------------------

    @cached_property
    def grid(self) -> Grid:
        """The 10 m grid: that of the finest image, or that of the metadata where there are no images.

        Raises:
            UserError: the image or the metadata cannot be read.
        """
        if not self.bands:
            return self.stated_grid
        source, metres = self._images.finest()
        factor = metres // FINEST
        size = source.height * factor, source.width * factor
        return Grid(source.crs, size, scaled(source.transform, 1 / factor))

    @cached_property
    def stated_grid(self) -> Grid:
        """The 10 m grid in the metadata.

        Raises:
            UserError: the granule's metadata are missing or incomplete.
        """
        metadata = next((granule.metadata for granule in self._granules if granule.metadata), None)
        if metadata is None:
            raise UserError(f"{self.path}: has no MTD_TL.xml in {self._granules[0].name}; download the product again")
        return layout.read_grid(XmlDocument(self._members, metadata))

    @property
    def crs(self) -> CRS:
        """The CRS of all bands, WGS 84 / UTM."""
        return self.grid.crs

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the 10 m grid."""
        return self.grid.size

    @property
    def transform(self) -> Affine:
        """Affine transform of the 10 m grid: (column, row) of a pixel's corner to metres."""
        return self.grid.transform

    @property
    def remarks(self) -> list[str]:
        """One line for the user about each oddity that does not prevent reading."""
        lines = []
        if self.baseline and self.baseline > layout.LAST_KNOWN_BASELINE:
            lines.append(
                f"{self.path}: baseline {self.baseline} is not known; offset and scale are read as it states them"
            )
        if self.bands and any(one.metadata for one in self._granules) and self.grid[1:] != self.stated_grid[1:]:
            own, stated = ("{} x {}".format(*grid.size) for grid in (self.grid, self.stated_grid))
            lines.append(
                f"{self.path}: the images have {own} pixels of {self.transform.a:g} m, MTD_TL.xml states {stated};"
                " the images' own grid is used"
            )
        return lines

    # ---- pixels ----------------------------------------------------------------------------------------

    def read(
        self,
        bands: Sequence[str],
        window: Window | None = None,
        resolution: int = 10,
        resampling: str = "nearest",
    ) -> np.ndarray:
        """Return reflectance (1) as float32 (height, width, band); of the images only the window is decoded.

        Args:
            bands: names such as "B02", "B2" or "SCL".
            window: in pixels of the grid of ``resolution`` (integers); None: the whole grid.
            resolution: of the result in metres: 10, 20 or 60.
            resampling: "nearest", "bilinear" or "average", for bands of another resolution.

        Returns:
            Reflectance; NaN outside the images and where the number is 0 (nodata, compared before the offset is
            added), which does not spread into neighbours. Saturated numbers give a value above 6. AOT (1) and WVP (cm)
            have their own units, and SCL class numbers, always of the nearest pixel.

        Raises:
            UserError: a band is missing, its image damaged, or coarser than both ``resolution`` and the band.
        """
        import numpy as np
        from rasterio.windows import Window

        self.check_pixels(bands, resolution)
        transform = scaled(self.transform, resolution / FINEST)
        if window is None:
            height, width = (math.ceil(side * FINEST / resolution) for side in self.size)
            window = Window(0, 0, width, height)
        reflectance = np.empty((int(window.height), int(window.width), len(bands)), np.float32)
        corner = transform @ type(transform).translation(window.col_off, window.row_off)
        for index, band in enumerate(bands):
            self._fill(reflectance[..., index], band_name(band), corner, resampling)
        return reflectance

    def digital_numbers(
        self, band: str, window: Window | None = None, shape: tuple[int, int] | None = None
    ) -> np.ndarray:
        """Return the stored numbers (height, width), uint16 (SCL uint8), at the band's native resolution.

        Args:
            band: its name.
            window: in the band's own pixels; None: the whole image.
            shape: (height, width) to which the image is decimated while it is read: of JPEG 2000 only the coarser
                resolution levels are decoded.

        Raises:
            UserError: the band is missing, or its image damaged.
        """
        return self._images.numbers(band_name(band), window, shape)

    def masks(self, band: str, window: Window | None = None) -> Masks:
        """Return the pixels where a band is nodata (number 0) or saturated (65535), at its native resolution.

        Raises:
            UserError: the band is missing, or its image damaged.
        """
        numbers = self.digital_numbers(band, window)
        return Masks(numbers == NODATA, numbers == SATURATED)

    def scale(self, band: str) -> tuple[float, float]:
        """Return (quantification, offset) of a band: its physical value is (number + offset) / quantification.

        Raises:
            UserError: the metadata lack the quantification, or the band in a list of offsets.
        """
        return layout.read_scale(self._product, self.level, band_name(band))

    def image(self, band: str) -> DatasetReader:
        """Return the open image of a band, at its native resolution.

        Raises:
            UserError: the band is missing, or its image damaged.
        """
        return self._images.image(band_name(band))

    def check_pixels(self, bands: Sequence[str], resolution: float) -> None:
        """Check that the images of bands are as fine as a resolution in metres, or as the bands are at best.

        Raises:
            UserError: one has larger pixels, is missing or damaged.
        """
        self._images.check_pixels([band_name(band) for band in bands], resolution)

    def _fill(self, out: np.ndarray, band: str, transform: Affine, resampling: str) -> None:
        """Fill (height, width) of a grid with a band's physical values."""
        import numpy as np

        source, (height, width) = self.image(band), out.shape
        window = source_window(source, transform, height, width)
        if window is None:
            out.fill(np.nan)
            return
        numbers = self.digital_numbers(band, window)
        quantification, offset = self.scale(band)
        values = (numbers.astype(np.float32) + np.float32(offset)) / np.float32(quantification)
        values[numbers == NODATA] = np.nan
        method = "nearest" if band == "SCL" else resampling
        resample(values, source.window_transform(window), out, transform, source.crs, method)
