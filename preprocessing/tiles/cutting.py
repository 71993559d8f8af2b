"""Step 40: cut the tiles of one pair; only the parts of the products that tiles need are decoded and collocated."""

from __future__ import annotations

import re

from preprocessing.tiles.cutting_jobs import CutJob, CutOutcome, Window
from preprocessing.tiles.finished_pairs import finished, refuse_other_draws, save_summary
from preprocessing.tiles.paired_scene import PairedScene, share, visible_shares

IN_MASK = 0.8
"""Smallest share of a window inside the masks that makes it a tile in the masks, as in the original ARISGAN code."""
CACHE_BYTES = 512 * 2**20
"""Decoded blocks that GDAL keeps: 256 of 1024 x 1024 pixels, more than 20 tiles touch; the default grows."""
NOT_IN_FOOTPRINT = "outside a footprint"
NOT_VALID = "without enough valid pixels"


def cut(job: CutJob) -> CutOutcome:
    """Cut the tiles of one pair that do not exist yet, draw the overlay plot, and save the summary.

    The tiles do not depend on the number or order of calls, nor on the number of processes.

    Raises:
        UserError: a product cannot be read, or tiles of another draw are in the folder.
    """
    import rasterio

    from preprocessing.tiles.overlay_plot import draw_overlay
    from sensors.sentinel2 import Safe
    from sensors.sentinel3 import Sen3

    earlier = finished(job)
    if earlier:
        return earlier
    refuse_other_draws(job)
    with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES), Safe.open(job.s2, _tile_code(job.inventory)) as safe:
        scene = PairedScene(safe, Sen3.open(job.s3), job)
        outcome = cut_windows(scene)
        draw_overlay(job.plot, scene, outcome.windows)
    save_summary(job, outcome)
    return outcome


def cut_windows(scene: PairedScene) -> CutOutcome:
    """Draw windows and write those that both sensors cover, until there are enough or no position is left."""
    from preprocessing.tiles import tile_rasters
    from preprocessing.tiles.window_positions import WindowPositions

    job, draw = scene.job, scene.job.draw
    positions = WindowPositions(scene.safe.size, draw.tilesize, draw.seed, scene.safe.name, draw.tile_overlap)
    windows: list[Window] = []
    written, rejected = 0, dict.fromkeys((NOT_IN_FOOTPRINT, NOT_VALID), 0)
    while len(windows) < job.quantity and (position := positions.draw()):
        row, column = position
        polygon = scene.polygon(column, row)
        visible = min(share(polygon, footprint) for footprint in scene.footprints.values())
        if visible < draw.visible:
            rejected[NOT_IN_FOOTPRINT] += 1
            positions.reject(row, column, visible, draw.visible)
            continue
        window = Window(column, row, None if scene.mask is None else share(polygon, scene.mask) >= IN_MASK)
        path = job.tiles / f"{window.name(job.pair)}.tif"
        if not path.is_file():
            tile = scene.read(window)
            visible = min(visible_shares(tile))
            if visible < draw.visible:
                rejected[NOT_VALID] += 1
                positions.reject(row, column, visible, draw.visible)
                continue
            tile_rasters.write(path, tile, scene.sen3.flag_masks)
            written += 1
        positions.take(row, column)
        windows.append(window)
    return CutOutcome(job.pair.number, windows, written, rejected, exhausted=len(windows) < job.quantity)


def _tile_code(inventory: str) -> str | None:
    """Return the tile code in an inventory's name, which products from before December 2016, of several tiles, need."""
    match = re.match(r"inv_(T\d\d[A-Z]{3})_", inventory)
    return match[1] if match else None
