# Over 300 lines: files, settings, groups and scores of evaluated runs, read from top to bottom in this order.
"""Evaluated runs below an experiment root: their scores as one long table, and the settings of each run."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from metrics import ALL_METRICS
from pix2earth.runs import identity, provenance
from pix2earth.runs.folders import COMPARISON, EVALUATION, RunFolders
from pix2earth.scoring import basis, origins
from pix2earth.scoring.basis import Basis, reference_of
from pix2earth.scoring.failures import in_words
from pix2earth.settings.errors import UserError

FACTS = ["loss", "mask", "dataset", "model", "batch"]
"""Columns that describe a run, in the order of the file names of the original ARISGAN code."""

NONE = "-"
UNKNOWN = "?"
MISSING = ["", "nan", "NaN", "-nan", "NA", "N/A", "<NA>", "null", "None"]
"""Cells of a score that is undefined."""
IN_FACTS = frozenset({"dataset", "model_name", "batch_size", "seed"})
PUBLISHED_BATCH = "b16"
PUBLISHED_TIMESTAMP = re.compile(r"_\d{4}-\d{4}(-\d+)?$")


class Evaluations(NamedTuple):
    """Scores and settings of the evaluated runs.

    Attributes:
        scores: one row for each tile and metric of the runs in use: ``FACTS``, ``run``, ``label`` (the model, and what
            distinguishes runs of one dataset and mask that have the same model; runs that differ by their seed alone
            share a label), ``baseline`` (true for a baseline, false for a model), ``failed`` (the predictions of the
            run that fail, in words), ``tile``, ``metric``, ``value``. Runs that may not be compared have different
            names of the dataset, such as "demo (32 x 32 px)".
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
    rows = [_run_row(csv, splits[name], tables[name]) for name, csv in evaluated.items() if len(tables[name])]
    if not rows:
        of_split = f" of {split}" if split else ""
        raise UserError(
            f"{root / EVALUATION}: has no evaluated run{of_split}; evaluate one: python evaluate.py --exp NAME"
        )
    runs = pd.DataFrame(rows)
    bases = {name: evaluated[name].basis(splits[name]) for name in runs["run"]}
    runs, reasons = _separated(runs, bases)
    runs["in use"] = _in_use(runs, every_run, leave_out)
    used = _labelled(runs[runs["in use"] == "yes"], every_run)
    scores = [_long(run, tables[run["run"]]) for run in used.to_dict("records")] + _baselines(used, tables)
    overview = runs.drop(columns=["group", "settings"])
    overview = overview.sort_values(["dataset", "mask", "model", "started"], ignore_index=True)
    remarks = reasons + _remarks(used, tables)
    for run in used["run"]:
        remarks += [f"{run}: {remark}." for remark in evaluated[run].remarks(splits[run])]
    return Evaluations(pd.concat(scores, ignore_index=True), overview, remarks)


# ---- files -----------------------------------------------------------------------------------------------------


def files(root: Path) -> list[Path]:
    """Return the CSVs of the runs below an experiment root, sorted."""
    return sorted(path for path in (root / EVALUATION).glob("*.csv") if path.name != COMPARISON)


def run_files(root: Path) -> dict[Path, dict[str, Any]]:
    """Return the content of every ``run.json`` by the path of the run's CSV, which need not exist."""
    contents = {}
    for path in root.glob("**/logs/*/run.json"):
        run = provenance.load(path) or {}
        # An experiment that was moved or renamed may have been evaluated under both names.
        for name in (path.parents[2].relative_to(root).as_posix(), run["experiment"]):
            contents[RunFolders(root, name, run["timestamp"]).evaluation] = run
    return contents


def read(path: Path) -> pd.DataFrame:
    """Return the content of a run's CSV; names of tiles stay as they are, also "NA", "null" and "1e5".

    Raises:
        UserError: it cannot be read, or scores in it are not numbers.
    """
    try:
        columns = list(pd.read_csv(path, nrows=0).columns)
        text = [column for column in ("tile", "split") if column in columns]
        numbers = {column: MISSING for column in columns if column not in text}
        table = pd.read_csv(
            path, dtype=dict.fromkeys(text, str), na_values=numbers, keep_default_na=False, float_precision="round_trip"
        )
        metrics = [column for column in table.columns if metric_of(column)]
        return table.astype(dict.fromkeys(metrics, float))
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: cannot be read as CSV: {error}; evaluate the run again or remove the file") from None


class RunCsv(NamedTuple):
    """The CSV of a run, with what is recorded of its origin.

    Attributes:
        path: of the CSV.
        table: its content.
        origin: content of the file beside it, or None.
        run: content of ``run.json``, or None where it was not found.
    """

    path: Path
    table: pd.DataFrame
    origin: dict[str, Any] | None
    run: dict[str, Any] | None

    def splits(self) -> list[tuple[str, pd.DataFrame]]:
        """Return the rows of each split, indexed by sample; the name of the split is "" where the CSV has none."""
        if "split" not in self.table:
            return [("", self.table.set_axis(_tiles(self.table), axis=0))]
        parts = [(str(split), rows) for split, rows in self.table.groupby("split")]
        return [(split, rows.set_axis(_tiles(rows), axis=0)) for split, rows in parts]

    def entry(self, split: str) -> dict[str, Any] | None:
        """Return what the file beside the CSV records of a split; None where it was scored by a former version."""
        entry = (self.origin or {}).get("splits", {}).get(split, {})
        return entry if entry.get("identity") else None

    def basis(self, split: str) -> Basis:
        """Return what the scores of a split are based on."""
        if entry := self.entry(split):
            return basis.of_entry(entry, split)
        if self.run:
            metrics = {parsed[0] for column in self.table if (parsed := metric_of(str(column)))}
            return basis.of_former_run(self.run, split, metrics)
        return Basis(facts_of_name(self.path.stem)["dataset"], split)

    def identity(self, split: str) -> dict[str, Any] | None:
        """Return the identity of the run, as far as it was recorded."""
        if entry := self.entry(split):
            return entry["identity"]
        return identity.of_former_run(self.run) if self.run and "model_name" in self.run["settings"] else None

    def failed(self, split: str, samples: int) -> str:
        """Return the predictions that fail in words; "" where there are none, or where they were not counted."""
        return in_words((self.entry(split) or {}).get("failures", {}), samples)

    def remarks(self, split: str) -> list[str]:
        """Return what a reader of the scores has to know."""
        entry = self.entry(split) or {}
        selected = entry.get("selected_on")
        remarks = [f"the step was selected on {split}"] if selected == split else []
        return remarks + [f"differs: {line}" for line in entry.get("differences", [])]

    @property
    def experiment(self) -> str:
        """Name of the experiment, as far as it was recorded; else the name of the file."""
        return str((self.origin or self.run or {}).get("experiment", self.path.stem))

    @property
    def started(self) -> str:
        """When the run was started; where that was not recorded, when the CSV was written."""
        if self.origin and self.origin.get("started"):
            return str(self.origin["started"])
        if self.run and self.run["sessions"]:
            return str(self.run["sessions"][-1]["started"])
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC).isoformat(timespec="seconds")


def csvs(root: Path) -> list[RunCsv]:
    """Return the CSVs of all evaluated runs below an experiment root.

    Raises:
        UserError: one cannot be read, or does not belong to the file beside it.
    """
    runs = run_files(root)
    return [RunCsv(path, read(path), origins.load(path), runs.get(path)) for path in files(root)]


def metric_of(column: str) -> tuple[str, str] | None:
    """Return metric and baseline ("" for the model itself) of a CSV column, or None where it holds no score."""
    # The longest name decides: PSNR_aris is a metric, not the PSNR of a baseline "aris".
    metric = max((name for name in ALL_METRICS if f"{column}_".startswith(f"{name}_")), key=len, default=None)
    return None if metric is None else (metric, column[len(metric) + 1 :])


def ordered_metrics(metrics: Collection[str]) -> list[str]:
    """Return metrics in the order of the table of all metrics."""
    return [metric for metric in ALL_METRICS if metric in set(metrics)]


# ---- settings of a run -----------------------------------------------------------------------------------------


def facts(settings: Mapping[str, Any], losses: Collection[str] = ()) -> dict[str, str]:
    """Return the ``FACTS`` of a run.

    Args:
        settings: of its experiment.
        losses: names of the losses that ``train_step`` returned; empty: not recorded.
    """
    return {
        "loss": loss(settings.get("gen_loss", {}), losses),
        "mask": mask(settings.get("enforce_suffix"), settings.get("exclude_suffix")),
        "dataset": settings["dataset"],
        "model": settings["model_name"],
        "batch": f"b{settings.get('batch_size', UNKNOWN)}",
    }


def loss(weights: Mapping[str, float | None], losses: Collection[str] = ()) -> str:
    """Return the losses of the generator with their weights: "1 gan + 100 l1".

    Args:
        weights: the key ``gen_loss`` of the experiment.
        losses: names of the losses that ``train_step`` returned. Those of the discriminator and sums are left out, and
            those without a weight in ``gen_loss`` are named alone. Empty: not recorded, and all weights are taken to be
            in use.
    """
    chosen = {name: weight for name, weight in weights.items() if weight}
    terms = [name.removesuffix("_loss") for name in losses if "disc" not in name and "total" not in name]
    if terms:
        chosen = {name: weight for name, weight in chosen.items() if name in terms}
    own = [name for name in terms if name not in weights]
    parts = [f"{weight:g} {name.removeprefix('gen_')}" for name, weight in chosen.items()]
    return " + ".join([*parts, *(name.removeprefix("gen_") for name in own)]) or NONE


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


def _run_row(csv: RunCsv, split: str, table: pd.DataFrame) -> dict[str, Any]:
    """Return a run's row of the table of runs.

    Args:
        csv: of the run.
        split: the split that is summarised.
        table: its rows.
    """
    recorded, entry = csv.identity(split), csv.entry(split) or {}
    settings = identity.settings_of(recorded) if recorded else {}
    described = facts(settings, entry.get("losses", ())) if recorded else facts_of_name(csv.path.stem)
    step = _values(table, "step")
    steps = csv.run["settings"].get("steps") if csv.run else None
    # Of seeds the best steps differ; what they have in common is the number of steps that were trained.
    trained = step if steps is None or entry.get("selected_on") == "none" else str(steps)
    group = [identity.without_seed(recorded) if recorded else csv.path.stem.rpartition("_")[0], trained]
    return {
        "run": csv.path.stem,
        **described,
        "split": _values(table, "split"),
        "step": step,
        "tiles": len(table),
        "seed": settings.get("seed", UNKNOWN),
        "started": csv.started,
        "failed": csv.failed(split, len(table)),
        "group": "/".join([*group, *described.values()]),
        "settings": _flat({**settings, "steps": trained}),
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


def _in_use(runs: pd.DataFrame, every_run: bool, leave_out: Collection[str]) -> pd.Series:
    """Return the column ``in use``: "yes", or "no" with the reason."""
    ordered = runs.sort_values(["started", "run"])
    rest = ordered[~ordered["run"].isin(leave_out)]
    older = rest["run"][rest.duplicated(["dataset", "group", "seed"], keep="last")] if not every_run else ()
    reasons = dict.fromkeys(leave_out, "no: left out") | dict.fromkeys(older, "no: there is a newer one")
    return runs["run"].map(lambda run: reasons.get(run, "yes"))


def _labelled(used: pd.DataFrame, every_run: bool) -> pd.DataFrame:
    """Add the column ``label``: the model, with what distinguishes runs that have the same model."""
    labels = used["model"].copy()
    for _, group in used.groupby(["dataset", "mask", "model"]):
        if every_run and len(group) > 1:
            labels[group.index] = group[["model", "run"]].agg(" ".join, axis=1)
            continue
        kinds = [rows for _, rows in group.groupby("group", sort=False)]
        if len(kinds) > 1:
            for rows, words in zip(kinds, _distinctions(kinds), strict=True):
                labels[rows.index] = f"{rows['model'].iloc[0]} {words}"
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


# ---- scores ----------------------------------------------------------------------------------------------------


def _long(run: Mapping[str, Any], table: pd.DataFrame, baseline: str = "") -> pd.DataFrame:
    """Return the scores of a run, or of a baseline in its CSV, with one row for each tile and metric."""
    columns = {column: parsed[0] for column in table if (parsed := metric_of(str(column))) and parsed[1] == baseline}
    values = table[list(columns)].rename(columns=columns).set_axis(_tiles(table), axis=0)
    long = values.rename_axis("tile").reset_index().melt(id_vars="tile", var_name="metric", value_name="value")
    constants = {name: run[name] for name in [*FACTS, "run", "label"]} | {"baseline": bool(baseline)}
    constants["failed"] = "" if baseline else run["failed"]
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
    """Return a sentence for each failure, and for each difference in the tiles of one dataset and mask."""
    remarks = [f"{run['run']}: {run['failed']}." for run in used.to_dict("records") if run["failed"]]
    for (dataset, name), group in used.groupby(["dataset", "mask"]):
        if len({frozenset(_tiles(tables[run])) for run in group["run"]}) > 1:
            remarks.append(
                f"dataset {dataset}, mask {name}: the runs were evaluated on different tiles; compare.py uses the tiles"
                " that all have."
            )
    return remarks
