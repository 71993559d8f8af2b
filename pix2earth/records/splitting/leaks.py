"""The check for leaks: samples of different splits that show the same ground on the same day in any field."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pix2earth.records.manifest import SUFFIX, Manifest
from pix2earth.records.metadata import acquisition_times

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

MARGIN = 0.001
"""Pixels by which the outline of a tile is shrunk, so that rounding does not make adjacent tiles overlap."""


class Leak(ValueError):
    """Two tiles of different splits show the same ground."""


class GroundExtent(NamedTuple):
    """Split, place and date of a sample; one that was acquired on several days has one extent for each."""

    split: str
    name: str
    date: str
    """A day on which any field was acquired, or another label that distinguishes acquisitions."""
    crs: str
    transform: Sequence[float]
    """a, b, c, d, e, f of the target's affine transform."""


def check_for_leaks(folder: Path, manifest: Manifest) -> str:
    """Check that no two samples of different splits show the same ground on the same day in any field.

    Samples without times of acquisition are compared with each other; those without a place are left out. Time steps of
    one sequence are one place: in datasets of sequences the ground must differ on all dates.

    Args:
        folder: a written dataset; transform, CRS and times are those in its records.
        manifest: its manifest.

    Returns:
        The result in one line.

    Raises:
        Leak: two tiles overlap.
    """
    from pix2earth.records.format import read

    tiles, without_place = [], 0
    for path in sorted(folder.glob(f"*/*{SUFFIX}")):
        metadata = read(path, manifest)[1]
        place = metadata["crs"], metadata["transform"]
        if None in place:
            without_place += 1
            continue
        days = dict.fromkeys(time[:10] for time in acquisition_times(metadata) or [""])
        tiles += [GroundExtent(path.parent.name, metadata["name"], day, *place) for day in days]
    result = refuse_leaks(tiles, manifest.tilesize, any_date=manifest.sequence is not None)
    return f"{result}; {without_place} samples without a place are not compared" if without_place else result


def refuse_leaks(tiles: Iterable[GroundExtent], side: int, *, any_date: bool = False) -> str:
    """Check that no two tiles of different splits show the same ground on the same date, or at all.

    Args:
        tiles: all samples, each once for every date; tiles in several CRSs are compared in the CRS of the first.
        side: height and width of a tile in pixels.
        any_date: refuse common ground also on different dates.

    Returns:
        The result in one line.

    Raises:
        Leak: two tiles overlap.
    """
    groups: dict[str, dict[tuple[str, str], GroundExtent]] = defaultdict(dict)
    splits_of: dict[str, set[str]] = defaultdict(set)
    names = set()
    for tile in tiles:
        groups["" if any_date else tile.date].setdefault((tile.split, tile.name), tile)
        splits_of[tile.date].add(tile.split)
        names.add((tile.split, tile.name))
    for members in groups.values():
        if len({tile.split for tile in members.values()}) > 1:
            _compare(list(members.values()), side)
    if set(splits_of) == {""}:
        return f"no leak: {len(names)} tiles without dates; no two in different splits overlap"
    shared = sum(len(splits) > 1 for splits in splits_of.values())
    compared = "no two" if any_date else "no two of one date"
    dates = f"{shared} of the dates are in several splits" if shared else "no date is in several splits"
    on = "1 date" if len(splits_of) == 1 else f"{len(splits_of)} dates"
    return f"no leak: {len(names)} tiles on {on}; {compared} in different splits overlap; {dates}"


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
