"""The check for leaks: tiles of different splits that show the same ground on the same date."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pix2earth.records.manifest import SUFFIX, Manifest

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

MARGIN = 0.001
"""Pixels by which the outline of a tile is shrunk, so that rounding does not make adjacent tiles overlap."""


class Leak(ValueError):
    """Two tiles of different splits show the same ground."""


class GroundExtent(NamedTuple):
    """Split, place and date of a sample."""

    split: str
    name: str
    date: str
    """Day of the target, or another label that distinguishes acquisitions."""
    crs: str
    transform: Sequence[float]
    """a, b, c, d, e, f of the target's affine transform."""


def check_for_leaks(folder: Path, manifest: Manifest) -> str:
    """Check that no two tiles of different splits show the same ground on the same date.

    Time steps of one sequence are one place: in datasets of sequences the ground must differ on all dates.

    Args:
        folder: a written dataset; transform, CRS and date are those in its records.
        manifest: its manifest.

    Returns:
        The result in one line.

    Raises:
        Leak: two tiles overlap.
    """
    from pix2earth.records.format import read

    tiles = []
    for path in sorted(folder.glob(f"*/*{SUFFIX}")):
        metadata = read(path, manifest)[1]
        date = metadata["acquired"][0][:10] if metadata["acquired"] else ""
        tiles.append(GroundExtent(path.parent.name, metadata["name"], date, metadata["crs"], metadata["transform"]))
    return refuse_leaks(tiles, manifest.tilesize, any_date=manifest.sequence is not None)


def refuse_leaks(tiles: Iterable[GroundExtent], side: int, *, any_date: bool = False) -> str:
    """Check that no two tiles of different splits show the same ground on the same date, or at all.

    Args:
        tiles: all samples; tiles in several CRSs are compared in the CRS of the first.
        side: height and width of a tile in pixels.
        any_date: refuse common ground also on different dates.

    Returns:
        The result in one line.

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
    shared = sum(len(splits) > 1 for splits in splits_of.values())
    compared = "no two" if any_date else "no two of one date"
    dates = f"{shared} of the dates are in several splits" if shared else "no date is in several splits"
    return f"no leak: {count} tiles on {len(splits_of)} dates; {compared} in different splits overlap; {dates}"


def sharing_ground(tiles: Sequence[GroundExtent], others: Sequence[GroundExtent], side: int) -> list[str]:
    """Return the names of the tiles that show the same ground as any of the others, on whatever date, sorted.

    Args:
        tiles: the tiles in question.
        others: at least one tile.
        side: height and width of a tile in pixels.
    """
    import shapely

    outlines = [_outline(tile, side, others[0].crs) for tile in tiles]
    tree = shapely.STRtree([_outline(tile, side, others[0].crs) for tile in others])
    found = tree.query(outlines, predicate="intersects")[0] if outlines else []
    return sorted({tiles[index].name for index in found})


def sharing_ground_and_date(tiles: Iterable[GroundExtent], others: Iterable[GroundExtent], side: int) -> list[str]:
    """Return the names of the tiles that show the same ground as any of the others on the same date, sorted.

    Args:
        tiles: the tiles in question; of several dates, one for each.
        others: the tiles that they are compared with.
        side: height and width of a tile in pixels.
    """
    by_date: dict[str, tuple[list[GroundExtent], list[GroundExtent]]] = defaultdict(lambda: ([], []))
    for position, extents in enumerate((tiles, others)):
        for extent in extents:
            by_date[extent.date][position].append(extent)
    found = (sharing_ground(of_date, seen, side) for of_date, seen in by_date.values() if seen)
    return sorted({name for names in found for name in names})


def _compare(tiles: Sequence[GroundExtent], side: int) -> None:
    """Raise Leak for the first two tiles of different splits that overlap."""
    import shapely

    outlines = [_outline(tile, side, tiles[0].crs) for tile in tiles]
    for index, other_index in sorted(map(tuple, shapely.STRtree(outlines).query(outlines, predicate="intersects").T)):
        tile, other = tiles[index], tiles[other_index]
        if index < other_index and tile.split != other.split:
            pair = f"{tile.split}/{tile.name} and {other.split}/{other.name}"
            dates = tile.date if tile.date == other.date else f"{tile.date} and {other.date}"
            raise Leak(f"{pair} share ground on {dates}")


def _outline(tile: GroundExtent, side: int, crs: str) -> BaseGeometry:
    """Return the outline of a tile in a CRS, shrunk by ``MARGIN``."""
    import shapely

    a, b, c, d, e, f = tile.transform
    low, high = MARGIN, side - MARGIN
    corners = ((low, low), (high, low), (high, high), (low, high))
    outline = shapely.Polygon([(a * x + b * y + c, d * x + e * y + f) for x, y in corners])
    if tile.crs == crs:
        return outline
    return shapely.transform(outline, _projection(tile.crs, crs), interleaved=False)


@functools.lru_cache(maxsize=64)
def _projection(source: str, destination: str) -> Callable[..., Any]:
    """Return the function from coordinates of one CRS to those of another; to make it takes longer than to apply it."""
    import pyproj

    return pyproj.Transformer.from_crs(source, destination, always_xy=True).transform
