"""Splits of tiles by the rule of a description, and the check that no split shares files or ground with another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from pix2earth.records.manifest import SPLITS, Split
from pix2earth.records.splitting.leaks import GroundExtent, Leak, refuse_leaks
from pix2earth.records.splitting.splits import Shares, by_block, by_group
from pix2earth.settings.errors import UserError, nearest
from preprocessing.importing.layout.tiles import ImportTile
from preprocessing.sources.description import SourceDescription
from preprocessing.sources.patterns import filled
from preprocessing.sources.splitting_rules import ByDate, ByGroup, ByLists, ByPart, ByPlace, BySample, ByTable, Drawn
from preprocessing.sources.tables import column, lines, read_csv, read_table

SHOWN = 3
"""Names in a line; the others are counted."""


class Assigned(dict[str, str]):
    """The split of each tile by its name; tiles that are in none are left out.

    Attributes:
        method: how, as the manifest states it.
        notes: lines for the user.
    """

    method: Split
    notes: list[str]


def assign(description: SourceDescription, tiles: Sequence[ImportTile], root: Path) -> Assigned:
    """Return the split of each tile.

    Args:
        description: its key ``split`` is the rule.
        tiles: all tiles.
        root: input folder, for lists and tables.

    Raises:
        UserError: a list or table is missing, a name is in two splits, or there are too few groups.
    """
    rule = description.split
    result = Assigned()
    result.notes, result.method = [], Split(method=f"by {rule.by}", seed=getattr(rule, "seed", None))
    decided = {tile.name: tile.scene.split for tile in tiles if tile.scene.split}
    if decided:
        result.update(decided)
        result.method = Split(method="by date", detail="periods; all dates of a sample are in one")
    elif isinstance(rule, Drawn):
        _draw(rule, tiles, result)
    elif isinstance(rule, ByDate):
        result.update(_by_date(rule, tiles, result.notes))
    elif isinstance(rule, ByPart):
        values = {value: split for split, names in rule.values.items() for value in names}
        for tile in tiles:
            if filled(f"{{{rule.part}}}", tile.scene.parts, "split") in values:
                result[tile.name] = values[tile.scene.parts[rule.part]]
    elif isinstance(rule, ByLists):
        _by_lists(rule, tiles, root, result)
    elif isinstance(rule, ByTable):
        _by_table(rule, description, tiles, root, result)
    left_out = [tile.name for tile in tiles if tile.name not in result]
    if left_out:
        result.notes.append(f"{len(left_out)} tiles are in no split and left out: {shown(left_out)}")
    return result


def shown(names: Sequence[str]) -> str:
    """Return the first names as a text."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"


def by_csv(path: Path, tiles: Sequence[ImportTile]) -> Assigned:
    """Return the split of each tile from a CSV file of the user: a column ``split``, others are named parts.

    Raises:
        UserError: the file is missing, has no such column, or a row names another split.
    """
    rows = read_csv(path)
    column(path, rows, "split")
    parts = [name for name in rows[0] if name != "split"]
    known = sorted({*(part for tile in tiles for part in tile.scene.parts), "sample"})
    for name in parts:
        if name not in known:
            raise UserError(f"{path}: has a column '{name}', which is no named part{nearest(name, known)}")
    if not parts:
        raise UserError(f"{path}: needs a column beside split: {', '.join(known)}")
    table: dict[tuple[str, ...], str] = {}
    for number, row in enumerate(rows, 2):
        if row["split"] not in SPLITS:
            raise UserError(f"{path}:{number}: split '{row['split']}'{nearest(row['split'], SPLITS)}")
        key = tuple(_plain(row[name]) for name in parts)
        if table.setdefault(key, row["split"]) != row["split"]:
            raise UserError(f"{path}:{number}: {', '.join(key)} is in {table[key]} too")
    result = Assigned()
    result.notes, result.method = [], Split(method="by table", detail=path.name)
    for tile in tiles:
        facts = {**tile.scene.parts, "sample": tile.scene.name}
        split = table.get(tuple(_plain(facts.get(name, "")) for name in parts))
        if split:
            result[tile.name] = split
    if not result:
        raise UserError(
            f"{path}: none of its {len(table)} rows is of a sample; the first sample has {tiles[0].scene.parts}"
        )
    return result


def _plain(text: str) -> str:
    return str(int(text)) if text.isdecimal() else text


def _draw(rule: Drawn, tiles: Sequence[ImportTile], result: Assigned) -> None:
    """Split by groups or blocks, as the seed draws them."""
    shares = Shares(rule.train, rule.test)
    if isinstance(rule, ByPlace):
        result.update(_by_place(rule, tiles, shares, result))
        return
    groups = {}
    for tile in tiles:
        groups[tile.name] = (
            filled(rule.group, tile.scene.parts, "split") if isinstance(rule, ByGroup) else tile.scene.name
        )
    splits = by_group(groups, shares, rule.seed)
    if splits is not None:
        result.update({name: splits[group] for name, group in groups.items()})
        return
    if len(tiles) > len(set(groups.values())) and isinstance(rule, BySample):
        result.notes.append(f"{few('scene', len(set(groups.values())))} to split: blocks of ground are split instead")
        place = ByPlace(by="place", train=rule.train, test=rule.test, seed=rule.seed)
        result.method = Split(method="by place", seed=rule.seed, detail="blocks of tiles")
        result.update(_by_place(place, tiles, shares, result))
        return
    unit = "sample" if isinstance(rule, BySample) else "group"
    result.notes.append(f"{few(unit, len(set(groups.values())))} to split: all are for training")
    result.update({tile.name: "train" for tile in tiles})


def few(unit: str, count: int) -> str:
    """Return "2 samples are too few" in the number that fits."""
    return f"1 {unit} is too few" if count == 1 else f"{count} {unit}s are too few"


def _by_place(rule: ByPlace, tiles: Sequence[ImportTile], shares: Shares, result: Assigned) -> dict[str, str]:
    """Split by blocks; with coordinates of one CRS by ground, else by pixels of each scene."""
    with_ground = {tile.crs for tile in tiles}
    ground = len(with_ground) == 1 and None not in with_ground and all(tile.transform for tile in tiles)
    numbers = {name: index for index, name in enumerate(dict.fromkeys(tile.scene.name for tile in tiles))}
    bounds: dict[str, tuple[float, float, float, float]] = {}
    for tile in tiles:
        side = tile.side
        if ground and tile.transform:
            a, b, c, d, e, f = tile.transform
            xs, ys = zip(*((c + a * x + b * y, f + d * x + e * y) for x in (0, side) for y in (0, side)), strict=True)
            bounds[tile.name] = (min(xs), min(ys), max(xs), max(ys))
        else:
            shift = numbers[tile.scene.name] * 10_000_000
            bounds[tile.name] = (shift + tile.column, tile.row, shift + tile.column + side, tile.row + side)
    for block in range(rule.block, 0, -1):
        wide = max(box[2] - box[0] for box in bounds.values()) * block
        # Blocks begin where the tiles do, so that few tiles cross a border.
        left, low = min(box[0] for box in bounds.values()), min(box[1] for box in bounds.values())
        moved = {name: (x - left, y - low, x2 - left, y2 - low) for name, (x, y, x2, y2) in bounds.items()}
        splits = by_block(moved, wide, shares, rule.seed)
        if splits is not None:
            if block < rule.block:
                result.notes.append(f"blocks of {block} x {block} tiles are split, since there are few tiles")
            return splits
    result.notes.append(f"{few('tile', len(tiles))} to split by place: all are for training")
    return {tile.name: "train" for tile in tiles}


def _by_date(rule: ByDate, tiles: Sequence[ImportTile], notes: list[str]) -> dict[str, str]:
    """Split by day: all times of a tile are of one split."""
    result: dict[str, str] = {}
    crossing: list[str] = []
    undated: list[str] = []
    for tile in tiles:
        days = {time[:10] for times in tile.acquired.values() for time in times}
        splits = {_split_of(rule, day) for day in days}
        if len(splits) == 1:
            result[tile.name] = splits.pop()
        else:
            (crossing if splits else undated).append(tile.name)
    if undated:
        raise UserError(f"{len(undated)} samples have no date to be split by: {shown(undated)}; say where it is (date)")
    if crossing:
        notes.append(f"{len(crossing)} samples have dates of two splits: {shown(crossing)}")
    return result


def _split_of(rule: ByDate, day: str) -> str:
    if rule.test_from is not None and day >= rule.test_from:
        return "test"
    return "val" if rule.val_from is not None and day >= rule.val_from else "train"


def _by_lists(rule: ByLists, tiles: Sequence[ImportTile], root: Path, result: Assigned) -> None:
    """Split by lists of names."""
    names: dict[str, str] = {}
    split: str
    for split, file in rule.files.items():
        for name in lines(root / file):
            if names.setdefault(name, split) != split:
                raise UserError(f"{root / file}: {name} is in the list of {names[name]} too")
    found: dict[str, list[str]] = defaultdict(list)
    for tile in tiles:
        found[filled(rule.name, tile.scene.parts, "split")].append(tile.name)
    for name, split in names.items():
        result.update(dict.fromkeys(found.get(name, ()), split))
    absent = [name for name in names if name not in found]
    for split, file in rule.files.items():
        of_list = [name for name in absent if names[name] == split]
        if of_list:
            result.notes.append(f"{root / file}: names {shown(of_list)}, of which there is no complete sample")


def _by_table(
    rule: ByTable, description: SourceDescription, tiles: Sequence[ImportTile], root: Path, result: Assigned
) -> None:
    """Split by a column."""
    table = description.tables[rule.table]
    rows = read_table(root, table)
    column(root / table.file, [dict(next(iter(rows.values())))], rule.column)
    values = {value: split for split, names in rule.values.items() for value in names}
    for tile in tiles:
        row = rows.get(filled(table.name, tile.scene.parts, "split"))
        if row and row[rule.column] in values:
            result[tile.name] = values[row[rule.column]]


def check(tiles: Sequence[ImportTile], splits: Mapping[str, str], *, ground: bool = True) -> str:
    """Make sure that no two splits share a file or ground of one date.

    Args:
        tiles: all samples.
        splits: of each by its name.
        ground: whether what the samples show belongs to its place; the shapes of a pool of masks do not.

    Raises:
        UserError: they do.
    """
    files: dict[tuple[object, ...], str] = {}
    extents = []
    for tile in tiles:
        split = splits[tile.name]
        if not tile.cut:
            for steps in tile.scene.fields.values():
                for source in (one for step in steps for one in step):
                    key = (source.file, source.sample)
                    if files.setdefault(key, split) != split:
                        raise UserError(
                            f"{source.file}: would be in {files[key]} and in {split} ({tile.name}); split by something"
                            " that keeps its samples together"
                        )
        if tile.crs and tile.transform:
            days = dict.fromkeys(time[:10] for times in tile.acquired.values() for time in times) or {"": None}
            extents += [GroundExtent(split, tile.name, day, tile.crs, tile.transform) for day in days]
    if not ground:
        return "masks alone: whether they lie on the same ground in different splits is not compared"
    if not extents:
        return "no coordinates: whether samples of different splits show the same ground is not known"
    try:
        return refuse_leaks(extents, tiles[0].side)
    except Leak as leak:
        raise UserError(
            f"{str(leak).removesuffix(' on ')}; split by place, by date, or by a group that keeps them together"
        ) from None
