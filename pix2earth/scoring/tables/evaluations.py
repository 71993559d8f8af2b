"""Evaluated runs below an experiment root: their scores as one long table, and the settings of each run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from pix2earth.runs import identity, treatments
from pix2earth.runs.folders import EVALUATION
from pix2earth.scoring.basis import Basis, reference_of
from pix2earth.scoring.tables import common_tiles
from pix2earth.scoring.tables.csv_files import RunCsv, csvs, metric_of, tiles
from pix2earth.scoring.tables.facts import FACTS, NONE, UNKNOWN, facts, facts_of_name
from pix2earth.scoring.tables.repetitions import repeated
from pix2earth.settings.errors import UserError

IN_FACTS = frozenset({"dataset", "model_name", "batch_size", "seed"})


class Evaluations(NamedTuple):
    """Scores and settings of the evaluated runs.

    Attributes:
        scores: one row for each tile and metric of the runs in use: ``FACTS``, ``run``, ``label`` (the model, the
            dataset that it was trained on where that is another one, and what distinguishes runs of one dataset and
            mask that have the same model; runs that differ by their seed alone share a label), ``baseline`` (true for a
            baseline, false for a model), ``failed`` (the predictions of the run that fail, in words), ``tile``,
            ``metric``, ``value``, ``compared`` (means use it). Runs that may not be compared have different names of
            the dataset, such as "demo (32 x 32 px)".
        runs: one row for each run: ``run``, ``FACTS``, ``split``, ``step``, ``tiles``, ``seed``, ``started``,
            ``in use``, ``failed``.
        remarks: one sentence for each thing that a reader of the scores has to know.
    """

    scores: pd.DataFrame
    runs: pd.DataFrame
    remarks: list[str]


def load(
    root: Path, *, split: str | None = None, every_run: bool = False, leave_out: Collection[str] = ()
) -> Evaluations:
    """Read every CSV of an experiment root.

    Runs are alike if they have the same identity without the seed, and the same number of steps. Of runs that have the
    same seed as well, the one that was started last is used.

    Args:
        root: the experiment root.
        split: "val" or "test"; None: for each run test where it was evaluated, else val.
        every_run: use all runs, each with a row of its own.
        leave_out: names of runs, ``<experiment>_<timestamp>``, that are not to be used.

    Raises:
        UserError: there is no evaluated run, or a file is damaged.
    """
    evaluated = {csv.path.stem: csv for csv in csvs(root)}
    splits = {name: _split(csv.table, split) for name, csv in evaluated.items()}
    tables = {name: _rows_of_split(csv.table, splits[name]) for name, csv in evaluated.items()}
    rows = [run_row(csv, splits[name], tables[name]) for name, csv in evaluated.items() if len(tables[name])]
    if not rows:
        of_split = f" of {split}" if split else ""
        raise UserError(
            f"{root / EVALUATION}: has no evaluated run{of_split}; evaluate one: python evaluate.py --exp NAME"
        )
    runs = pd.DataFrame(rows)
    bases = {name: evaluated[name].basis(splits[name]) for name in runs["run"]}
    runs, reasons = _separated(_renamed(runs, bases), bases)
    again = repeated([(evaluated[run], splits[run]) for run in runs["run"] if run not in leave_out])
    again_as = {name: kept for (name, _), kept in again.items()}
    runs["in use"] = _in_use(runs, every_run, leave_out, again_as)
    runs, of_tiles = _without_common_tiles(runs, tables)
    used = _labelled(runs[runs["in use"] == "yes"], every_run)
    parts = [_long(run, tables[run["run"]]) for run in used.to_dict("records")] + _baselines(used, tables)
    scores = pd.concat(parts, ignore_index=True)
    scores["compared"] = common_tiles.compared(scores)
    overview = runs.drop(columns=["group", "label", "settings"])
    overview = overview.sort_values(["dataset", "mask", "model", "started"], ignore_index=True)
    remarks = reasons + of_tiles + _remarks(used, tables)
    remarks += [f"{name}: the same run as {kept}, counted once." for name, kept in again_as.items()]
    for run in used["run"]:
        remarks += [f"{run}: {remark}." for remark in evaluated[run].remarks(splits[run])]
    return Evaluations(scores, overview, remarks)


def run_row(csv: RunCsv, split: str, table: pd.DataFrame) -> dict[str, Any]:
    """Return a run's row of the table of runs.

    Args:
        csv: of the run.
        split: the split that is summarised.
        table: its rows.
    """
    recorded, entry = csv.identity(split), csv.entry(split) or {}
    settings = identity.settings_of(recorded) if recorded else {}
    # Keys that a former version lacks do not distinguish its runs, nor do those without effect.
    shown = identity.comparable(settings) if settings else {}
    described = facts(settings, entry.get("losses", ())) if recorded else facts_of_name(csv.path.stem)
    trained_on = "" if csv.other is None else f" trained on {described['dataset'] if recorded else 'another dataset'}"
    described["dataset"] = csv.other or described["dataset"]
    step = _values(table, "step")
    steps = csv.run["settings"].get("steps") if csv.run else None
    # Of seeds the best steps differ; what they have in common is the number of steps that were trained.
    trained = step if steps is None or entry.get("selected_on") == "none" else str(steps)
    group = [identity.without_seed(recorded) if recorded else csv.path.stem.rpartition("_")[0], trained]
    group += [value for name, value in described.items() if name != "dataset"]  # it may have been renamed
    group += [trained_on] if trained_on else []
    return {
        "run": csv.path.stem,
        **described,
        "split": _values(table, "split"),
        "step": step,
        "tiles": len(table),
        "seed": settings.get("seed", UNKNOWN),
        "started": csv.started,
        "failed": csv.failed(split, len(table)),
        "group": "/".join(group),
        "label": described["model"] + trained_on,
        "settings": _flat({**shown, "steps": trained, **treatments.of(recorded or {})}),
    }


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings by dotted names."""
    result: dict[str, Any] = {}
    for name, value in settings.items():
        result |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return result


def _values(table: pd.DataFrame, column: str) -> str:
    """Return the different values of a column as a text (usually one value), or "?" where the CSV lacks it."""
    return ", ".join(map(str, table[column].unique())) if column in table else UNKNOWN


def _split(table: pd.DataFrame, requested: str | None) -> str:
    """Return the split to summarise; "" where the CSV has no column ``split``."""
    if "split" not in table:
        return ""
    return requested or ("test" if (table["split"] == "test").any() else "val")


def _rows_of_split(table: pd.DataFrame, split: str) -> pd.DataFrame:
    """Return the rows of one split; all rows where the CSV has no column ``split``."""
    return table[table["split"] == split] if split else table


def _renamed(runs: pd.DataFrame, bases: Mapping[str, Basis]) -> pd.DataFrame:
    """Give runs that may be compared one name of their dataset, that of the newest run: its folder was renamed."""
    names, keys = runs["dataset"].copy(), runs["run"].map(lambda run: str(bases[run].key))
    recorded = runs["run"].map(lambda run: bases[run].records is not None)
    for _, group in runs[recorded].sort_values(["started", "run"]).groupby(keys[recorded]):
        names[group.index] = group["dataset"].iloc[-1]
    return runs.assign(dataset=names)


def _separated(runs: pd.DataFrame, bases: Mapping[str, Basis]) -> tuple[pd.DataFrame, list[str]]:
    """Give runs that may not be compared different names of the dataset; return why as well.

    Args:
        runs: the table of runs.
        bases: of the scores of each run.
    """
    names, sentences = runs["dataset"].copy(), []
    for dataset, group in runs.groupby("dataset"):
        reference = reference_of([bases[run] for run in group["run"]])
        for basis_, members in _by_basis(group, bases).items():
            reasons = basis_.differences(reference)
            if reasons:
                names[members] = f"{dataset} ({', '.join(reasons)})"
                of_runs = ", ".join(runs.loc[members, "run"])
                sentences.append(
                    f"dataset {dataset}: not compared with the other runs: {of_runs} ({'; '.join(reasons.values())})."
                )
    return runs.assign(dataset=names), sentences


def _by_basis(group: pd.DataFrame, bases: Mapping[str, Basis]) -> dict[Basis, list[Any]]:
    """Return the rows of runs that may be compared, by their basis."""
    result: dict[Basis, list[Any]] = {}
    for index, run in group["run"].items():
        same = next((basis_ for basis_ in result if basis_.key == bases[run].key), bases[run])
        result.setdefault(same, []).append(index)
    return result


def _without_common_tiles(runs: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, list[str]]:
    """Give runs in use without a tile in common different names of the dataset; return why as well."""
    names, sentences = runs["dataset"].copy(), []
    used = runs[runs["in use"] == "yes"]
    for (dataset, _), group in used.groupby(["dataset", "mask"]):
        first, *others = common_tiles.overlapping({run: set(tiles(tables[run])) for run in group["run"]})
        for number, part in enumerate(others, 2):
            names[runs["run"].isin(part)] = f"{dataset} (other tiles {number})"
            of_runs = f"{', '.join(part)} (no tile in common with {', '.join(first)})"
            sentences.append(f"dataset {dataset}: not compared with the other runs: {of_runs}.")
    return runs.assign(dataset=names), sentences


def _in_use(runs: pd.DataFrame, every_run: bool, leave_out: Collection[str], again_as: Mapping[str, str]) -> pd.Series:
    """Return the column ``in use``: "yes", or "no" with the reason."""
    ordered = runs.sort_values(["started", "run"])
    rest = ordered[~ordered["run"].isin({*leave_out, *again_as})]
    older = rest["run"][rest.duplicated(["dataset", "group", "seed"], keep="last")] if not every_run else ()
    reasons = dict.fromkeys(leave_out, "no: left out") | dict.fromkeys(older, "no: there is a newer one")
    reasons |= {name: f"no: the same run as {kept}" for name, kept in again_as.items()}
    return runs["run"].map(lambda run: reasons.get(run, "yes"))


def _labelled(used: pd.DataFrame, every_run: bool) -> pd.DataFrame:
    """Extend the column ``label``, of the model, by what distinguishes runs that have the same one."""
    labels = used["label"].copy()
    for _, group in used.groupby(["dataset", "mask", "label"]):
        if every_run and len(group) > 1:
            labels[group.index] = group[["label", "run"]].agg(" ".join, axis=1)
            continue
        kinds = [rows for _, rows in group.groupby("group", sort=False)]
        if len(kinds) > 1:
            for rows, words in zip(kinds, _distinctions(kinds), strict=True):
                labels[rows.index] = f"{rows['label'].iloc[0]} {words}"
    return used.assign(label=labels)


def _distinctions(kinds: Sequence[pd.DataFrame]) -> list[str]:
    """Return for each kind of run what distinguishes it: batch and loss, other settings, or the newest run."""
    first = [rows.iloc[0] for rows in kinds]
    columns = [column for column in ("batch", "loss") if len({row[column] for row in first}) > 1]
    words = [[str(row[column]) for column in columns] for row in first]
    if not _different(words):
        settings = [row["settings"] for row in first]
        keys = dict.fromkeys(key for one in settings for key in one if key not in IN_FACTS)
        differing = [key for key in keys if len({str(one.get(key)) for one in settings}) > 1]
        words = [
            [*parts, *(f"{key} {one.get(key)}" for key in differing)]
            for parts, one in zip(words, settings, strict=True)
        ]
    if not _different(words):
        words = [[rows.sort_values(["started", "run"])["run"].iloc[-1]] for rows in kinds]
    return [" ".join(parts) for parts in words]


def _different(words: Sequence[Sequence[str]]) -> bool:
    return len({tuple(parts) for parts in words}) == len(words)


def _long(run: Mapping[str, Any], table: pd.DataFrame, baseline: str = "") -> pd.DataFrame:
    """Return the scores of a run, or of a baseline in its CSV, with one row for each tile and metric."""
    columns = {column: parsed[0] for column in table if (parsed := metric_of(str(column))) and parsed[1] == baseline}
    values = table[list(columns)].rename(columns=columns).set_axis(tiles(table), axis=0)
    long = values.rename_axis("tile").reset_index().melt(id_vars="tile", var_name="metric", value_name="value")
    constants = {name: run[name] for name in [*FACTS, "run", "label"]} | {"baseline": bool(baseline)}
    constants["failed"] = "" if baseline else run["failed"]
    return long.assign(**constants)[[*constants, "tile", "metric", "value"]]


def _baselines(used: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the scores of the baselines of each dataset and mask, from the newest run that has them."""
    scores: dict[tuple[str, ...], pd.DataFrame] = {}
    for run in used.sort_values(["started", "run"], ascending=False).to_dict("records"):
        table = tables[run["run"]]
        for name in sorted({parsed[1] for column in table if (parsed := metric_of(str(column))) and parsed[1]}):
            row = run | {"model": name, "label": name, "loss": NONE, "batch": NONE}
            scores.setdefault((run["dataset"], run["mask"], name), _long(row, table, name))
    return list(scores.values())


def _remarks(used: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return a sentence for each failure, and for each difference in the tiles of one dataset and mask."""
    remarks = [f"{run['run']}: {run['failed']}." for run in used.to_dict("records") if run["failed"]]
    for (dataset, name), group in used.groupby(["dataset", "mask"]):
        sets = [set(tiles(tables[run])) for run in group["run"]]
        common = len(set.intersection(*sets))
        if common < max(map(len, sets)):
            remarks.append(
                f"dataset {dataset}, mask {name}: the runs were evaluated on different tiles; means are over those that"
                f" all have, {common} of {max(map(len, sets))}."
            )
    return remarks
