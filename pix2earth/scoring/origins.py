"""The file beside a CSV of scores that states what they belong to: ``<run>.csv.json``, for each split of the CSV.

It is written before the CSV and holds a checksum of the rows of each split. Where a process was killed in between, or
one of the two files was changed or copied alone, the rows do not match, and the scores are refused.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

VERSION = 1
WITHOUT_A_SPLIT = ""
"""The split of rows in a CSV that has no such column, as the original ARISGAN code writes it."""


def path_of(table: Path) -> Path:
    """Return the path of the file beside a CSV."""
    return table.with_name(f"{table.name}.json")


def rows_of(table: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV as text, in their order; none where there is no such file."""
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8-sig") as lines:
        return list(csv.DictReader(lines))


def checksum(rows: Iterable[Mapping[str, str]]) -> str:
    """Return the SHA-256 of rows of text.

    The running number and empty cells do not count: both change where another split is added to the CSV.
    """
    content = [{name: value for name, value in row.items() if name not in ("index", None) and value} for row in rows]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load(table: Path) -> dict[str, Any] | None:
    """Return the content of the file beside a CSV, or None where there is none.

    Its key ``splits`` has the entries of those splits that the CSV has rows of, without rows of former versions.

    Raises:
        UserError: the file is damaged, of a later version, or rows of the CSV do not belong to it.
    """
    content = _read(path_of(table))
    if content is None:
        return None
    by_split: dict[str, list[dict[str, str]]] = {}
    for row in rows_of(table):
        by_split.setdefault(row.get("split") or WITHOUT_A_SPLIT, []).append(row)
    for split, rows in by_split.items():
        if content["splits"].get(split, {}).get("rows") != checksum(rows):
            other = f" --dataset {content['dataset']}" if "dataset" in content else ""
            raise UserError(
                f"{table}: its rows of split '{split}' do not belong to {path_of(table).name} (one of the two was"
                f" changed or copied alone); evaluate the run again: python evaluate.py --exp {content['experiment']}"
                f" --timestamp {content['timestamp']} --split {split}{other}"
            )
    known = {split: entry for split, entry in content["splits"].items() if split in by_split and "step" in entry}
    return content | {"splits": known}


def _read(path: Path) -> dict[str, Any] | None:
    """Return the content of the file, or None where there is none."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not {"version", "experiment", "timestamp", "splits"} <= content.keys():
            raise ValueError("keys are missing")
    except (ValueError, AttributeError) as error:
        raise UserError(f"{path}: is damaged ({error}); remove it and the CSV, and evaluate the run again") from None
    if content["version"] > VERSION:
        raise UserError(f"{path}: was written by a later version of pix2earth; evaluate the run again")
    return content


def write(table: Path, split: str, rows: Iterable[Mapping[str, Any]], run: Mapping[str, Any], entry: Any) -> None:
    """Write the scores of a split into a CSV and what they belong to beside it; other splits are kept.

    Args:
        table: path of the CSV.
        split: the split of the rows.
        rows: the new rows, values by column; None and NaN are empty cells.
        run: of the run: "experiment", "timestamp", "started"; "dataset" where that is not the run's own.
        entry: what the rows belong to, as JSON; None: unknown, and no file is written beside the CSV.
    """
    others = [row for row in rows_of(table) if row.get("split") != split]
    new = [{name: _text(value) for name, value in row.items()} for row in rows]
    if entry is None:
        path_of(table).unlink(missing_ok=True)
    else:
        try:
            existing = _read(path_of(table)) or {"splits": {}}
        except UserError:
            existing = {"splits": {}}  # damaged: rows of other splits do not belong to anything from now on
        splits = {**existing["splits"], split: {**entry, "rows": checksum(new)}}
        for other in {row.get("split") or WITHOUT_A_SPLIT for row in others} - splits.keys():
            # Scored by a former version: what it did not record stays unknown.
            splits[other] = {"rows": checksum(row for row in others if (row.get("split") or WITHOUT_A_SPLIT) == other)}
        kept = {split, *(row.get("split") or WITHOUT_A_SPLIT for row in others)}
        splits = {name: splits[name] for name in splits if name in kept}
        atomic.write_json(path_of(table), {"version": VERSION, **run, "splits": splits})
    atomic.write_text(table, _as_csv([*others, *new]))


def _text(value: Any) -> str:
    """Return a value as the text of a cell; numbers are written such that they are read again exactly."""
    if value is None or value != value:
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)


def _as_csv(rows: list[dict[str, str]]) -> str:
    """Return rows as the text of a CSV, numbered from 0 in the column "index"."""
    columns = dict.fromkeys(name for row in rows for name in row if name != "index")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["index", *columns])
    writer.writerows([number, *(row.get(name, "") for name in columns)] for number, row in enumerate(rows))
    return text.getvalue()
