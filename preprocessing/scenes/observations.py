"""Read the metadata that an inventory needs of each product, and keep only the newest product of each observation.

An observation is what one satellite recorded of one tile in one datatake, or of one frame; it is often distributed as
several products that were processed at different times, under different names and with slightly different times.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pix2earth.settings.errors import UserError
from preprocessing import parallel
from sensors.locating.finding import name_below, path_below

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

TIME = re.compile(r"_(\d{8}T\d{6})_")
SAME_GROUND = 0.95
"""A product adds nothing to one of the same pass that shows more than this part of its ground. Footprints of one
observation differ by some percent: collections cut a pass into frames up to 5 s (of 180) apart."""
LONGEST_DATATAKE = timedelta(minutes=30)
"""A satellite needs 100 minutes until it may see a tile again."""


class Observation(NamedTuple):
    """The metadata of one product; all of them can be written as JSON."""

    product: str
    """Path below the root, with "/"."""
    time: str
    """Sensing time, ISO 8601, UTC."""
    kind: str
    """L1C, L2A, EFR or ERR."""
    satellite: str
    tile: str
    """Tile code of a Sentinel-2 product, "" for Sentinel-3."""
    version: str
    """Of the same observation, newer products have a greater string."""
    footprint: str
    """WKT, longitude and latitude in degrees."""
    until: str
    """A time by which the pass has ended, ISO 8601, UTC."""

    @property
    def sensed(self) -> datetime:
        """The sensing time."""
        return datetime.fromisoformat(self.time)

    @property
    def ended(self) -> datetime:
        """The time by which the pass has ended."""
        return datetime.fromisoformat(self.until)

    @property
    def geometry(self) -> BaseGeometry:
        """The footprint."""
        import shapely

        return shapely.from_wkt(self.footprint)


def time_in_name(name: str) -> datetime | None:
    """Return the first time in a product's name (the start of sensing, UTC); None where there is none."""
    match = TIME.search(name.upper())
    try:
        return datetime.strptime(match.group(1), "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if match else None
    except ValueError:
        return None


# ---- reading -----------------------------------------------------------------------------------------------


def observe(root: Path, tile: str | None, product: str) -> Observation:
    """Read the metadata of one product below a root; of a Sentinel-2 product those of one tile, else ``tile`` is None.

    Raises:
        UserError: it cannot be read, or its footprint is empty.
    """
    path = path_below(root, product)
    observation = _sentinel3(path, product) if tile is None else _sentinel2(path, tile, product)
    if not observation.geometry.area:
        raise UserError(f"{path}: its footprint has no area; fetch the product again")
    return observation


def _sentinel2(path: Path, tile: str, product: str) -> Observation:
    from sensors.sentinel2 import Safe

    safe = Safe.open(path, tile)
    return Observation(
        product, safe.sensing_time.isoformat(), safe.level, safe.satellite, safe.tile, safe.version, safe.footprint.wkt,
        (safe.sensing_time + LONGEST_DATATAKE).isoformat(),
    )  # fmt: skip


def _sentinel3(path: Path, product: str) -> Observation:
    from sensors.sentinel3 import Sen3

    sen3 = Sen3.open(path)
    return Observation(
        product, sen3.start.isoformat(), sen3.kind, sen3.platform, "", sen3.version, sen3.footprint.wkt,
        sen3.stop.isoformat(),
    )  # fmt: skip


def observe_all(
    root: Path,
    tile: str | None,
    paths: Sequence[Path],
    journal: Path,
    *,
    title: str,
    workers: int | None,
    scheduler: str | None,
) -> tuple[list[Observation], list[str]]:
    """Read the metadata of products, except of those in the journal of an interrupted call.

    Args:
        root: folder of the products.
        tile: tile code of Sentinel-2 products, which may have several; None for Sentinel-3.
        paths: products below ``root``.
        journal: a file that gets one line a product as soon as it is read; products that have changed since are read
            again.
        title: of the progress bar.
        workers: see ``parallel.each``.
        scheduler: see ``parallel.each``.

    Returns:
        The observations in the order of ``paths``, and one line for each product that cannot be read.
    """
    changed = {name_below(root, path): _time_of_change(path) for path in paths}
    observations = {product: one for product, time, one in _read_journal(journal) if changed.get(product) == time}
    journal.parent.mkdir(parents=True, exist_ok=True)
    with journal.open("a") as lines:

        def append(product: str, observation: Observation) -> None:
            observations[product] = observation
            # The next run's first line feed ends a line that was cut off when the process was killed.
            lines.write(f"\n{json.dumps([product, changed[product], *observation])}")
            lines.flush()

        new = [product for product in changed if product not in observations]
        _, failures = parallel.each(
            functools.partial(observe, root, tile), new, title=title, unit="products", workers=workers,
            scheduler=scheduler, done=append,
        )  # fmt: skip
    return [observations[product] for product in changed if product in observations], failures


def _time_of_change(path: Path) -> int:
    """Return the time of the last change in ns; 0 of what cannot be looked up, and whose reading reports that."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read_journal(journal: Path) -> Iterable[tuple[str, int, Observation]]:
    """Yield (product, time of change, observation) of a journal; incomplete lines are skipped."""
    for line in journal.read_text().split("\n") if journal.is_file() else []:
        try:
            product, time, *metadata = json.loads(line)
            yield product, time, Observation(*metadata)
        except (ValueError, TypeError):
            continue


# ---- several products of one observation -------------------------------------------------------------------


def newest(products: Iterable[Observation]) -> tuple[list[Observation], list[tuple[Observation, Observation]]]:
    """Keep only the newest product of each observation.

    Products of one satellite, level and tile whose times overlap are of one pass; their names do not matter.
    Of Sentinel-2 the newest baseline is kept, of Sentinel-3 "not time critical" before near real time, then the newest
    collection. No ground is lost: a product is left out only for one that shows all of it. Two that show different
    ground (at a seam between ground stations) are both kept, and of a tile and a part of it that was processed later
    the tile.

    Returns:
        The kept products, sorted by time and name, and (product, the one kept for it) for each of the others.
    """
    all_kept: list[Observation] = []
    replaced: list[tuple[Observation, Observation]] = []
    for one_pass in _passes(products):
        kept: list[Observation] = []
        for one in sorted(one_pass, key=lambda one: (one.version, one.product), reverse=True):
            newer = next((other for other in kept if _shows(other, one)), None)
            if newer is not None:
                replaced.append((one, newer))
                continue
            parts = [other for other in kept if _shows(one, other)]
            replaced += [(part, one) for part in parts]
            kept = [other for other in kept if other not in parts] + [one]
        all_kept += kept
    return sorted(all_kept, key=lambda one: (one.sensed, one.product)), replaced


def left_out(product: Observation, kept: Observation) -> str:
    """Return the line that says why a product is left out for another one."""
    reason = "of which {} is a newer version" if kept.version >= product.version else "which shows a part of {}"
    return f"left out: {product.product}, {reason.format(kept.product)}"


def _passes(products: Iterable[Observation]) -> Iterable[list[Observation]]:
    """Yield lists of products of one satellite, level and tile whose times overlap."""
    groups: dict[Any, list[Observation]] = {}
    for one in products:
        groups.setdefault((one.satellite, one.kind, one.tile), []).append(one)
    for group in groups.values():
        one_pass: list[Observation] = []
        for one in sorted(group, key=lambda one: one.sensed):
            if one_pass and one.sensed > max(other.ended for other in one_pass):
                yield one_pass
                one_pass = []
            one_pass.append(one)
        yield one_pass


def _shows(one: Observation, other: Observation) -> bool:
    """Return whether a product shows all the ground of another one, but for inexact footprints."""
    from sensors.footprints import overlap

    return overlap(other.geometry, one.geometry) > SAME_GROUND
