"""Cutting tiles from a scene and its OLCI partner: only what the tiles need is decoded and collocated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from preprocessing.selection import Pair
from settings import atomic
from settings.mistakes import Mistake

if TYPE_CHECKING:
    import numpy as np
    from shapely.geometry.base import BaseGeometry

    from preprocessing.sentinel2 import Safe
    from preprocessing.sentinel3 import Sen3
    from preprocessing.tile_rasters import Tile

IN_MASK = 0.8
"""Least share of a window inside the masks for it to count as in them, as published."""


class Draw(NamedTuple):
    """What decides which windows a scene gives; tiles of different draws may overlap and are never mixed."""

    tilesize: int
    seed: int = 0
    tile_overlap: float = 0.0
    visible: float = 0.95
    masks: tuple[str, ...] = ()
    method: str = "nearest"


class Job(NamedTuple):
    """One pair of products to cut."""

    pair: Pair
    s2: Path
    s3: Path
    inventory: str
    draw: Draw
    quantity: int
    masks: tuple[Path, ...]
    tiles: Path
    """Folder of the GeoTIFFs."""
    review: Path
    """Folder of the overlay plot and of the account of what was cut."""

    @property
    def plot(self) -> Path:
        """The overlay plot."""
        return self.review / f"{self.pair.number}.png"

    @property
    def account(self) -> Path:
        """What was cut, and with which options."""
        return self.review / f"{self.pair.number}.json"


class Window(NamedTuple):
    """A window that was cut; column and row of its upper left pixel."""

    column: int
    row: int
    in_mask: bool | None

    def name(self, pair: Pair) -> str:
        """Return the name of its files."""
        from preprocessing.tile_rasters import NOTINMASK

        return f"{pair.label}_{self.column}x{self.row}{NOTINMASK if self.in_mask is False else ''}"


class Outcome(NamedTuple):
    """What became of a pair."""

    number: int
    windows: list[Window]
    written: int
    rejected: dict[str, int]
    exhausted: bool

    @property
    def line(self) -> str:
        """Say it."""
        reasons = ", ".join(f"{count} {reason}" for reason, count in self.rejected.items() if count)
        short = "; there is no place left for more" if self.exhausted else ""
        return (
            f"{self.number}: {len(self.windows)} tiles, {self.written} new{short}{f' ({reasons})' if reasons else ''}"
        )


def cut(job: Job) -> Outcome:
    """Cut the tiles of one pair that are not there yet, draw the overlay plot, and account for it.

    The same tiles come out however often, in whatever order and by how many processes this is called.

    Raises:
        Mistake: a product cannot be read, or tiles of another draw are in the folder.
    """
    from preprocessing.overlay_plot import draw_overlay
    from preprocessing.sentinel2 import Safe
    from preprocessing.sentinel3 import Sen3

    finished = _finished(job)
    if finished:
        return finished
    _refuse_other_draws(job)
    safe, sen3 = Safe.open(job.s2), Sen3.open(job.s3)
    scene = Scene(safe, sen3, job)
    outcome = scene.cut()
    draw_overlay(job.plot, scene, outcome.windows)
    atomic.write_json(job.account, {"options": _options(job), "outcome": outcome._asdict()})
    return outcome


class Scene:
    """A pair of open products on the grid of the first, ready to be cut."""

    def __init__(self, safe: Safe, sen3: Sen3, job: Job) -> None:
        """Bring footprints and masks onto the grid of the Sentinel-2 scene.

        Raises:
            Mistake: a mask cannot be read, or the scene is smaller than a tile.
        """
        import shapely

        from preprocessing.vector_masks import on_grid, read_mask

        side = job.draw.tilesize
        if min(safe.size) < side:
            raise Mistake(f"{job.s2}: has {safe.size[0]} x {safe.size[1]} pixels, too few for --tilesize {side}")
        self.safe, self.sen3, self.job = safe, sen3, job
        self.footprints = {
            # Its edges follow the grid, so corners are enough; those of the swath and of masks follow the map.
            "Sentinel-2": on_grid(safe.footprint, safe.footprint, safe.crs, step=None),
            "Sentinel-3": on_grid(sen3.footprint, safe.footprint, safe.crs),
        }
        masks = [on_grid(read_mask(path), safe.footprint, safe.crs) for path in job.masks]
        self.mask = shapely.union_all(masks) if masks else None
        for geometry in (*self.footprints.values(), *([self.mask] if masks else [])):
            shapely.prepare(geometry)

    def cut(self) -> Outcome:
        """Draw windows, and write those that both sensors see, until there are enough or no place is left."""
        from preprocessing import tile_rasters
        from preprocessing.places import Places

        draw, side = self.job.draw, self.job.draw.tilesize
        places = Places(self.safe.size, side, draw.seed, self.safe.name, draw.tile_overlap)
        windows: list[Window] = []
        written, rejected = 0, dict.fromkeys(("outside a footprint", "without enough valid pixels"), 0)
        while len(windows) < self.job.quantity and (place := places.draw()):
            row, column = place
            polygon = self.polygon(column, row)
            if min(share(polygon, footprint) for footprint in self.footprints.values()) < draw.visible:
                rejected["outside a footprint"] += 1
                places.reject(row, column)
                continue
            window = Window(column, row, None if self.mask is None else share(polygon, self.mask) >= IN_MASK)
            path = self.job.tiles / f"{window.name(self.job.pair)}.tif"
            if not path.is_file():
                tile = self.read(window)
                if min(visible_shares(tile)) < draw.visible:
                    rejected["without enough valid pixels"] += 1
                    places.reject(row, column)
                    continue
                tile_rasters.write(path, tile, self.sen3.flag_masks)
                written += 1
            places.take(row, column)
            windows.append(window)
        short = len(windows) < self.job.quantity
        return Outcome(self.job.pair.number, windows, written, rejected, short)

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

        from preprocessing.collocation import Collocation
        from preprocessing.tile_rasters import Tile
        from records.manifest import OLCI_BANDS, SENTINEL2_BANDS

        side = self.job.draw.tilesize
        place = rasterio.windows.Window(window.column, window.row, side, side)
        transform = rasterio.windows.transform(place, self.safe.transform)
        swath = Collocation(self.sen3, self.safe.crs, transform, (side, side), self.job.draw.method)
        radiance = np.stack([swath.take(self._radiance(band)) for band in OLCI_BANDS], axis=-1).astype(np.float32)
        flags = np.where(swath.valid, swath.take(self.sen3.flags), 0).astype(np.uint32)
        radiance[(flags & self.sen3.flag_masks.get("invalid", 0)) != 0] = np.nan
        reflectance = self.safe.read(SENTINEL2_BANDS, place)
        return Tile(flags, swath.valid, reflectance, radiance, self.safe.crs, transform, self.tags(window))

    def _radiance(self, band: str) -> Any:
        return lambda rows=None, columns=None: self.sen3.radiance(band, rows, columns)

    def tags(self, window: Window) -> dict[str, str]:
        """Return what the GeoTIFF of a window says about itself."""
        sensed, start = self.safe.sensing_time, self.sen3.start
        years = sorted({sensed.year, start.year})
        return {
            "S2_PRODUCT": self.safe.name,
            "S2_SENSING_TIME": sensed.isoformat(),
            "S3_PRODUCT": self.sen3.name,
            "S3_START_TIME": start.isoformat(),
            "S3_STOP_TIME": self.sen3.stop.isoformat(),
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
    """Return the share of the pixels that have all bands of Sentinel-2, and all of OLCI."""
    import numpy as np

    s2: np.ndarray = np.isfinite(tile.reflectance).all(axis=-1)
    s3: np.ndarray = tile.located & np.isfinite(tile.radiance).all(axis=-1)
    return float(s2.mean()), float(s3.mean())


# ---- what was cut before -----------------------------------------------------------------------------------


def _options(job: Job) -> dict[str, Any]:
    """Return what an account must agree in, as JSON has it."""
    options = {"draw": job.draw._asdict(), "quantity": job.quantity, "s2": job.s2.name, "s3": job.s3.name}
    plain: dict[str, Any] = json.loads(json.dumps(options))
    return plain


def _finished(job: Job) -> Outcome | None:
    """Return the outcome of an earlier call with the same options whose files are all there, or None."""
    if not (job.account.is_file() and job.plot.is_file()):
        return None
    try:
        found = json.loads(job.account.read_text(encoding="utf-8"))
        outcome = Outcome(**found["outcome"])
        windows = [Window(*window) for window in outcome.windows]
    except (ValueError, TypeError, KeyError):
        raise Mistake(f"{job.account}: is damaged; remove it and run the command again") from None
    complete = all((job.tiles / f"{window.name(job.pair)}.tif").is_file() for window in windows)
    return outcome._replace(windows=windows, written=0) if found["options"] == _options(job) and complete else None


def _refuse_other_draws(job: Job) -> None:
    """Make sure that tiles of this pair which are there already come from the same draw.

    Raises:
        Mistake: they come from another one, or from another program; new tiles could overlap them.
    """
    from preprocessing.tile_rasters import read_tags

    wanted = json.loads(json.dumps(job.draw._asdict()))
    for path in sorted(job.tiles.glob(f"{job.pair.label}_*.tif")):
        draw = read_tags(path).get("DRAW")
        if draw is None:
            raise Mistake(f"{path}: was cut by another program, and new tiles could overlap it; move such tiles away")
        found = json.loads(draw)
        differing = [key for key in wanted if found.get(key) != wanted[key]]
        if differing:
            raise Mistake(
                f"{path}: was cut with another {differing[0]} ({found.get(differing[0])}, not {wanted[differing[0]]});"
                f" remove the tiles {job.pair.label}_*.tif or use the same"
            )
