"""The images of one tile of a Sentinel-2 product."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.settings.errors import UserError, nearest
from sensors import sentinel2_layout as layout
from sensors.image_grids import open_image

if TYPE_CHECKING:
    import numpy as np
    from rasterio.io import DatasetReader
    from rasterio.windows import Window

    from sensors.archives import Members

TOLERANCE = 1.01
"""Largest ratio of a pixel's size to the one it should have; grids of decimated copies are not exact."""


class TileImages:
    """The images of a tile's granules; they stay open between reads, until ``close``.

    Each granule has images of the whole tile, which are nodata where its datastrip ends. The tile's are their union.

    Attributes:
        bands: names of the bands that have an image, in the order of ``layout.IMAGES``.
    """

    def __init__(self, members: Members, granules: Sequence[layout.Granule], level: str) -> None:
        """List the images; none is opened."""
        self._members, self._level = members, level
        self._images: dict[str, list[layout.Image]] = {}
        for band in layout.IMAGES:
            images = [granule.images[band] for granule in granules if band in granule.images]
            if images:
                self._images[band] = sorted(images, key=lambda image: image.metres)
        self.bands = list(self._images)
        self._open: dict[str, list[DatasetReader]] = {}

    @property
    def path(self) -> Path:
        """The product's path."""
        return self._members.path

    def close(self) -> None:
        """Close the images; a later read opens them again."""
        while self._open:
            for image in self._open.popitem()[1]:
                image.close()

    def finest(self) -> tuple[DatasetReader, int]:
        """Return the image with the smallest pixels, and their nominal size in metres.

        Raises:
            UserError: it is damaged.
        """
        band = min(self.bands, key=lambda band: self._images[band][0].metres)
        return self.image(band), self._images[band][0].metres

    def image(self, band: str) -> DatasetReader:
        """Return the open image of a band, at its native resolution; of several granules that of the first.

        Raises:
            UserError: the band is missing, or its image damaged.
        """
        if band not in self._images:
            images = f"images of {', '.join(self.bands)}" if self.bands else "no images"
            advice = nearest(band, self.bands) if self.bands and band not in layout.IMAGES else ""
            raise UserError(f"{self.path}: has no band {band} ({self._level}, {images}){advice}")
        if band not in self._open:
            opened: list[DatasetReader] = []
            for image in self._images[band]:
                opened.append(self._opened(image.member, opened))
            self._open[band] = opened
        return self._open[band][0]

    def _opened(self, member: str, others: Sequence[DatasetReader]) -> DatasetReader:
        """Return an open image, which has the grid of the same band's others."""
        try:
            image = open_image(self._members.gdal_path(member), layout.LONGEST_SIDE)
        except OSError as error:
            raise self._damaged(member, error) from None
        if image.crs is None:
            raise self._damaged(member, "it has no CRS")
        if image.dtypes[0] not in ("uint8", "uint16"):
            raise self._damaged(member, f"its numbers are {image.dtypes[0]}, not uint16")
        for other in others:
            if (image.shape, image.crs) != (other.shape, other.crs) or image.transform != other.transform:
                raise UserError(
                    f"{self._members.label(member)}: has other pixels than {other.name} of the same tile;"
                    " download the product again"
                )
        return image

    def numbers(self, band: str, window: Window | None = None, shape: tuple[int, int] | None = None) -> np.ndarray:
        """Return the stored numbers of a band; see ``Safe.digital_numbers``.

        Where granules overlap the first counts.

        Raises:
            UserError: the band is missing, or its image damaged.
        """
        from rasterio.errors import RasterioIOError

        self.image(band)
        union: np.ndarray | None = None
        for source, image in zip(self._open[band], self._images[band], strict=True):
            missing = None if union is None else union == layout.NODATA
            if missing is not None and not missing.any():
                break
            try:
                numbers = source.read(1, window=window, out_shape=shape)
            except RasterioIOError as error:
                raise self._damaged(image.member, error) from None
            if union is None or missing is None:
                union = numbers
            else:
                union[missing] = numbers[missing]
        assert union is not None
        return union

    def check_pixels(self, bands: Sequence[str], resolution: float) -> None:
        """Check that no image is coarser than both a resolution and the band.

        Args:
            bands: their names in files.
            resolution: in metres.

        Raises:
            UserError: one is, or is missing or damaged.
        """
        for band in bands:
            source, metres = self.image(band), self._images[band][-1].metres
            wanted = max(float(resolution), layout.NATIVE[band])
            finest, nominal = self.finest()
            # Copies for tests and quick looks have all their images decimated alike: ratios count, not metres.
            true = abs(source.transform.a / finest.transform.a) * nominal
            if max(metres, true / TOLERANCE) > wanted:
                folder = f", with IMG_DATA/R{wanted:g}m" if self._level == "L2A" else ""
                raise UserError(
                    f"{self.path}: has {band} with pixels of {max(metres, round(true))} m, not of {wanted:g} m;"
                    f" download the product again{folder}"
                )

    def _damaged(self, member: str, error: Exception | str) -> UserError:
        label = self._members.label(member)
        return UserError(f"{label}: is damaged or no image ({error}); download the product again")
