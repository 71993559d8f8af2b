"""The side of a tile where nobody states it, and what tiles leave out of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from pix2earth.settings.errors import UserError
from preprocessing.importing.layout.looking import Look
from preprocessing.sources.description import SourceDescription

LARGEST = 256
"""Side of tiles that is proposed for large images, in pixels."""
MULTIPLE = 8
"""Sides that are proposed are multiples of this: networks halve images several times."""
MUCH = 0.1
"""Share of the pixels that tiles may leave out without a line."""


class Lead(NamedTuple):
    """A look at the field of a scene whose grid is that of the tiles, and whether its file holds several samples."""

    look: Look
    stacked: bool


def common_side(description: SourceDescription, leads: Sequence[Lead]) -> int:
    """Return the side of the targets, where all are squares of one size.

    Raises:
        UserError: they are not; the line proposes a size.
    """
    sizes = Counter(lead.look.size for lead in leads)
    if not sizes:
        return 1
    (height, width), _ = sizes.most_common(1)[0]
    several = len(sizes) > 1 and description.size is None and description.odd == "stop"
    if height == width and not several:
        return height
    if several:
        texts = ", ".join(f"{count} of {high} x {wide}" for (high, wide), count in sizes.most_common(3))
        found = f"targets have several sizes ({texts})"
    else:
        found = f"targets have {height} x {width} pixels, and tiles are squares"
    if axes := _other_axes(leads[0]):
        raise UserError(f"{leads[0].look.place}: {found}; are its axes in another order? state --axes {axes}")
    side = _proposed(min(min(size) for size in sizes))
    options = f"--tilesize, such as {side}" + (
        "" if description.size else ", and what to do with the rest: --size tile, crop, pad or resize"
    )
    raise UserError(f"{leads[0].look.place}: {found}; state {options}")


def _proposed(shortest: int) -> int:
    """Return a side of tiles for images whose shortest side is known."""
    side = min(shortest, LARGEST)
    return max(side // MULTIPLE * MULTIPLE, 1) if side >= MULTIPLE else side


def _other_axes(lead: Lead) -> str | None:
    """Return the axes that an array seems to have, whose bands were taken for its rows."""
    look = lead.look
    is_array = look.place.lower().endswith((".npy", ".npz"))
    if not is_array or look.size[0] >= look.size[1] or look.band_count != look.size[1]:
        return None
    return "NCHW" if lead.stacked else "CHW"


def left_out(description: SourceDescription, leads: Sequence[Lead], count: int, side: int) -> list[str]:
    """Return a line where tiles leave out much of images without coordinates; others may overlap in part only.

    Args:
        description: of the source.
        leads: of all scenes.
        count: number of tiles.
        side: of a tile in pixels.
    """
    pixels = sum(lead.look.size[0] * lead.look.size[1] for lead in leads)
    share = 1 - count * side * side / pixels if pixels else 0.0
    placed = any(lead.look.crs for lead in leads)
    if description.size not in ("tile", "crop") or share <= MUCH or placed:
        return []
    advice = "--size pad keeps it" if description.size == "tile" else "--size tile or pad keeps more"
    return [f"tiles of {side} x {side} pixels leave out {share:.0%} of the images; {advice}, or another --tilesize"]


def advice_on_odd(odd: int, scenes: int) -> str:
    """Return what to do with files that are not as expected: to leave them out only helps where others are left."""
    many, them, their = (f"{odd} files are", "them", "their samples") if odd > 1 else ("1 file is", "it", "its sample")
    others = f"leave {their} out: --leave_out odd" if odd < scenes else f"what options say of {them}"
    return f"{many} not as expected; correct {them}, or {others}"


def collapsed(lines: Sequence[str]) -> list[str]:
    """Return the first of all lines "name: path: fault" with one fault, and how many files have it."""
    faults: dict[str, list[str]] = {}
    for line in lines:
        faults.setdefault(line.split(": ", 2)[-1], []).append(line)
    return [
        same[0] if len(same) == 1 else f"{same[0]} (and {len(same) - 1} more like this)" for same in faults.values()
    ]
