"""Evaluated runs below an experiment root: their scores as one long table, and the settings of each run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from metrics import ALL_METRICS
from pix2earth.runs import provenance
from pix2earth.runs.folders import COMPARISON, EVALUATION, RunFolders
from pix2earth.settings.errors import UserError

FACTS = ["loss", "mask", "dataset", "model", "batch"]
"""Columns that describe a run, in the order of the file names of the original ARISGAN code."""

NONE = "-"
UNKNOWN = "?"
PUBLISHED_BATCH = "b16"
PUBLISHED_TIMESTAMP = re.compile(r"_\d{4}-\d{4}(-\d+)?$")


class Evaluations(NamedTuple):
    """Scores and settings of the evaluated runs.

    Attributes:
        scores: one row for each tile and metric of the runs in use: ``FACTS``, ``run``, ``label`` (the model, and
            loss, batch or run where several runs of one dataset and mask have the same model), ``baseline`` (true for
            a baseline, false for a model), ``tile``, ``metric``, ``value``.
        runs: one row for each run: ``run``, ``FACTS``, ``split``, ``step``, ``tiles``, ``started``, ``in use``.
        remarks: one sentence for each difference that makes runs of one dataset and mask hard to compare.
    """

    scores: pd.DataFrame
    runs: pd.DataFrame
    remarks: list[str]


def load(
    root: Path, *, split: str | None = None, every_run: bool = False, leave_out: Collection[str] = ()
) -> Evaluations:
    """Read every CSV of an experiment root.

    Args:
        root: the experiment root.
        split: "val" or "test"; None: for each run test where it was evaluated, else val.
        every_run: use all runs whose ``FACTS`` are equal; otherwise only the newest of them.
        leave_out: names of runs, ``<experiment>_<timestamp>``, that are not to be used.

    Raises:
        UserError: there is no evaluated run, or a file is damaged.
    """
    run_contents = run_files(root)
    tables = {path.stem: _rows_of_split(read(path), split) for path in files(root)}
    rows = [_run_row(path, run_contents.get(path), tables[path.stem]) for path in files(root)]
    runs = pd.DataFrame([row for row in rows if len(tables[row["run"]])])
    if runs.empty:
        of_split = f" of {split}" if split else ""
        raise UserError(
            f"{root / EVALUATION}: has no evaluated run{of_split}; evaluate one: python evaluate.py --exp NAME"
        )
    runs["in use"] = _in_use(runs, every_run, leave_out)
    used = _labelled(runs[runs["in use"] == "yes"])
    scores = [_long(run, tables[run["run"]]) for run in used.to_dict("records")] + _baselines(used, tables)
    overview = runs.drop(columns="version").sort_values(["dataset", "mask", "model", "started"], ignore_index=True)
    return Evaluations(pd.concat(scores, ignore_index=True), overview, _remarks(used, tables))


# ---- files -----------------------------------------------------------------------------------------------------


def files(root: Path) -> list[Path]:
    """Return the CSVs of the runs below an experiment root, sorted."""
    return sorted(path for path in (root / EVALUATION).glob("*.csv") if path.name != COMPARISON)


def run_files(root: Path) -> dict[Path, dict[str, Any]]:
    """Return the content of every ``run.json`` by the path of the run's CSV, which need not exist."""
    contents = {}
    for path in root.glob("**/logs/*/run.json"):
        run = provenance.load(path) or {}
        contents[RunFolders(root, run["experiment"], run["timestamp"]).evaluation] = run
    return contents


def read(path: Path) -> pd.DataFrame:
    """Return the content of a run's CSV.

    Raises:
        UserError: it cannot be read, or scores in it are not numbers.
    """
    try:
        table = pd.read_csv(path, dtype={"tile": str})
        metrics = [column for column in table.columns if metric_of(column)]
        return table.astype(dict.fromkeys(metrics, float))
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: cannot be read as CSV: {error}; evaluate the run again or remove the file") from None


def metric_of(column: str) -> tuple[str, str] | None:
    """Return metric and baseline ("" for the model itself) of a CSV column, or None where it holds no score."""
    # The longest name decides: PSNR_aris is a metric, not the PSNR of a baseline "aris".
    metric = max((name for name in ALL_METRICS if f"{column}_".startswith(f"{name}_")), key=len, default=None)
    return None if metric is None else (metric, column[len(metric) + 1 :])


def ordered_metrics(metrics: Collection[str]) -> list[str]:
    """Return metrics in the order of the table of all metrics."""
    return [metric for metric in ALL_METRICS if metric in set(metrics)]


# ---- settings of a run -----------------------------------------------------------------------------------------


def facts(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return the ``FACTS`` of a run, from its settings."""
    weights = {name.removeprefix("gen_"): weight for name, weight in settings.get("gen_loss", {}).items() if weight}
    return {
        "loss": " + ".join(f"{weight:g} {name}" for name, weight in weights.items()) or NONE,
        "mask": mask(settings.get("enforce_suffix"), settings.get("exclude_suffix")),
        "dataset": settings["dataset"],
        "model": settings["model_name"],
        "batch": f"b{settings.get('batch_size', UNKNOWN)}",
    }


def mask(enforced: str | None, excluded: str | None) -> str:
    """Return a name for the tiles that a run uses, as the original ARISGAN code names them.

    Args:
        enforced: the suffix that names of tiles must have, such as "notinmask", or None.
        excluded: the suffix that they must not have, or None.

    Returns:
        "notinmask" where that is enforced, "inmask" where it is excluded, "all" without both.
    """
    parts = [enforced.strip("_")] if enforced else []
    if excluded:
        name = excluded.strip("_")
        parts.append(name.removeprefix("not") if name.startswith("not") else f"not{name}")
    return "-".join(parts) or "all"


def facts_of_name(name: str) -> dict[str, str]:
    """Return the ``FACTS`` in a file name of the original ARISGAN code: loss, mask, dataset, model[, batch].

    A name with fewer parts is used as the name of the model.
    """
    name = PUBLISHED_TIMESTAMP.sub("", name)
    parts = name.split("_")
    if len(parts) < 4:
        return dict.fromkeys(FACTS, UNKNOWN) | {"model": name}
    has_batch = len(parts) > 4 and re.fullmatch(r"b\d+", parts[-1])
    batch = parts.pop() if has_batch else PUBLISHED_BATCH
    return dict(zip(FACTS, [*parts[:3], "_".join(parts[3:]), batch], strict=True))


def _run_row(path: Path, run: Mapping[str, Any] | None, table: pd.DataFrame) -> dict[str, Any]:
    """Return a run's row of the table of runs.

    Args:
        path: of the CSV.
        run: content of ``run.json``, or None.
        table: content of the CSV.
    """
    has_settings = run is not None and "model_name" in run["settings"]
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    sessions = run["sessions"] if run else []
    return {
        "run": path.stem,
        **(facts(run["settings"]) if run is not None and has_settings else facts_of_name(path.stem)),
        "split": _values(table, "split"),
        "step": _values(table, "step"),
        "tiles": len(table),
        "started": sessions[-1]["started"] if sessions else written,
        "version": run["dataset"].get("fingerprint", UNKNOWN) if run else UNKNOWN,
    }


def _values(table: pd.DataFrame, column: str) -> str:
    """Return the different values of a column as a text (usually one value), or "?" where the CSV lacks it."""
    return ", ".join(map(str, table[column].unique())) if column in table else UNKNOWN


def _rows_of_split(table: pd.DataFrame, requested: str | None) -> pd.DataFrame:
    """Return the rows of one split; all rows where the CSV has no column ``split``."""
    if "split" not in table:
        return table
    split = requested or ("test" if (table["split"] == "test").any() else "val")
    return table[table["split"] == split]


def _in_use(runs: pd.DataFrame, every_run: bool, leave_out: Collection[str]) -> pd.Series:
    """Return the column ``in use``: "yes", or "no" with the reason."""
    ordered = runs.sort_values(["started", "run"])
    rest = ordered[~ordered["run"].isin(leave_out)]
    older = rest["run"][rest.duplicated(FACTS, keep="last")] if not every_run else ()
    reasons = dict.fromkeys(leave_out, "no: left out") | dict.fromkeys(older, "no: there is a newer one")
    return runs["run"].map(lambda run: reasons.get(run, "yes"))


def _labelled(used: pd.DataFrame) -> pd.DataFrame:
    """Add the column ``label``: the model, with loss, batch or run where several runs have the same model."""
    labels = used["model"].copy()
    for _, group in used.groupby(["dataset", "mask", "model"]):
        differing = [column for column in ("batch", "loss") if group[column].nunique() > 1]
        if group.duplicated(differing or ["model"]).any():
            differing = ["run"]
        if len(group) > 1:
            labels[group.index] = group[["model", *differing]].agg(" ".join, axis=1)
    return used.assign(label=labels)


# ---- scores ----------------------------------------------------------------------------------------------------


def _long(run: Mapping[str, Any], table: pd.DataFrame, baseline: str = "") -> pd.DataFrame:
    """Return the scores of a run, or of a baseline in its CSV, with one row for each tile and metric."""
    columns = {column: parsed[0] for column in table if (parsed := metric_of(str(column))) and parsed[1] == baseline}
    values = table[list(columns)].rename(columns=columns).set_axis(_tiles(table), axis=0)
    long = values.rename_axis("tile").reset_index().melt(id_vars="tile", var_name="metric", value_name="value")
    constants = {name: run[name] for name in [*FACTS, "run", "label"]} | {"baseline": bool(baseline)}
    return long.assign(**constants)[[*constants, "tile", "metric", "value"]]


def _tiles(table: pd.DataFrame) -> pd.Index:
    """Return the names of the tiles in a CSV, or their numbers where it has no names."""
    return pd.Index(table["tile" if "tile" in table else table.columns[0]].astype(str))


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
    """Return a sentence for each difference in the data that runs of one dataset and mask were evaluated on."""
    remarks = []
    for (dataset, name), group in used.groupby(["dataset", "mask"]):
        place = f"dataset {dataset}, mask {name}"
        if group["version"].nunique() > 1:
            remarks.append(f"{place}: the runs have read different versions of the dataset.")
        if len({frozenset(_tiles(tables[run])) for run in group["run"]}) > 1:
            remarks.append(
                f"{place}: the runs were evaluated on different tiles; compare.py uses the tiles that all have."
            )
        if group["split"].nunique() > 1:
            remarks.append(f"{place}: the runs were evaluated on different splits.")
    return remarks
