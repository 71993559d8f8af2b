"""Where the tiles of a scene lie in each of its fields: on one common grid, by coordinates where there are any."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pix2earth.image_files.image_file import Box
from pix2earth.settings.errors import UserError
from preprocessing.importing.layout.looking import Look
from preprocessing.sources.description import Size

TOLERANCE = 0.02
"""Distance of corners in pixels that is ignored: programs round coordinates differently."""


class Warp(NamedTuple):
    """The grid onto which a field is resampled."""

    crs: str
    transform: tuple[float, ...]


class Placement(NamedTuple):
    """Where a tile lies in a field.

    Attributes:
        box: pixels of the field that are read; empty where a tile is resampled by coordinates.
        size: height and width of the tile in this field.
        how: "" (the box is the tile), "pad" (filled up below and to the right), "resize" or "warp".
        warp: the tile's grid, for "warp".
    """

    box: Box
    size: tuple[int, int]
    how: str = ""
    warp: Warp | None = None


class Laid(NamedTuple):
    """A tile: its first pixel in the target, its place in every field, and its grid."""

    row: int
    column: int
    placements: dict[str, Placement]
    transform: tuple[float, ...] | None


class Fit(NamedTuple):
    """How a field lies on the target's grid.

    Attributes:
        ratio: side of its pixels in pixels of the target: a whole number, or one over a whole number.
        row, column: its first pixel in pixels of the target.
        warped: whether it is resampled, because its grid is another one.
        height, width: of the field in pixels of the target.
    """

    ratio: float
    row: float
    column: float
    warped: bool
    height: float
    width: float


def fits(looks: Mapping[str, Look], target: str, size: Size | None) -> dict[str, Fit]:
    """Return how each field lies on the target's grid.

    Raises:
        UserError: pixel sizes have no whole ratio, without coordinates by which they could be resampled.
    """
    base = looks[target]
    return {name: _fit(name, one, base, size) for name, one in looks.items()}


def _fit(name: str, look: Look, base: Look, size: Size | None) -> Fit:
    if look.crs and base.crs and look.transform and base.transform:
        return _by_coordinates(look, base)
    ratio, other = (a / b for a, b in zip(base.size, look.size, strict=True))
    whole = whole_ratio(ratio)
    if size == "resize":
        return Fit(whole, 0, 0, False, *base.size)
    if abs(whole - ratio) > 1e-9 or abs(whole - other) > 1e-9:
        raise UserError(
            f"{look.place}: {name}: has {look.size[0]} x {look.size[1]} pixels, the target {base.size[0]} x"
            f" {base.size[1]}: sides need a whole ratio; crop one, or --size resize"
        )
    return Fit(whole, 0, 0, False, *base.size)


def whole_ratio(ratio: float) -> float:
    """Return the whole number, or one over a whole number, that is nearest to a ratio."""
    return float(max(1, round(ratio))) if ratio >= 1 else 1 / max(1, round(1 / ratio))


def _by_coordinates(look: Look, base: Look) -> Fit:
    """Return how a field with coordinates lies on the target's grid."""
    from affine import Affine
    from rasterio.warp import transform_bounds

    assert look.transform and base.transform and look.crs and base.crs
    to_base, own = ~Affine(*base.transform), Affine(*look.transform)
    height, width = look.size
    if look.crs == base.crs:
        between = to_base @ own
        ratio = whole_ratio(abs(between.a))
        tilted = max(abs(between.b), abs(between.d)) > 1e-6
        sizes = max(abs(between.a - ratio) * width, abs(between.e - ratio) * height)
        row, column = between.f, between.c
        steps = (value / min(ratio, 1.0) for value in (row, column))
        if not tilted and sizes < TOLERANCE * max(1.0, ratio) and all(abs(s - round(s)) < TOLERANCE for s in steps):
            grain = min(ratio, 1.0)
            row, column = (round(value / grain) * grain for value in (row, column))
            return Fit(ratio, row, column, False, height * ratio, width * ratio)
    corners = [own @ corner for corner in ((0, 0), (width, 0), (0, height), (width, height))]
    xs, ys = zip(*corners, strict=True)
    left, bottom, right, top = transform_bounds(look.crs, base.crs, min(xs), min(ys), max(xs), max(ys))
    ends = [to_base @ corner for corner in ((left, top), (right, bottom))]
    columns, rows = (sorted(values) for values in zip(*ends, strict=True))
    ratio = whole_ratio(math.sqrt((columns[1] - columns[0]) * (rows[1] - rows[0]) / (height * width)))
    return Fit(ratio, rows[0], columns[0], True, rows[1] - rows[0], columns[1] - columns[0])


def side_of(tilesize: int, ratio: float, name: str) -> int:
    """Return the side of a tile in a field's pixels.

    Raises:
        UserError: it is no whole number.
    """
    side = tilesize / ratio
    if abs(side - round(side)) > 1e-9:
        raise UserError(f"{name}: its pixels are {ratio:g} pixels of the target wide, of which --tilesize {tilesize} is"
                        f" no multiple; choose {max(1, round(side)) * round(ratio)}")  # fmt: skip
    return round(side)


def lay(
    looks: Mapping[str, Look], target: str, found: Mapping[str, Fit], tilesize: int, size: Size | None
) -> Iterator[Laid]:
    """Yield the tiles of a scene.

    Args:
        looks: at its fields.
        target: name of the target.
        found: how its fields lie on the target's grid.
        tilesize: side of a target in pixels.
        size: what to do with other sizes.

    Raises:
        UserError: the scene has another size, and ``size`` does not say what to do, or it is smaller than a tile.
    """
    base = looks[target]
    height, width = base.size
    sides = {name: side_of(tilesize, fit.ratio, name) for name, fit in found.items()}
    if size == "resize" and not any(fit.warped for fit in found.values()):
        scale = (height / tilesize, width / tilesize)
        yield Laid(0, 0, {name: Placement(Box(0, 0, *looks[name].size), (sides[name],) * 2, "resize")
                          for name in looks}, _moved(base, 0, 0, scale))  # fmt: skip
        return
    rows, columns = _extent(found, height, 0), _extent(found, width, 1)
    sizes = (rows[1] - rows[0], columns[1] - columns[0])
    if min(sizes) <= 0:
        raise UserError(f"{base.place}: its fields do not overlap; check coordinates and places")
    if size is None and sizes != (tilesize, tilesize):
        raise UserError(
            f"{base.place}: has {sizes[0]} x {sizes[1]} pixels, not {tilesize} x {tilesize}; say what to do:"
            " --size tile, crop, pad or resize, or another --tilesize"
        )
    if min(sizes) < tilesize and size in ("tile", "crop"):
        raise UserError(
            f"{base.place}: has {sizes[0]} x {sizes[1]} pixels that all fields share, fewer than a tile of {tilesize};"
            " choose a smaller --tilesize, or --size pad or resize"
        )
    for row in _starts(rows, tilesize, size, found):
        for column in _starts(columns, tilesize, size, found):
            yield Laid(row, column, {
                name: _placed(looks[name], base, found[name], row, column, sides[name]) for name in looks
            }, _moved(base, row, column))  # fmt: skip


def _extent(found: Mapping[str, Fit], length: int, axis: int) -> tuple[int, int]:
    """Return first and last + 1 pixel of the target, along an axis, that all fields cover, on their common grid."""
    starts = [fit.row if axis == 0 else fit.column for fit in found.values()]
    lengths = [fit.height if axis == 0 else fit.width for fit in found.values()]
    low = math.ceil(max(0.0, *starts) - TOLERANCE)
    high = math.floor(min(length, *(start + side for start, side in zip(starts, lengths, strict=True))) + TOLERANCE)
    coarse = [(start, fit.ratio) for start, fit in zip(starts, found.values(), strict=True)
              if fit.ratio > 1 and not fit.warped]  # fmt: skip
    while low < high and any((low - start) % ratio > 1e-6 for start, ratio in coarse):
        low += 1
    return low, high


def _starts(extent: tuple[int, int], tilesize: int, size: Size | None, found: Mapping[str, Fit]) -> list[int]:
    """Return where tiles begin along an axis."""
    low, high = extent
    if size == "crop":
        step = max(1, *(round(fit.ratio) for fit in found.values() if not fit.warped))
        return [low + (high - low - tilesize) // 2 // step * step]
    if size == "pad":
        return list(range(low, high, tilesize))
    return list(range(low, high - tilesize + 1, tilesize))


def _placed(look: Look, base: Look, fit: Fit, row: int, column: int, side: int) -> Placement:
    """Return where a tile lies in a field."""
    if fit.warped:
        a, b, c, d, e, f = _moved(base, row, column) or ()
        scaled = (a * fit.ratio, b * fit.ratio, c, d * fit.ratio, e * fit.ratio, f)
        return Placement(Box(0, 0, 0, 0), (side, side), "warp", Warp(base.crs or "", scaled))
    top, left = round((row - fit.row) / fit.ratio), round((column - fit.column) / fit.ratio)
    height, width = min(side, look.size[0] - top), min(side, look.size[1] - left)
    return Placement(Box(top, left, height, width), (side, side), "pad" if min(height, width) < side else "")


def _moved(look: Look, row: int, column: int, scale: tuple[float, float] = (1.0, 1.0)) -> tuple[float, ...] | None:
    """Return the transform of a tile that begins at a pixel, with pixels so many times larger down and across."""
    if look.transform is None:
        return None
    a, b, c, d, e, f = look.transform
    down, across = scale
    return a * across, b * down, a * column + b * row + c, d * across, e * down, d * column + e * row + f
