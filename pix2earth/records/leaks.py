"""Leaks between splits: the same ground at the same date on both sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pix2earth.records.manifest import SUFFIX, Manifest

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

MARGIN = 0.001
"""Pixels by which a tile is drawn in, so that neighbours that touch do not overlap by rounding."""


class Leak(ValueError):
    """Two tiles of different splits that share ground."""


class GroundExtent(NamedTuple):
    """Where and when a sample was taken."""

    split: str
    name: str
    date: str
    """Day of the target, or whatever else tells one acquisition from another."""
    crs: str
    transform: Sequence[float]
    """a, b, c, d, e, f of the target."""


def check_for_leaks(folder: Path, manifest: Manifest) -> str:
    """Assert that no two tiles of different splits share ground on the same date.

    Args:
        folder: a written dataset; every record's own transform, CRS and date is examined.
        manifest: its manifest.

    Returns:
        One line that says what was checked.

    Raises:
        Leak: two tiles overlap.
    """
    from pix2earth.records.format import read

    found = []
    for path in sorted(folder.glob(f"*/*{SUFFIX}")):
        about = read(path, manifest)[1]
        date = about["acquired"][0][:10]
        found.append(GroundExtent(path.parent.name, about["name"], date, about["crs"], about["transform"]))
    return refuse_leaks(found, manifest.tilesize)


def refuse_leaks(tiles: Iterable[GroundExtent], side: int, *, any_date: bool = False) -> str:
    """Assert that no two tiles of different splits share ground, on the same date or at all.

    Args:
        tiles: all samples; tiles in several CRSs are compared in the first of them.
        side: of a tile in pixels.
        any_date: refuse shared ground even where the dates differ.

    Returns:
        One line that says what was checked.

    Raises:
        Leak: two tiles overlap.
    """
    groups: dict[str, list[GroundExtent]] = defaultdict(list)
    splits_of: dict[str, set[str]] = defaultdict(set)
    for tile in tiles:
        groups["" if any_date else tile.date].append(tile)
        splits_of[tile.date].add(tile.split)
    for members in groups.values():
        if len({tile.split for tile in members}) > 1:
            _compare(members, side)
    count = sum(map(len, groups.values()))
    divided = sum(len(splits) > 1 for splits in splits_of.values())
    compared = "no two" if any_date else "no two of one date"
    dates = f"{divided} of the dates are in several splits" if divided else "no date is in several splits"
    return f"no leak: {count} tiles on {len(splits_of)} dates; {compared} in different splits overlap; {dates}"


def _compare(tiles: Sequence[GroundExtent], side: int) -> None:
    """Raise Leak for the first two tiles of different splits that overlap."""
    import shapely

    outlines = [_outline(tile, side, tiles[0].crs) for tile in tiles]
    for one, other in sorted(map(tuple, shapely.STRtree(outlines).query(outlines, predicate="intersects").T)):
        ours, theirs = tiles[one], tiles[other]
        if one < other and ours.split != theirs.split:
            pair = f"{ours.split}/{ours.name} and {theirs.split}/{theirs.name}"
            dates = ours.date if ours.date == theirs.date else f"{ours.date} and {theirs.date}"
            raise Leak(f"{pair} share ground on {dates}")


def _outline(tile: GroundExtent, side: int, crs: str) -> BaseGeometry:
    """Return the outline of a tile, drawn in by ``MARGIN``, in a CRS."""
    import shapely

    a, b, c, d, e, f = tile.transform
    low, high = MARGIN, side - MARGIN
    corners = ((low, low), (high, low), (high, high), (low, high))
    outline = shapely.Polygon([(a * x + b * y + c, d * x + e * y + f) for x, y in corners])
    if tile.crs == crs:
        return outline
    import pyproj

    project = pyproj.Transformer.from_crs(tile.crs, crs, always_xy=True).transform
    return shapely.transform(outline, project, interleaved=False)
