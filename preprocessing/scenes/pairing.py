"""Step 20: pair the Sentinel-2 scenes of a tile with the Sentinel-3 frames that were taken near in time."""

from __future__ import annotations

import argparse
import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from experiment import Environment
from pix2earth.settings.errors import UserError, nearest, reports_errors
from preprocessing import parallel
from preprocessing.scenes import inventory
from preprocessing.scenes.inventory import Pair
from preprocessing.scenes.observations import TILE_CODE, Observation, newest, observe_all, tile_code, time_in_name
from sensors import archives

MARGIN = timedelta(hours=1)
"""A name states the start of a datatake, which lasts up to some 20 minutes; the metadata state the scene's own time."""


def inventory_name(tile: str, hours: float) -> str:
    """Return the inventory's name: ``inv_T17XNA_10h`` for 10 hours, ``inv_T17XNA_05h`` for half an hour."""
    return f"inv_{tile}_{f'{hours:g}'.replace('.', '')}h"


def pair(scenes: Sequence[Observation], frames: Sequence[Observation], within: timedelta) -> list[Pair]:
    """Return all pairs of a scene and a frame that are less than ``within`` apart (not exactly so much)."""
    from sensors.footprints import overlap

    frames = sorted(frames, key=lambda frame: frame.sensed)
    times = [frame.sensed for frame in frames]
    pairs = []
    for scene in scenes:
        ground = scene.geometry
        for frame in frames[bisect_right(times, scene.sensed - within) : bisect_left(times, scene.sensed + within)]:
            filetype = "zip" if frame.product.endswith(".zip") else "SEN3"
            gap = abs(frame.sensed - scene.sensed)
            share = overlap(ground, frame.geometry)
            pairs.append(Pair(scene.product, scene.sensed, frame.product, frame.sensed, gap, filetype, share))
    return pairs


# ---- choosing what to read ---------------------------------------------------------------------------------


def scenes_of(root: Path, tile: str) -> list[Path]:
    """Return the Sentinel-2 products of a tile: by name or, where the name states no tile, by their granules.

    Raises:
        UserError: there are none.
    """
    from sensors import sentinel2

    every = {path: tile_code(path.name) for path in sentinel2.products(root)}
    found = [path for path, code in every.items() if code == tile or (code is None and _holds(path, tile))]
    if not found:
        raise UserError(f"--tile {tile}: {root} has no product of it{nearest(tile, filter(None, every.values()))}")
    return found


def _holds(path: Path, tile: str) -> bool:
    try:
        members = archives.open_members(path)
    except UserError:
        return True  # reading it will say what is wrong with it
    return any(f"_{tile}_" in member for member in members)


def frames_near(root: Path, scenes: Sequence[Observation], within: timedelta) -> list[Path]:
    """Return the OLCI full resolution frames whose names state a time near to that of some scene."""
    from sensors import sentinel3

    times = sorted(scene.sensed for scene in scenes)
    return [path for path in sentinel3.products(root) if _is_near(path, times, within + MARGIN)]


def _is_near(path: Path, times: Sequence[datetime], reach: timedelta) -> bool:
    start = time_in_name(path.name)
    if "OL_1_EFR" not in path.name or start is None:
        return False
    later = bisect_left(times, start)
    return any(abs(time - start) <= reach for time in times[max(0, later - 1) : later + 1])


# ---- the command -------------------------------------------------------------------------------------------


def _tile(text: str) -> str:
    code = text.upper() if text.upper().startswith("T") else f"T{text.upper()}"
    if not TILE_CODE.fullmatch(code):
        raise argparse.ArgumentTypeError(f"must be a tile code such as T17XNA, not {text}")
    return code


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = math.nan
    if not 0 < hours <= 24 * 366:
        raise argparse.ArgumentTypeError(f"must be a number of hours above 0, such as 10 or 0.5, not {text}")
    return hours


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Write the inventory of a tile."""
    arguments = argparse.ArgumentParser(
        prog="preprocessing/20_create_inventory.py",
        description="Pair the Sentinel-2 scenes of a tile with Sentinel-3 OLCI frames near in time.",
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for data_root, s2_root and s3_root")
    arguments.add_argument("--tile", type=_tile, required=True, help="tile code, such as T17XNA")
    arguments.add_argument(
        "--timediff", type=_hours, required=True, metavar="HOURS", help="pairs are less than so many hours apart"
    )
    arguments.add_argument("--level", choices=("L1C", "L2A"), default="L1C", help="of Sentinel-2 (default L1C)")
    arguments.add_argument("--replace", action="store_true", help="write an inventory anew that has other rows")
    arguments.add_argument("--seed", type=int, default=0, help="taken by every step; this one draws nothing")
    parallel.add_options(arguments)
    options: Any = arguments.parse_args(argv)
    environment = Environment(options.env)
    roots = [inventory.product_root(environment, key) for key in ("s2_root", "s3_root")]
    name = inventory_name(options.tile, options.timediff)
    path = inventory.folder(environment) / f"{name}.csv"
    journals = [path.with_name(f".{name}.{mission}.jsonl") for mission in ("s2", "s3")]
    scenes, frames, failures = gather(options, roots, journals)
    pairs = pair(scenes, frames, timedelta(hours=options.timediff))
    content = inventory.encode(pairs, timedelta(hours=options.timediff))
    written = inventory.write(path, content, replace=options.replace)
    for journal in journals:
        journal.unlink(missing_ok=True)
    summarise(scenes, pairs)
    from preprocessing.scenes.inventory_plot import draw

    if pairs and (written or not path.with_suffix(".png").is_file()):
        draw(inventory.read(path), name, path.with_suffix(".png"))
    print(f"{path}: {len(pairs)} pairs{'' if written else ', as before'}")
    return parallel.report(failures, "products")


def gather(
    options: Any, roots: Sequence[Path], journals: Sequence[Path]
) -> tuple[list[Observation], list[Observation], list[str]]:
    """Read what is to be paired; say which products are left out as older versions.

    Args:
        options: of the command line.
        roots: folders of the Sentinel-2 and the Sentinel-3 products.
        journals: a file for each of them that remembers what is read.

    Returns:
        Scenes of the tile, frames near to them, and a line for each product that cannot be read.
    """
    how: dict[str, Any] = {"workers": options.workers, "scheduler": options.scheduler}
    paths = scenes_of(roots[0], options.tile)
    seen, failures = observe_all(roots[0], options.tile, paths, journals[0], title="Sentinel-2", **how)
    scenes, old_scenes = newest(one for one in seen if one.kind == options.level)
    others = len(seen) - len(scenes) - len(old_scenes)
    if others:
        print(f"{others} Sentinel-2 products are left out: they are not {options.level} (--level)")
    paths = frames_near(roots[1], scenes, timedelta(hours=options.timediff))
    frames, more = observe_all(roots[1], options.tile, paths, journals[1], title="Sentinel-3", **how)
    frames, old_frames = newest(frames)
    for old, new in old_scenes + old_frames:
        print(f"left out: {old.product}, of which {new.product} is a newer version")
    return scenes, frames, failures + more


def summarise(scenes: Sequence[Observation], pairs: Sequence[Pair]) -> None:
    """Print how many scenes and pairs there are in each year."""
    years = Counter(scene.sensed.year for scene in scenes)
    paired = Counter(pair.s2date.year for pair in pairs)
    half = Counter(year for year, _ in {(pair.s2date.year, pair.s2) for pair in pairs if pair.overlap >= 0.5})
    print("year  scenes  pairs  scenes covered by half")
    for year in sorted(years):
        print(f"{year:4d}  {years[year]:6d}  {paired[year]:5d}  {half[year]:22d}")
