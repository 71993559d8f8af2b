"""Step 20: pair the Sentinel-2 scenes of a tile with the Sentinel-3 frames near in time, and write the inventory."""

from __future__ import annotations

import argparse
import math
import sys
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from experiment import Environment
from pix2earth.console.arguments import CommandArguments
from pix2earth.settings.errors import UserError, nearest, reports_errors
from preprocessing import parallel
from preprocessing.scenes import inventory
from preprocessing.scenes.inventory import Pair
from preprocessing.scenes.observations import Observation, left_out, newest, observe_all, time_in_name
from sensors import archives, sentinel2_layout, sentinel3
from sensors.locating.finding import find, unread_lines
from sensors.sentinel2_layout import TILE_CODE, tile_code, tiles_in

MARGIN = timedelta(hours=1)
"""A name has the start of a datatake, which lasts up to some 20 minutes; the metadata have the scene's own time."""


def inventory_name(tile: str, hours: float) -> str:
    """Return the inventory's name: ``inv_T17XNA_10h`` for 10 hours, ``inv_T17XNA_05h`` for half an hour."""
    return f"inv_{tile}_{f'{hours:g}'.replace('.', '')}h"


def pair(scenes: Sequence[Observation], frames: Sequence[Observation], within: timedelta) -> list[Pair]:
    """Return all pairs of a scene and a frame whose times differ by less than ``within``."""
    from sensors.footprints import overlap

    frames = sorted(frames, key=lambda frame: frame.sensed)
    times = [frame.sensed for frame in frames]
    pairs = []
    for scene in scenes:
        ground = scene.geometry
        for frame in frames[bisect_right(times, scene.sensed - within) : bisect_left(times, scene.sensed + within)]:
            filetype = "zip" if frame.product.lower().endswith(".zip") else "SEN3"
            gap = abs(frame.sensed - scene.sensed)
            share = overlap(ground, frame.geometry)
            pairs.append(Pair(scene.product, scene.sensed, frame.product, frame.sensed, gap, filetype, share))
    return pairs


# ---- choosing products -------------------------------------------------------------------------------------


def scenes_of(found: Sequence[Path], root: Path, tile: str) -> list[Path]:
    """Return the Sentinel-2 products of a tile: by name or, where the name has no tile code, by their granules.

    Raises:
        UserError: there are none.
    """
    codes = {path: tile_code(path.name) for path in found}
    scenes = [path for path, code in codes.items() if code == tile or (code is None and _has_granule(path, tile))]
    if not scenes:
        raise UserError(f"--tile {tile}: {root} has no product of it{nearest(tile, filter(None, codes.values()))}")
    return scenes


def _has_granule(path: Path, tile: str) -> bool:
    """Return whether a product has a granule of a tile; True for damaged ones, whose reading reports the damage."""
    try:
        return tile in tiles_in(archives.open_members(path))
    except UserError:
        return True


def frames_near(found: Sequence[Path], scenes: Sequence[Observation], within: timedelta) -> list[Path]:
    """Return the frames whose names have a time near to that of some scene, or no time."""
    times = sorted(scene.sensed for scene in scenes)
    starts = {path: time_in_name(path.name) for path in found}
    return [path for path, start in starts.items() if start is None or _is_near(start, times, within + MARGIN)]


def _is_near(start: datetime, times: Sequence[datetime], within: timedelta) -> bool:
    """Return whether one of the sorted ``times`` differs from ``start`` by at most ``within``."""
    later = bisect_left(times, start)
    return any(abs(time - start) <= within for time in times[max(0, later - 1) : later + 1])


# ---- the command -------------------------------------------------------------------------------------------


def _tile(text: str) -> str:
    """Return a tile code from the command line, with or without its T."""
    code = text.upper() if text.upper().startswith("T") else f"T{text.upper()}"
    if not TILE_CODE.fullmatch(code):
        raise argparse.ArgumentTypeError(f"must be a tile code such as T17XNA, not {text}")
    return code


def _hours(text: str) -> float:
    """Return a number of hours from the command line."""
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
    arguments = CommandArguments(
        prog="preprocessing/20_create_inventory.py",
        description="Pair the Sentinel-2 scenes of a tile with Sentinel-3 OLCI frames near in time.",
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for data_root, s2_root and s3_root")
    arguments.add_argument("--tile", type=_tile, required=True, help="tile code, such as T17XNA")
    arguments.add_argument(
        "--timediff", type=_hours, required=True, metavar="HOURS", help="pairs differ in time by less than this"
    )
    arguments.add_argument("--level", choices=("L1C", "L2A"), default="L1C", help="of Sentinel-2 (default L1C)")
    arguments.add_argument("--replace", action="store_true", help="replace an inventory that has other rows")
    arguments.add_argument("--seed", type=int, default=0, help="accepted by every step; this one draws nothing")
    parallel.add_options(arguments)
    options: Any = arguments.parse_args(argv)
    environment = Environment(options.env)
    roots = [inventory.product_root(environment, key) for key in ("s2_root", "s3_root")]
    name = inventory_name(options.tile, options.timediff)
    path = inventory.folder(environment) / f"{name}.csv"
    journals = [path.with_name(f".{name}.{mission}.jsonl") for mission in ("s2", "s3")]
    scenes, frames, failures = read_products(options, roots, journals)
    pairs = pair(scenes, frames, timedelta(hours=options.timediff))
    content = inventory.encode(pairs, timedelta(hours=options.timediff))
    written = inventory.write(path, content, replace=options.replace)
    for journal in journals:
        journal.unlink(missing_ok=True)
    print_summary(scenes, pairs)
    from preprocessing.scenes.inventory_plot import draw

    if pairs and (written or not path.with_suffix(".png").is_file()):
        draw(inventory.read(path), name, path.with_suffix(".png"))
    print(f"{path}: {len(pairs)} pairs{'' if written else ', unchanged'}")
    return parallel.report(failures, "products")


def read_products(
    options: Any, roots: Sequence[Path], journals: Sequence[Path]
) -> tuple[list[Observation], list[Observation], list[str]]:
    """Read the metadata of all products that may be paired, and print the older versions that are left out.

    Args:
        options: of the command line.
        roots: folders of the Sentinel-2 and the Sentinel-3 products.
        journals: a file for each of them, from which an interrupted call is resumed.

    Returns:
        Scenes of the tile, frames near in time to them, and a line for each product that cannot be read.
    """
    where: dict[str, Any] = {"workers": options.workers, "scheduler": options.scheduler}
    found = [find(root, kind) for root, kind in zip(roots, (sentinel2_layout.KIND, sentinel3.KIND), strict=True)]
    for root, (_, unread) in zip(roots, found, strict=True):
        print(*unread_lines(root, unread), sep="\n", end="\n" if unread else "", file=sys.stderr)
    paths = scenes_of(found[0].products, roots[0], options.tile)
    scenes, failures = observe_all(roots[0], options.tile, paths, journals[0], title="Sentinel-2", **where)
    scenes, old_scenes = newest(_of_kind(scenes, options.level, "Sentinel-2", f"not {options.level} (--level)"))
    paths = frames_near(found[1].products, scenes, timedelta(hours=options.timediff))
    frames, more_failures = observe_all(roots[1], None, paths, journals[1], title="Sentinel-3", **where)
    frames, old_frames = newest(_of_kind(frames, "EFR", "Sentinel-3", "of reduced resolution"))
    for old, new in old_scenes + old_frames:
        print(left_out(old, new))
    return scenes, frames, failures + more_failures


def _of_kind(products: Sequence[Observation], kind: str, mission: str, others: str) -> list[Observation]:
    """Return the products of one level or resolution, and print how many others there are."""
    chosen = [one for one in products if one.kind == kind]
    if len(chosen) < len(products):
        print(f"{len(products) - len(chosen)} {mission} products are left out: they are {others}")
    return chosen


def print_summary(scenes: Sequence[Observation], pairs: Sequence[Pair]) -> None:
    """Print the number of scenes and pairs in each year."""
    years = Counter(scene.sensed.year for scene in scenes)
    paired = Counter(pair.s2date.year for pair in pairs)
    half = Counter(year for year, _ in {(pair.s2date.year, pair.s2) for pair in pairs if pair.overlap >= 0.5})
    print("year  scenes  pairs  scenes covered by half")
    for year in sorted(years):
        print(f"{year:4d}  {years[year]:6d}  {paired[year]:5d}  {half[year]:22d}")
