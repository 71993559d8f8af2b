"""Cutting tiles from a scene and its OLCI partner: only what the tiles need is decoded and collocated."""

from __future__ import annotations

import functools
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING

from pix2earth.settings.errors import UserError
from preprocessing.tiles.cutting_accounts import finished, record, refuse_other_draws
from preprocessing.tiles.cutting_jobs import CutJob, CutOutcome, Window

if TYPE_CHECKING:
    import numpy as np
    from shapely.geometry.base import BaseGeometry

    from preprocessing.tiles.tile_rasters import Tile
    from sensors.sentinel2 import Safe
    from sensors.sentinel3 import Sen3

IN_MASK = 0.8
"""Least share of a window inside the masks for it to count as in them, as published."""
CACHE_BYTES = 512 * 2**20
"""Decoded blocks that GDAL keeps: 256 of 1024 x 1024 pixels, more than 20 tiles touch; the default grows."""


def cut(job: CutJob) -> CutOutcome:
    """Cut the tiles of one pair that are not there yet, draw the overlay plot, and account for it.

    The same tiles come out however often, in whatever order and by how many processes this is called.

    Raises:
        UserError: a product cannot be read, or tiles of another draw are in the folder.
    """
    import rasterio

    from preprocessing.tiles.overlay_plot import draw_overlay
    from sensors.sentinel2 import Safe
    from sensors.sentinel3 import Sen3

    before = finished(job)
    if before:
        return before
    refuse_other_draws(job)
    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES), Safe.open(job.s2, _tile_code(job.inventory)) as safe:
        scene = PairedScene(safe, Sen3.open(job.s3), job)
        outcome = scene.cut()
        draw_overlay(job.plot, scene, outcome.windows)
    record(job, outcome)
    return outcome


class PairedScene:
    """A pair of open products on the grid of the first, ready to be cut."""

    def __init__(self, safe: Safe, sen3: Sen3, job: CutJob) -> None:
        """Bring footprints and masks onto the grid of the Sentinel-2 scene.

        Raises:
            UserError: a mask cannot be read, the scene is smaller than a tile, or the products do not touch.
        """
        import shapely

        from sensors.collocation import part_near
        from sensors.vector_masks import on_grid, read_mask

        side = job.draw.tilesize
        if min(safe.size) < side:
            raise UserError(f"{job.s2}: has {safe.size[0]} x {safe.size[1]} pixels, too few for --tilesize {side}")
        swath = part_near(sen3, safe.crs, safe.transform, safe.size)
        if swath is None:
            raise UserError(f"{job.s3}: does not touch {safe.name}; leave row {job.pair.number} out of the selection")
        self.safe, self.sen3, self.swath, self.job = safe, sen3, swath, job
        self.footprints = {
            # Its edges follow the grid, so corners are enough; those of the swath and of masks follow the map.
            "Sentinel-2": on_grid(safe.footprint, safe.footprint, safe.crs, step=None),
            "Sentinel-3": on_grid(sen3.footprint, safe.footprint, safe.crs),
        }
        masks = [on_grid(read_mask(path), safe.footprint, safe.crs) for path in job.masks]
        self.mask = shapely.union_all(masks) if masks else None
        for geometry in (*self.footprints.values(), *([self.mask] if masks else [])):
            shapely.prepare(geometry)

    def cut(self) -> CutOutcome:
        """Draw windows, and write those that both sensors see, until there are enough or no place is left."""
        from preprocessing.tiles import tile_rasters
        from preprocessing.tiles.places import Places

        draw, side = self.job.draw, self.job.draw.tilesize
        places = Places(self.safe.size, side, draw.seed, self.safe.name, draw.tile_overlap)
        windows: list[Window] = []
        written, rejected = 0, dict.fromkeys(("outside a footprint", "without enough valid pixels"), 0)
        while len(windows) < self.job.quantity and (place := places.draw()):
            row, column = place
            polygon = self.polygon(column, row)
            seen = min(share(polygon, footprint) for footprint in self.footprints.values())
            if seen < draw.visible:
                rejected["outside a footprint"] += 1
                places.reject(row, column, seen, draw.visible)
                continue
            window = Window(column, row, None if self.mask is None else share(polygon, self.mask) >= IN_MASK)
            path = self.job.tiles / f"{window.name(self.job.pair)}.tif"
            if not path.is_file():
                tile = self.read(window)
                seen = min(visible_shares(tile))
                if seen < draw.visible:
                    rejected["without enough valid pixels"] += 1
                    places.reject(row, column, seen, draw.visible)
                    continue
                tile_rasters.write(path, tile, self.sen3.flag_masks)
                written += 1
            places.take(row, column)
            windows.append(window)
        short = len(windows) < self.job.quantity
        return CutOutcome(self.job.pair.number, windows, written, rejected, short)

    def polygon(self, column: int, row: int) -> BaseGeometry:
        """Return the outline of a window in the units of the grid."""
        import shapely

        side = self.job.draw.tilesize
        corners = ((0, 0), (side, 0), (side, side), (0, side))
        return shapely.Polygon([self.safe.transform @ (column + right, row + down) for right, down in corners])

    def read(self, window: Window) -> Tile:
        """Return the tile of a window: reflectance as it is, radiance and flags of the swath pixel at each place."""
        import numpy as np
        import rasterio.windows

        from pix2earth.records.manifest import OLCI_BANDS, SENTINEL2_BANDS
        from preprocessing.tiles.tile_rasters import Tile
        from sensors.collocation import Collocation

        side = self.job.draw.tilesize
        place = rasterio.windows.Window(window.column, window.row, side, side)
        transform = rasterio.windows.transform(place, self.safe.transform)
        here = Collocation(self.swath, self.safe.crs, transform, (side, side), self.job.draw.method)
        radiance = np.stack([here.take(functools.partial(self.swath.radiance, band)) for band in OLCI_BANDS], axis=-1)
        flags = here.take(self.swath.flags)
        radiance[(flags & self.sen3.flag_masks.get("invalid", 0)) != 0] = np.nan
        reflectance = self.safe.read(SENTINEL2_BANDS, place)
        return Tile(flags, here.valid, reflectance, radiance, self.safe.crs, transform, self.tags(window))

    def tags(self, window: Window) -> dict[str, str]:
        """Return what the GeoTIFF of a window says about itself."""
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


def _tile_code(inventory: str) -> str | None:
    """Return the tile that an inventory is of: products from before December 2016 hold several."""
    named = re.match(r"inv_(T\d\d[A-Z]{3})_", inventory)
    return named[1] if named else None


def share(window: BaseGeometry, region: BaseGeometry) -> float:
    """Return the share of a window's area inside a region, 0 to 1."""
    if region.contains_properly(window):
        return 1.0
    return float(region.intersection(window).area / window.area)


def visible_shares(tile: Tile) -> tuple[float, float]:
    """Return the share of the pixels that have all bands of Sentinel-2, and all of OLCI."""
    import numpy as np

    s2: np.ndarray = np.isfinite(tile.reflectance).all(axis=-1)
    s3: np.ndarray = tile.located & np.isfinite(tile.radiance).all(axis=-1)
    return float(s2.mean()), float(s3.mean())


def _iso(time: datetime) -> str:
    """Return a time (UTC) as ISO 8601."""
    return time.isoformat().replace("+00:00", "Z")
