"""Comparison of runs: means over the samples on which all of them are defined, a table for each basis of scores.

Runs are in one table only if their scores have the same basis (``basis.py``) and if they have samples in common. A
table states why its runs are not in that of others. A run with predictions that fail is neither the first of a table
nor has it the best value of a column, and its samples do not decide over which samples the others are averaged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from metrics import LOWER_IS_BETTER
from pix2earth.runs.folders import EVALUATION
from pix2earth.scoring.basis import Basis, reference_of
from pix2earth.scoring.tables.columns import base_of, is_score, ordered_scores, score_and_baseline
from pix2earth.scoring.tables.common_tiles import overlapping
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from pix2earth.scoring.tables.csv_files import RunCsv

ERRORS = ("RMSE", "MAE", "PSNR")
"""Metrics that are defined wherever target and prediction are finite."""


class Run(NamedTuple):
    """One evaluated split of a run.

    Attributes:
        name: ``<experiment>_<timestamp>``.
        basis: what the scores are based on.
        table: one row for each sample, columns as in the CSV.
        failed: predictions that fail, in words; "" where there are none.
        remarks: what else a reader has to know.
        facts: a row of the table of runs, as ``evaluations.run_row`` returns it.
        files: its CSV, with what is recorded beside it; None: unknown.
    """

    name: str
    basis: Basis
    table: pd.DataFrame
    failed: str = ""
    remarks: Sequence[str] = ()
    facts: Mapping[str, Any] = MappingProxyType({})
    files: RunCsv | None = None


class Group(NamedTuple):
    """Runs that may be compared.

    Attributes:
        title: dataset, first digits of its fingerprint, split, and what distinguishes it from groups of that title.
        reason: why the runs are not in the table of another group; "" where nothing is to be explained.
        runs: the runs.
    """

    title: str
    reason: str
    runs: list[Run]


def load(root: Path, prefixes: Sequence[str]) -> list[Run]:
    """Return the evaluated runs below an experiment root whose experiment's name starts with one of the prefixes.

    A CSV without a record of its origin, as the original ARISGAN code writes it, is compared with its like only.

    Raises:
        UserError: there are none, or a CSV cannot be read or does not belong to the file beside it.
    """
    from pix2earth.scoring.tables.csv_files import csvs
    from pix2earth.scoring.tables.evaluations import run_row
    from pix2earth.scoring.tables.repetitions import repeated

    of_files = [prefix.replace("/", "_") for prefix in prefixes]  # of files of which nothing else is recorded
    chosen = [
        csv
        for csv in csvs(root)
        if csv.experiment.startswith(tuple(prefixes)) or csv.path.stem.startswith(tuple(of_files))
    ]
    again = repeated([(csv, split) for csv in chosen for split, _ in csv.splits()])
    runs = []
    for csv in chosen:
        for split, table in csv.splits():
            name = csv.path.stem
            if (name, split) in again:
                continue
            others = [other for (other, of_split), kept in again.items() if (kept, of_split) == (name, split)]
            remarks = csv.remarks(split) + [f"the same run as {other}.csv, counted once" for other in others]
            facts = run_row(csv, split, table)
            runs.append(Run(name, csv.basis(split), table, csv.failed(split, len(table)), remarks, facts, csv))
    if not runs:
        of_prefixes = f" of {' or '.join(prefixes)}" if any(prefixes) else ""
        raise UserError(
            f"{root / EVALUATION}: has no evaluated run{of_prefixes}; evaluate one: python evaluate.py --exp NAME"
        )
    return runs


# ---- runs that may be compared -------------------------------------------------------------------------------------


def groups(runs: Sequence[Run]) -> list[Group]:
    """Return the runs in groups that may be compared, those of one dataset one after the other."""
    result: list[Group] = []
    for name in dict.fromkeys(run.basis.dataset for run in sorted(runs, key=lambda run: run.basis.title)):
        of_dataset = [run for run in runs if run.basis.dataset == name]
        # A dataset that was renamed is compared with its records under the other name.
        of_dataset = [run for run in of_dataset if not _placed(run, result)]
        bases = {run.basis.key: run.basis for run in of_dataset}
        if not bases:
            continue
        first = reference_of([run.basis for run in of_dataset])
        for key, basis in sorted(bases.items(), key=lambda item: (item[0] != first.key, item[1].title)):
            members = [run for run in runs if run.basis.key == key]
            reasons = basis.differences(first)
            title = basis.title
            if any(group.title == title for group in result):
                title = f"{title}, {', '.join(reasons)}"
            reason = f"not compared with {first.title}: {'; '.join(reasons.values())}" if reasons else ""
            result += _overlapping(Group(title, reason, members))
    return result


def _placed(run: Run, result: Sequence[Group]) -> bool:
    return any(other.basis.key == run.basis.key for group in result for other in group.runs)


def _overlapping(group: Group) -> Iterator[Group]:
    """Yield the runs of a group in parts that have samples in common."""
    parts = overlapping({run.name: set(run.table.index) for run in group.runs})
    for number, names in enumerate(parts, 1):
        members = [run for run in group.runs if run.name in names]
        if number == 1:
            yield group._replace(runs=members)
        else:
            reason = f"no sample in common with {', '.join(parts[0])}"
            yield Group(f"{group.title}, other samples ({number})", reason, members)


# ---- means ---------------------------------------------------------------------------------------------------------


class SharedScores(NamedTuple):
    """Scores of the runs of a group on the samples that all have.

    Attributes:
        tiles: names of the samples, sorted.
        tables: scores of each run by its name, and of each baseline by its name in brackets, indexed by sample.
        baselines: names of the baselines.
        failed: predictions of each run that fail, in words; "" where there are none.
        defined: by score, the samples over which it is averaged, bool (sample,): all runs that have it are defined
            there. Runs that fail do not decide, unless all do.
    """

    tiles: list[str]
    tables: dict[str, pd.DataFrame]
    baselines: list[str]
    failed: dict[str, str]
    defined: dict[str, np.ndarray]


def shared_scores(group: Group) -> SharedScores:
    """Return the scores of a group on the samples that all of its runs have."""
    common = sorted(set.intersection(*(set(run.table.index) for run in group.runs)))
    tables = {run.name: run.table.loc[common] for run in group.runs}
    baselines = _baselines(tables)
    together = {**baselines, **tables}
    failed = {run.name: run.failed or _failed(tables[run.name], list(together.values())) for run in group.runs}
    sound = [name for name in tables if not failed[name]] or list(tables)
    decisive = [*(tables[name] for name in sound), *baselines.values()]
    scores = dict.fromkeys(score for table in together.values() for score in filter(is_score, table.columns))
    defined = {score: _defined(score, decisive, len(common)) for score in scores}
    return SharedScores(common, together, list(baselines), failed, defined)


def _defined(score: str, decisive: Sequence[pd.DataFrame], samples: int) -> np.ndarray:
    """Return the samples where a score is defined in all tables that have it, bool (sample,)."""
    columns = [table[score].to_numpy(float) for table in decisive if score in table]
    finite = np.isfinite(np.reshape(columns, (len(columns), samples)))
    return np.asarray(finite.all(axis=0))


def compare(runs: Sequence[Run], measure: str | None = None) -> pd.DataFrame:
    """Return mean and median of every metric over the samples on which all runs that may be compared are defined.

    Args:
        runs: the runs.
        measure: the score by which they are sorted; None: PSNR, else the first one.

    Returns:
        One row for each run and each baseline: "dataset" (the title of the group), "run", "samples" (that all have), a
        column for each metric, ``<metric>.median``, ``<metric>.samples`` (on which all are defined), "failed",
        "remarks", and "reason" (why it is not in another table). Runs that fail come last.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    for group in groups(runs):
        rows += _ordered(_rows(group), measure)
    scores = ordered_scores(name for row in rows for name in row)
    # Means first, in the order of former versions, for scripts that read the file.
    statistics = [f"{name}{suffix}" for suffix in ("", ".median", ".samples") for name in scores]
    return pd.DataFrame(rows, columns=["dataset", "run", "samples", *statistics, "failed", "remarks", "reason"])


def _rows(group: Group) -> list[dict[str, Any]]:
    """Return the rows of one table."""
    shared = shared_scores(group)
    remarks = {run.name: "; ".join(run.remarks) for run in group.runs}
    rows = []
    for name, table in shared.tables.items():
        row = {
            "dataset": group.title, "run": name, "samples": len(shared.tiles), "failed": shared.failed.get(name, ""),
            "remarks": remarks.get(name, ""), "reason": group.reason,
        }  # fmt: skip
        for score in filter(is_score, table.columns):
            row |= _statistics(score, table, shared.defined[score])
        rows.append(row)
    return rows


def _statistics(score: str, table: pd.DataFrame, defined: np.ndarray) -> dict[str, float]:
    """Return mean, median and number of samples of one score.

    Args:
        score: a column of the table.
        table: scores of one run.
        defined: which samples are used.
    """
    values = table[score].to_numpy(float)[defined]
    # A mean over fewer samples than those of the others could not be compared with theirs.
    usable = len(values) > 0 and bool(np.isfinite(values).all())
    mean, median = (float(values.mean()), float(np.median(values))) if usable else (np.nan, np.nan)
    return {score: mean, f"{score}.median": median, f"{score}.samples": int(defined.sum())}


def _failed(table: pd.DataFrame, others: Sequence[pd.DataFrame]) -> str:
    """Return the predictions that failed, in words, where the evaluation did not count them.

    The error of a finite prediction is defined wherever that of another run is.
    """
    for metric in ERRORS:
        if metric in table:
            values = table[metric].to_numpy(float)
            elsewhere = [other[metric].to_numpy(float) for other in others if metric in other]
            undefined = np.isnan(values) | (values == (-np.inf if metric == "PSNR" else np.inf))
            count = int((undefined & np.any([np.isfinite(other) for other in elsewhere], axis=0)).sum())
            return f"{count} of {len(values)} predictions are not finite" if count else ""
    return ""


def _ordered(rows: list[dict[str, Any]], measure: str | None) -> list[dict[str, Any]]:
    """Return the rows of a table, best first; runs that fail are the last."""
    best = measure_of({name for row in rows for name in row}, measure)

    def key(row: Mapping[str, Any]) -> tuple[bool, bool, float]:
        value = row.get(best, np.nan) if best else np.nan
        return bool(row["failed"]), bool(np.isnan(value)), value if base_of(best or "") in LOWER_IS_BETTER else -value

    return sorted(rows, key=key)


def measure_of(names: Collection[str], measure: str | None) -> str | None:
    """Return the score by which runs are sorted: the stated one, else PSNR, else the first; None where there is none.

    Args:
        names: columns of a table.
        measure: the stated one; it is ignored in a table that lacks it.
    """
    scores = ordered_scores(names)
    return next((name for name in (measure, "PSNR", *scores) if name in scores), None)


def _baselines(tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the columns ``<score>_<baseline>`` of the first run that has them, as a table for each baseline."""
    import pandas as pd

    columns_of: dict[str, dict[str, pd.Series]] = {}
    for table in tables.values():
        for column in table.columns:
            if (parsed := score_and_baseline(column)) and parsed[1]:
                columns_of.setdefault(f"({parsed[1]})", {}).setdefault(parsed[0], table[column])
    return {name: pd.DataFrame(columns) for name, columns in columns_of.items()}
