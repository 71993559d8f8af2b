"""The CSVs of evaluated runs: their content, and what is recorded of their origin."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from metrics import ALL_METRICS
from pix2earth.batches.pools import UNPAIRED
from pix2earth.runs import former_runs, identity, provenance
from pix2earth.runs.folders import COMPARISON, EVALUATION, RunFolders
from pix2earth.scoring import basis, origins
from pix2earth.scoring.basis import Basis
from pix2earth.scoring.failures import in_words
from pix2earth.scoring.tables.columns import is_score
from pix2earth.scoring.tables.facts import facts_of_name
from pix2earth.settings.errors import UserError

MISSING = ["", "nan", "NaN", "-nan", "NA", "N/A", "<NA>", "null", "None"]
"""Cells of a score that is undefined."""


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
            return [("", self.table.set_axis(tiles(self.table), axis=0))]
        parts = [(str(split), rows) for split, rows in self.table.groupby("split")]
        return [(split, rows.set_axis(tiles(rows), axis=0)) for split, rows in parts]

    def entry(self, split: str) -> dict[str, Any] | None:
        """Return what the file beside the CSV records of a split; None where it was scored by a former version."""
        entry = (self.origin or {}).get("splits", {}).get(split, {})
        return entry if entry.get("identity") else None

    def basis(self, split: str) -> Basis:
        """Return what the scores of a split are based on."""
        if entry := self.entry(split):
            return basis.of_entry(entry, split)
        if self.run and self.other is None:
            metrics = {parsed[0] for column in self.table if (parsed := metric_of(str(column)))}
            return basis.of_former_run(self.run, split, metrics)
        return Basis(facts_of_name(self.path.stem)["dataset"], split)

    def identity(self, split: str) -> dict[str, Any] | None:
        """Return the identity of the run, as far as it was recorded."""
        if entry := self.entry(split):
            return entry["identity"]
        return former_runs.of_former_run(self.run) if self.run and "model_name" in self.run["settings"] else None

    def failed(self, split: str, samples: int) -> str:
        """Return the predictions that fail in words; "" where there are none, or where they were not counted."""
        return in_words((self.entry(split) or {}).get("failures", {}), samples)

    def remarks(self, split: str) -> list[str]:
        """Return what a reader of the scores has to know."""
        entry = self.entry(split) or {}
        if self.other is not None:
            return self._remarks_on_other(split)
        selected = entry.get("selected_on")
        remarks = [f"the step was selected on {split}"] if selected == split else []
        return (
            remarks + self._without_scores(split, entry) + [f"differs: {line}" for line in entry.get("differences", [])]
        )

    def _remarks_on_other(self, split: str) -> list[str]:
        entry, settings = self.entry(split) or {}, identity.settings_of(self.identity(split) or {})
        remarks = [f"trained on {settings.get('dataset', 'another dataset')}"]
        if seen := entry.get("seen_in_training"):
            remarks.append(f"{seen} of the samples share ground with training samples")
        return (
            remarks + self._without_scores(split, entry) + [f"differs: {line}" for line in entry.get("differences", [])]
        )

    def _without_scores(self, split: str, entry: Mapping[str, Any]) -> list[str]:
        """Return why a split has no score of single samples, and the figures of the set of them; [] where it has."""
        rows = dict(self.splits()).get(split)
        if rows is None or entry.get("metrics") != {} or rows[list(filter(is_score, rows))].notna().any(axis=None):
            return []
        figures = [
            f"{row['metric']} {row['value']:.4g}" for row in entry.get("of_set", []) if row.get("value") is not None
        ]
        reason = "no scores: no metric was named" if entry.get("paired", True) else f"no scores: {UNPAIRED}"
        return [": ".join([reason, *filter(None, [", ".join(figures)])])]

    @property
    def other(self) -> str | None:
        """Name of the dataset that was scored; None where it is the run's own."""
        return (self.origin or {}).get("dataset")

    @property
    def experiment(self) -> str:
        """Name of the experiment, as far as it was recorded; else the name of the file."""
        return str((self.origin or self.run or {}).get("experiment", self.path.stem))

    @property
    def timestamp(self) -> str:
        """Timestamp of the run, as far as it was recorded; else the end of the file's name."""
        return str((self.origin or self.run or {}).get("timestamp", self.path.stem.rpartition("_")[2]))

    @property
    def checkpoints(self) -> Path:
        """The folder of the run's checkpoints under the name by which it was evaluated."""
        return RunFolders(self.path.parents[1], self.experiment, self.timestamp).checkpoints

    @property
    def started_first(self) -> str | None:
        """When the first process of the run started; None where that was not recorded."""
        sessions = (self.run or {}).get("sessions") or [{}]
        return (self.origin or {}).get("started") or sessions[0].get("started")

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
    return [_opened(root, path, runs) for path in files(root)]


def _opened(root: Path, path: Path, runs: Mapping[Path, dict[str, Any]]) -> RunCsv:
    """Return a CSV with what is recorded; scores on another dataset belong to the run that the file beside it names."""
    origin = origins.load(path)
    own = path
    if origin and "dataset" in origin:
        own = RunFolders(root, origin["experiment"], origin["timestamp"]).evaluation
    return RunCsv(path, read(path), origin, runs.get(own))


def metric_of(column: str) -> tuple[str, str] | None:
    """Return metric and baseline ("" for the model itself) of a CSV column, or None where it holds no score."""
    # The longest name decides: PSNR_aris is a metric, not the PSNR of a baseline "aris".
    metric = max((name for name in ALL_METRICS if f"{column}_".startswith(f"{name}_")), key=len, default=None)
    return None if metric is None else (metric, column[len(metric) + 1 :])


def ordered_metrics(metrics: Collection[str]) -> list[str]:
    """Return metrics in the order of the table of all metrics."""
    return [metric for metric in ALL_METRICS if metric in set(metrics)]


def tiles(table: pd.DataFrame) -> pd.Index:
    """Return the names of the tiles in a CSV, or their numbers where it has no names."""
    return pd.Index(table["tile" if "tile" in table else table.columns[0]].astype(str))
