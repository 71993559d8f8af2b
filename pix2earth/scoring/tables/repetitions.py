"""Runs that were evaluated under several names, because their experiment was moved, renamed or copied in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pix2earth.runs import identity
from pix2earth.scoring.tables.csv_files import RunCsv


def repeated(evaluated: Sequence[tuple[RunCsv, str]]) -> dict[tuple[str, str], str]:
    """Return which evaluated splits are those of a run that counts under another name.

    Copies of one checkpoint count once. A CSV under the former name of a run that was moved and evaluated again shows a
    former state of it, and does not count. Copies of a run that were both trained on are two runs. Scores on the run's
    own dataset and on others are told apart.

    Args:
        evaluated: CSVs with the split of interest.

    Returns:
        (name of the CSV, split) -> name of the CSV that counts.
    """
    runs: dict[tuple[str, ...], list[RunCsv]] = {}
    for csv, split in evaluated:
        if csv.started_first:
            other = "" if csv.other is None else csv.basis(split).records or csv.other
            runs.setdefault((split, csv.timestamp, csv.started_first, other), []).append(csv)
    found = {}
    for (split, *_), csvs in runs.items():
        kept: dict[tuple[Any, ...], RunCsv] = {}
        for csv in sorted(csvs, key=lambda csv: not csv.checkpoints.is_dir()):  # those that exist first
            same = kept.get(_state(csv, split))
            if same is None and not csv.checkpoints.is_dir():
                present = [other for other in kept.values() if other.checkpoints.is_dir()]
                same = next((other for other in present if _continues(csv, other, split)), None)
            if same is None:
                kept[_state(csv, split)] = csv
            else:
                found[csv.path.stem, split] = same.path.stem
    return found


def _state(csv: RunCsv, split: str) -> tuple[Any, ...]:
    """Return what is equal where the same checkpoint was scored in the same way."""
    entry = csv.entry(split)
    checkpoint = entry["checkpoint"] if entry else csv.table.drop(columns="index", errors="ignore").to_csv()
    return checkpoint, csv.basis(split).key


def _continues(former: RunCsv, current: RunCsv, split: str) -> bool:
    """Return whether a run is another one, trained on: other runs may have been started in the same second."""
    before, now = former.identity(split), current.identity(split)
    if not before or not now or "toolkit" not in now:
        return before == now
    changed = {line.split(": ")[1] for line in now.get("changes", ())}
    found = identity.differences(before, now)
    return all(item.part in ("toolkit", "name") or item.key in changed for item in found)
