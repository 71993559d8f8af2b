"""The plan of an import: which samples are written, into which splits, and the manifest."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pix2earth.records.field import Field
from pix2earth.records.manifest import Manifest
from pix2earth.records.ranges import BandRange, measured
from pix2earth.settings.errors import UserError
from preprocessing.importing.day_fields import day_fields
from preprocessing.importing.facts import consistent, fields_of, with_ranges
from preprocessing.importing.layout.grids import Fit, fits, lay, side_of
from preprocessing.importing.layout.looking import Attempt, SeenScene, see
from preprocessing.importing.layout.pixels import stored
from preprocessing.importing.layout.scenes import ImportScene, Roots, opened, refuse_images_as_masks
from preprocessing.importing.layout.sides import Lead, advice_on_odd, collapsed, common_side, left_out
from preprocessing.importing.layout.splitting import Assigned, assign, by_csv, check
from preprocessing.importing.layout.tiles import ImportTile
from preprocessing.sources.description import SourceDescription
from preprocessing.sources.patterns import filled
from preprocessing.sources.tables import holds, read_table

MEASURED = 16
"""Number of training samples whose pixels are read before the import, for ranges and what is suspicious."""
ENOUGH = 128
"""Side of an image in pixels of which all pixels are measured."""
Each = Callable[..., tuple[list[Any], list[str]]]


class Request(NamedTuple):
    """What the command line asks for.

    Attributes:
        dataset: its name.
        roots: input folders.
        split_table: CSV file with splits, instead of the rule of the description.
    """

    dataset: str
    roots: Roots
    split_table: Path | None = None

    @property
    def root(self) -> Path:
        """The folder in which lists and tables lie."""
        return Path(next(iter(self.roots.values()))[0])


class ImportPlan(NamedTuple):
    """The plan of an import.

    Attributes:
        description: of the source.
        tiles: all samples in a split, in the order of their names.
        splits: the split of each by its name.
        manifest: without counts and fingerprint.
        notes: lines for the user: what was decided, and what is left out.
        ranges: measured of some training samples.
        arrays: pixels of these samples by field, as stored.
    """

    description: SourceDescription
    tiles: list[ImportTile]
    splits: Mapping[str, str]
    manifest: Manifest
    notes: list[str]
    ranges: Mapping[str, Sequence[BandRange]]
    arrays: Mapping[str, list[np.ndarray]]


def plan(description: SourceDescription, request: Request, scenes: Sequence[ImportScene], each: Each) -> ImportPlan:
    """Return the plan for some scenes.

    Args:
        description: of the source.
        request: of the command line.
        scenes: complete ones.
        each: calls a function for each item, as ``preprocessing.parallel.each`` does.

    Raises:
        UserError: a file is odd and the description does not leave such out, nothing is left, or a split would leak.
    """
    notes: list[str] = []
    scenes = admitted(description, request.root, scenes, notes)
    refuse_images_as_masks(description, scenes)
    attempts, failures = each(functools.partial(see, description), scenes, title="look at files", unit="samples")
    seen, odd = sorted_out(attempts, failures)
    kept, others = consistent(description, seen)
    odd += others
    tiles, sides, more = tiles_of(description, kept, notes)
    odd += more
    if odd and description.odd == "stop":
        faults = collapsed(odd)
        more = [f"and {len(faults) - 20} other faults"] if len(faults) > 20 else []
        raise UserError(*faults[:20], *more, advice_on_odd(len(odd), len(scenes)))
    notes += [f"left out: {line}" for line in odd]
    if not tiles:
        raise UserError(f"{request.root}: no sample is left of {len(scenes)}", *odd[:3])
    fields = fields_of(description, kept, sides, notes)
    splits = (
        by_csv(request.split_table, tiles) if request.split_table else split_pools(description, tiles, request.root)
    )
    tiles = [tile for tile in tiles if tile.name in splits]
    if not tiles:
        raise UserError(f"{request.root}: no sample is in a split", *splits.notes)
    notes += splits.notes
    masks_alone = all(field.kind == "mask" for field in fields.values())
    notes.append(check(tiles, splits, ground=not masks_alone))
    arrays = measured_arrays(description, fields, tiles, splits)
    ranges = {name: measured(fields[name], thinned(of_field)) for name, of_field in arrays.items() if of_field}
    fields = with_ranges(fields, ranges, notes)
    fields |= day_fields(description, fields, tiles, splits)
    return ImportPlan(
        description, tiles, splits, manifest_of(description, request, fields, splits, tiles), notes, ranges, arrays
    )


def admitted(
    description: SourceDescription, root: Path, scenes: Sequence[ImportScene], notes: list[str]
) -> list[ImportScene]:
    """Return the scenes that meet the conditions of the description, with dates from tables and names.

    Raises:
        UserError: a table is missing, or a date cannot be read.
    """
    from preprocessing.importing.layout.dates import with_dates

    tables = {name: read_table(root, table) for name, table in description.tables.items()}
    chosen, refused = [], Counter[str]()
    for scene in scenes:
        reason = ""
        for condition in description.where:
            table = description.tables[condition.table]
            row = tables[condition.table].get(filled(table.name, scene.parts, f"tables.{condition.table}"))
            if row is None or not holds(condition, row, root / table.file):
                reason = f"{table.file}: {'no row' if row is None else condition.column}"
                break
        if reason:
            refused[reason] += 1
        else:
            chosen.append(with_dates(description, scene, tables))
    notes += [f"{count} samples are left out: {reason}" for reason, count in sorted(refused.items())]
    return chosen


def sorted_out(attempts: Sequence[Attempt], failures: Sequence[str]) -> tuple[list[SeenScene], list[str]]:
    """Return all scenes that were seen, by name, and all lines on odd ones."""
    seen = [one for attempt in attempts for one in attempt.seen]
    odd = [line for attempt in attempts for line in attempt.odd]
    return sorted(seen, key=lambda one: one.scene.name), [*odd, *failures]


def lead_of(description: SourceDescription, looks: Mapping[str, Any]) -> str:
    """Return the field whose grid is that of the tiles: the target, or in a pool without it the first one."""
    return description.target if description.target in looks else next(iter(looks))


def tiles_of(
    description: SourceDescription, seen: Sequence[SeenScene], notes: list[str]
) -> tuple[list[ImportTile], dict[str, int], list[str]]:
    """Return all tiles, the side of a tile in each field, and a line for each scene that does not fit.

    Raises:
        UserError: the description needs a tile size.
    """
    leads = leads_of(description, seen)
    side = description.tilesize or common_side(description, leads)
    ratios: dict[str, float] = {}
    tiles: list[ImportTile] = []
    odd: list[str] = []
    warped: dict[str, str] = {}
    for one in seen:
        lead = lead_of(description, one.looks)
        try:
            found = fits(one.looks, lead, description.size)
            for name, fit in found.items():
                if ratios.setdefault(name, fit.ratio) != fit.ratio:
                    raise UserError(
                        f"{one.looks[name].place}: {name}: its pixels are {fit.ratio:g} pixels of {lead} wide; those of"
                        f" others {ratios[name]:g}"
                    )
                if fit.warped:
                    warped.setdefault(name, one.looks[name].place)
            tiles += _tiles(description, one, lead, found, side)
        except UserError as error:
            odd += [f"{one.scene.name}: {line}" for line in error.lines]
    if not odd:
        notes += left_out(description, leads, len(tiles), side)
    for name, place in warped.items():
        kind = "nearest neighbour" if description.fields[name].kind != "image" else "averages or bilinear"
        notes.append(f"{name}: has another grid than {description.target} ({place}); it is resampled, {kind}")
    return tiles, {name: side_of(side, ratio, name) for name, ratio in ratios.items()}, odd


def _tiles(
    description: SourceDescription, one: SeenScene, lead: str, found: Mapping[str, Fit], side: int
) -> list[ImportTile]:
    base = one.looks[lead]
    laid = list(lay(one.looks, lead, found, side, description.size))
    cut = len(laid) > 1
    acquired = {name: look.times for name, look in one.looks.items() if look.times}
    return [
        ImportTile(
            f"{one.scene.name}_r{part.row:05d}_c{part.column:05d}" if cut else one.scene.name, one.scene,
            part.placements, part.row, part.column, side, cut, base.crs, part.transform, acquired,
        )
        for part in laid
    ]  # fmt: skip


def leads_of(description: SourceDescription, seen: Sequence[SeenScene]) -> list[Lead]:
    """Return the look of every scene at the field whose grid is that of the tiles."""
    names = [lead_of(description, one.looks) for one in seen]
    return [
        Lead(one.looks[name], one.scene.fields[name][0][0].sample is not None)
        for one, name in zip(seen, names, strict=True)
    ]


def split_pools(description: SourceDescription, tiles: Sequence[ImportTile], root: Path) -> Assigned:
    """Return the split of each tile; every pool is split by itself."""
    if not description.pools:
        return assign(description, tiles, root)
    result = Assigned()
    result.notes = []
    for pool in description.pools:
        part = assign(description, [tile for tile in tiles if tile.name.startswith(f"{pool}-")], root)
        result.update(part)
        result.notes += part.notes
        result.method = part.method
    return result


def measured_arrays(
    description: SourceDescription, fields: Mapping[str, Field], tiles: Sequence[ImportTile], splits: Mapping[str, str]
) -> dict[str, list[np.ndarray]]:
    """Return the pixels of some training samples, evenly over their names, by field."""
    arrays: dict[str, list[np.ndarray]] = {name: [] for name in fields}
    pools = list(description.pools) or [""]
    for pool in pools:
        own = [tile for tile in tiles if tile.name.startswith(f"{pool}-" if pool else "")]
        train = [tile for tile in own if splits[tile.name] == "train"] or own
        for index in np.unique(np.linspace(0, len(train) - 1, min(MEASURED, len(train))).astype(int)):
            tile = train[index]
            try:
                found = {name: stored(description.fields[name], fields[name], steps, tile.placements[name]).array
                         for name, steps in tile.scene.fields.items()}  # fmt: skip
            except UserError:
                if description.odd == "stop":
                    raise
                continue  # it is reported when it is written
            for name, array in found.items():
                arrays[name].append(array)
    return arrays


def thinned(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return every second, third, ... pixel of large images, which is enough for percentiles."""
    steps = [max(1, min(array.shape[-3:-1]) // ENOUGH) for array in arrays]
    return [array[..., ::step, ::step, :] for array, step in zip(arrays, steps, strict=True)]


def manifest_of(
    description: SourceDescription,
    request: Request,
    fields: Mapping[str, Field],
    splits: Assigned,
    tiles: Sequence[ImportTile],
) -> Manifest:
    """Return the manifest, without counts and fingerprint."""
    texts = (description.title, description.citation, description.licence, description.link)
    return Manifest(
        name=request.dataset, tilesize=tiles[0].side, description=". ".join(text.rstrip(".") for text in texts if text),
        fields=dict(fields), input=description.input, target=description.target, mask=description.mask,
        score_by=description.score_by, input_mask=description.input_mask, pools=dict(description.pools),
        split=splits.method, first_row="bottom" if is_fits(description, tiles[0]) else "top",
    )  # fmt: skip


def is_fits(description: SourceDescription, tile: ImportTile) -> bool:
    """Return whether the image that others lie on the grid of is in FITS, which stores the lowest row first."""
    lead = lead_of(description, tile.placements)
    return opened(tile.scene.fields[lead][0][0], description.fields[lead]).format == "FITS"
