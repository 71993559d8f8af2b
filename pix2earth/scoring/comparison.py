"""Comparison of runs on the samples that they have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from metrics import ALL_METRICS, LOWER_IS_BETTER
from pix2earth.runs.folders import EVALUATION
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


class Run(NamedTuple):
    """One evaluated run.

    Attributes:
        name: ``<experiment>_<timestamp>``.
        dataset: name, fingerprint and split of the dataset.
        table: one row for each sample, columns as in the CSV.
    """

    name: str
    dataset: str
    table: pd.DataFrame


def load(root: Path, prefixes: Sequence[str]) -> list[Run]:
    """Return the evaluated runs below an experiment root whose experiment's name starts with one of the prefixes.

    A CSV without ``run.json``, as the original ARISGAN code writes it, has the dataset "?".

    Raises:
        UserError: there are none, or a CSV cannot be read.
    """
    from pix2earth.scoring import evaluations

    datasets = {path: _dataset(run["dataset"]) for path, run in evaluations.run_files(root).items()}
    runs = []
    for path in evaluations.files(root):
        if not path.stem.startswith(tuple(prefix.replace("/", "_") for prefix in prefixes)):
            continue
        for split, table in _tables(path).items():
            runs.append(Run(path.stem, f"{datasets.get(path, '?')} {split}".strip(), table))
    if not runs:
        of_prefixes = f" of {' or '.join(prefixes)}" if any(prefixes) else ""
        raise UserError(
            f"{root / EVALUATION}: has no evaluated run{of_prefixes}; evaluate one: python evaluate.py --exp NAME"
        )
    return runs


def _dataset(recorded: dict[str, str]) -> str:
    """Return a label of a dataset: its name and the first digits of its fingerprint."""
    return f"{recorded['name']} {recorded['fingerprint'][7:15]}"


def _tables(path: Path) -> dict[str, pd.DataFrame]:
    """Return the rows of each split of a CSV, indexed by sample."""
    from pix2earth.scoring import evaluations

    table = evaluations.read(path)
    key = "tile" if "tile" in table else table.columns[0]
    if "split" not in table:
        return {"": table.set_index(key)}
    return {str(split): rows.set_index(key) for split, rows in table.groupby("split")}


def compare(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the means of every metric over the samples that all runs of a dataset and split share.

    Returns:
        One row for each run and each baseline: dataset, run, samples, and a column for each metric.
    """
    import pandas as pd

    rows = []
    for dataset in dict.fromkeys(run.dataset for run in runs):
        group = [run for run in runs if run.dataset == dataset]
        common = set.intersection(*(set(run.table.index) for run in group))
        tables = {run.name: run.table.loc[sorted(common)] for run in group}
        for name, table in {**_baselines(tables), **tables}.items():
            metrics = [column for column in table.columns if column in ALL_METRICS]
            means = {metric: _mean(table[metric]) for metric in metrics}
            rows.append({"dataset": dataset, "run": name, "samples": len(common), **means})
    columns = [name for name in ALL_METRICS if any(name in row for row in rows)]
    frame = pd.DataFrame(rows, columns=["dataset", "run", "samples", *columns])
    best = next((name for name in ("PSNR", *columns) if name in columns), "run")
    return frame.sort_values(["dataset", best], ascending=[True, best in LOWER_IS_BETTER], ignore_index=True)


def _mean(values: pd.Series) -> float:
    from pix2earth.scoring.undefined import mean_of_finite

    return mean_of_finite(values.to_numpy(float))


def _baselines(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the columns ``<metric>_<baseline>`` of the first run that has them, as a table for each baseline."""
    import pandas as pd

    columns_of: dict[str, dict[str, pd.Series]] = {}
    for table in tables.values():
        for column in table.columns:
            metric, _, baseline = column.rpartition("_")  # a metric's own name may have an underscore
            if metric in ALL_METRICS and column not in ALL_METRICS:
                columns_of.setdefault(f"({baseline})", {}).setdefault(metric, table[column])
    return {name: pd.DataFrame(columns) for name, columns in columns_of.items()}


def show(frame: pd.DataFrame) -> None:
    """Print a table for each dataset and split, with the best value of each column in bold.

    Tables are as wide as their content, also on a narrow terminal: numbers are never cut.
    """
    from rich import box
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table

    unlimited = Console(width=1000)
    metrics = [column for column in frame.columns if column in ALL_METRICS]
    for dataset, rows in frame.groupby("dataset", sort=False):
        title = f"{dataset}: means over {rows['samples'].iloc[0]} common samples"
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("run", no_wrap=True)
        best = {name: rows[name].min() if name in LOWER_IS_BETTER else rows[name].max() for name in metrics}
        for name in metrics:
            table.add_column(name, justify="right", no_wrap=True)
        for _, row in rows.iterrows():
            cells = ["-" if row[name] != row[name] else f"{row[name]:.4g}" for name in metrics]
            marked = [
                f"[bold]{cell}[/]" if row[name] == best[name] else cell
                for name, cell in zip(metrics, cells, strict=True)
            ]
            table.add_row(row["run"], *marked)
        width = Measurement.get(unlimited, unlimited.options, table).maximum
        print(title)
        Console(highlight=False, width=width).print(table)
