"""What an inventory has to know of a product, read once; and which products are one and the same observation."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pix2earth.settings.errors import UserError
from preprocessing import parallel

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

TILE_CODE = re.compile(r"T\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2}")
SENSING = re.compile(r"_(\d{8}T\d{6})_")
SAME_GROUND = 0.5
"""Products of one tile and datatake that share more than this part of the smaller footprint are one observation."""


class Observation(NamedTuple):
    """The facts of one product; all of them can be written as JSON."""

    product: str
    """Below the root, with "/"."""
    time: str
    """Sensing time, ISO 8601, UTC."""
    kind: str
    """L1C, L2A, EFR or ERR."""
    satellite: str
    tile: str
    version: str
    """Newer versions of the same observation sort after older ones."""
    footprint: str
    """WKT, longitude and latitude in degrees."""

    @property
    def sensed(self) -> datetime:
        """The sensing time."""
        return datetime.fromisoformat(self.time)

    @property
    def geometry(self) -> BaseGeometry:
        """The footprint."""
        import shapely

        return shapely.from_wkt(self.footprint)


def tile_code(name: str) -> str | None:
    """Return the tile that a product's name states, such as T17XNA; None: it states none."""
    parts = name.replace(".", "_").split("_")
    return next((part for part in parts if TILE_CODE.fullmatch(part)), None)


def time_in_name(name: str) -> datetime | None:
    """Return the first time in a product's name (the start of sensing, UTC); None: there is none."""
    found = SENSING.search(name)
    try:
        return datetime.strptime(found.group(1), "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


# ---- reading -----------------------------------------------------------------------------------------------


def observe(root: Path, tile: str, product: str) -> Observation:
    """Read the metadata of one product below a root; of a Sentinel-2 product those of one tile.

    Raises:
        UserError: it cannot be read, or its footprint is empty.
    """
    path = root / product
    seen = _sentinel3(path, product) if path.name.startswith("S3") else _sentinel2(path, tile, product)
    if not seen.geometry.area:
        raise UserError(f"{path}: its footprint has no area; fetch the product again")
    return seen


def _sentinel2(path: Path, tile: str, product: str) -> Observation:
    from sensors.sentinel2 import Safe

    safe = Safe.open(path, tile)
    # Of one baseline the last processed is meant; the name's last time says when that was.
    version = f"{safe.baseline or '00.00'} {safe.name.rsplit('_', 1)[-1]}"
    return Observation(
        product, safe.sensing_time.isoformat(), safe.level, safe.satellite, safe.tile, version, safe.footprint.wkt
    )


def _sentinel3(path: Path, product: str) -> Observation:
    from sensors.sentinel3 import Sen3

    sen3 = Sen3.open(path)
    timeliness = "NT" if "_NT_" in sen3.name else ""
    version = f"{timeliness:2s} {sen3.name[48:63]}"
    return Observation(
        product, sen3.start.isoformat(), sen3.kind, sen3.platform, "", version, sen3.footprint.wkt
    )  # fmt: skip


def observe_all(
    root: Path,
    tile: str,
    paths: Sequence[Path],
    journal: Path,
    *,
    title: str,
    workers: int | None,
    scheduler: str | None,
) -> tuple[list[Observation], list[str]]:
    """Read the metadata of products, except of those that a journal of an interrupted run holds already.

    Args:
        root: folder of the products.
        tile: which tile of a Sentinel-2 product.
        paths: products below it.
        journal: a file that gets one line a product as soon as it is read.
        title: of the progress bar.
        workers: see ``parallel.each``.
        scheduler: see ``parallel.each``.

    Returns:
        The observations in the order of ``paths``, and one line for each product that cannot be read.
    """
    stamps = {path.relative_to(root).as_posix(): path.stat().st_mtime_ns for path in paths}
    known = {product: seen for product, stamp, seen in _remembered(journal) if stamps.get(product) == stamp}
    journal.parent.mkdir(parents=True, exist_ok=True)
    with journal.open("a") as lines:

        def remember(product: str, seen: Observation) -> None:
            known[product] = seen
            # A line that a kill has cut in two is ended by the next run's first line feed.
            lines.write(f"\n{json.dumps([product, stamps[product], *seen])}")
            lines.flush()

        new = [product for product in stamps if product not in known]
        _, failures = parallel.each(
            functools.partial(observe, root, tile), new, title=title, unit="products", workers=workers,
            scheduler=scheduler, done=remember,
        )  # fmt: skip
    return [known[product] for product in stamps if product in known], failures


def _remembered(journal: Path) -> Iterable[tuple[str, int, Observation]]:
    """Yield what a journal holds; a line that is not complete is passed over, for its product is read again."""
    for line in journal.read_text().split("\n") if journal.is_file() else []:
        try:
            product, stamp, *facts = json.loads(line)
            yield product, stamp, Observation(*facts)
        except (ValueError, TypeError):
            continue


# ---- one observation in several products -------------------------------------------------------------------


def newest(seen: Iterable[Observation]) -> tuple[list[Observation], list[tuple[Observation, Observation]]]:
    """Leave of each observation only its newest product.

    Sentinel-2: the same satellite, tile and datatake, in the newest baseline; two products of one datatake that show
    different ground (at a seam between ground stations) both stay. Sentinel-3: the same platform and start, not time
    critical before near real time.

    Returns:
        What stays, by time and name, and (left out, its newer one) for the others.
    """
    stays: list[Observation] = []
    left: list[tuple[Observation, Observation]] = []
    groups: dict[Any, list[Observation]] = {}
    for one in seen:
        groups.setdefault((one.satellite, one.kind, one.tile, _datatake(one)), []).append(one)
    for group in groups.values():
        kept: list[Observation] = []
        for one in sorted(group, key=lambda one: (one.version, one.product), reverse=True):
            newer = next((other for other in kept if _same_ground(one, other)), None)
            if newer is None:
                kept.append(one)
            else:
                left.append((one, newer))
        stays += kept
    return sorted(stays, key=lambda one: (one.sensed, one.product)), left


def _datatake(one: Observation) -> str:
    """Return what the products of one datatake share: the first time in their names."""
    named = time_in_name(Path(one.product).name)
    return (named or one.sensed).strftime("%Y%m%dT%H%M%S")


def _same_ground(one: Observation, other: Observation) -> bool:
    from sensors.footprints import overlap

    return max(overlap(one.geometry, other.geometry), overlap(other.geometry, one.geometry)) > SAME_GROUND
