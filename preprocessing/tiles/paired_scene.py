"""Both products of a pair on the grid of the Sentinel-2 scene: their footprints, the masks, and reading of tiles."""

from __future__ import annotations

import functools
import json
from datetime import datetime
from typing import TYPE_CHECKING

from pix2earth.settings.errors import UserError
from preprocessing.tiles.cutting_jobs import CutJob, Window

if TYPE_CHECKING:
    import numpy as np
    from shapely.geometry.base import BaseGeometry

    from preprocessing.tiles.tile_rasters import Tile
    from sensors.sentinel2 import Safe
    from sensors.sentinel3 import Sen3


class PairedScene:
    """The open products of a pair.

    Attributes:
        safe: the Sentinel-2 product.
        sen3: the Sentinel-3 frame.
        swath: the part of the frame around the scene.
        job: the pair and its options.
        footprints: of "Sentinel-2" and "Sentinel-3", in the units of the scene's grid.
        mask: union of the masks in the units of the scene's grid, or None where there are no masks.
    """

    def __init__(self, safe: Safe, sen3: Sen3, job: CutJob) -> None:
        """Project footprints and masks to the grid of the Sentinel-2 scene.

        Raises:
            UserError: a mask cannot be read, the scene is smaller than a tile, or the products do not touch.
        """
        import shapely

        from sensors.collocation import part_near
        from sensors.masks.vector_masks import on_grid, read_mask

        side = job.draw.tilesize
        if min(safe.size) < side:
            raise UserError(f"{job.s2}: has {safe.size[0]} x {safe.size[1]} pixels, too few for --tilesize {side}")
        swath = part_near(sen3, safe.crs, safe.transform, safe.size)
        if swath is None:
            raise UserError(f"{job.s3}: does not touch {safe.name}; leave row {job.pair.number} out of the selection")
        self.safe, self.sen3, self.swath, self.job = safe, sen3, swath, job
        self.footprints = {
            # The scene's edges follow the grid, so its corners are enough; edges of frame and masks follow degrees.
            "Sentinel-2": on_grid(safe.footprint, safe.footprint, safe.crs, step=None),
            "Sentinel-3": on_grid(sen3.footprint, safe.footprint, safe.crs),
        }
        masks = [on_grid(read_mask(path), safe.footprint, safe.crs) for path in job.masks]
        self.mask = shapely.union_all(masks) if masks else None
        for geometry in (*self.footprints.values(), *([self.mask] if masks else [])):
            shapely.prepare(geometry)

    def polygon(self, column: int, row: int) -> BaseGeometry:
        """Return the outline of a window, given by its upper left pixel, in the units of the grid."""
        import shapely

        side = self.job.draw.tilesize
        corners = ((0, 0), (side, 0), (side, side), (0, side))
        return shapely.Polygon([self.safe.transform @ (column + right, row + down) for right, down in corners])

    def read(self, window: Window) -> Tile:
        """Return the tile of a window: reflectance of the scene, and collocated radiance and flags of the swath."""
        import numpy as np
        import rasterio.windows

        from preprocessing.tiles import tile_rasters
        from sensors import sentinel3
        from sensors.collocation import Collocation

        side = self.job.draw.tilesize
        pixels = rasterio.windows.Window(window.column, window.row, side, side)
        transform = rasterio.windows.transform(pixels, self.safe.transform)
        collocation = Collocation(self.swath, self.safe.crs, transform, (side, side), self.job.draw.method)
        bands = [collocation.take(functools.partial(self.swath.radiance, band)) for band in tile_rasters.OLCI_BANDS]
        radiance = np.stack(bands, axis=-1)
        flags = collocation.take(self.swath.flags)
        radiance[(flags & self.sen3.flag_masks.get(sentinel3.INVALID, 0)) != 0] = np.nan
        reflectance = self.safe.read(tile_rasters.SENTINEL2_BANDS, pixels)
        return tile_rasters.Tile(
            flags, collocation.valid, reflectance, radiance, self.safe.crs, transform, self.tags(window)
        )

    def tags(self, window: Window) -> dict[str, str]:
        """Return the tags of a window's GeoTIFF: its products, times, position and draw."""
        sensed, start, stop = self.safe.sensing_time, self.sen3.start, self.sen3.stop
        years = sorted({sensed.year, start.year})
        return {
            "S2_PRODUCT": self.safe.name,
            "S2_LEVEL": self.safe.level,
            "S2_BASELINE": self.safe.baseline or "unknown",
            "S2_SENSING_TIME": _iso(sensed),
            "S3_PRODUCT": self.sen3.name,
            "S3_START_TIME": _iso(start),
            "S3_STOP_TIME": _iso(stop),
            "TIFFTAG_DATETIME": sensed.strftime("%Y:%m:%d %H:%M:%S"),
            "INVENTORY": self.job.inventory,
            "INVENTORY_INDEX": str(self.job.pair.number),
            "COLUMN": str(window.column),
            "ROW": str(window.row),
            "IN_MASK": {None: "no masks", True: "yes", False: "no"}[window.in_mask],
            "COLLOCATION": self.job.draw.method,
            "DRAW": json.dumps(self.job.draw._asdict()),
            "COPYRIGHT": f"contains modified Copernicus Sentinel data {'-'.join(map(str, years))}",
        }


def share(window: BaseGeometry, region: BaseGeometry) -> float:
    """Return the share of a window's area inside a region, 0 to 1."""
    if region.contains_properly(window):
        return 1.0
    return float(region.intersection(window).area / window.area)


def visible_shares(tile: Tile) -> tuple[float, float]:
    """Return the share of the pixels with all bands of Sentinel-2, and of those with all bands of OLCI."""
    import numpy as np

    s2: np.ndarray = np.isfinite(tile.reflectance).all(axis=-1)
    s3: np.ndarray = tile.located & np.isfinite(tile.radiance).all(axis=-1)
    return float(s2.mean()), float(s3.mean())


def _iso(time: datetime) -> str:
    """Return a time (UTC) as ISO 8601."""
    return time.isoformat().replace("+00:00", "Z")
