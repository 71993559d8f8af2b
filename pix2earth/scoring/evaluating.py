"""Evaluation of a run: metrics of every sample of a split, written as CSV and printed as a summary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics import UNITS
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from pix2earth.batches.dataset import Dataset
    from pix2earth.scoring.scorer import Scorer


def evaluation_split(dataset: Dataset, requested: str | None) -> str:
    """Return the split to evaluate: the requested one; without a request test where the dataset has one, else val.

    Raises:
        UserError: the dataset has no such split.
    """
    split = requested or ("test" if dataset.has("test") else "val")
    if not dataset.has(split):
        raise UserError(f"{dataset.listing.folder}: has no samples in {split}/; use another --split")
    return split


def evaluate(scorer: Scorer, split: str, step: int, path: Path) -> pd.DataFrame:
    """Score every sample of a split and write the CSV; rows of other splits in it are kept.

    Returns:
        The rows of this split: index, tile, split, step, one column a metric, and the baseline's columns.
    """
    import pandas as pd

    from pix2earth.console.progress import tracked
    from pix2earth.settings import atomic

    names = scorer.dataset.names(split)
    rows = list(tracked(scorer.rows(split, names), f"evaluate {split}", len(names), "samples"))
    table = pd.DataFrame(rows, columns=["tile", *scorer.columns])
    table.insert(1, "split", split)
    table.insert(2, "step", step)
    all_splits = table
    if path.is_file():
        existing = pd.read_csv(path, index_col="index", dtype={"tile": str})
        others = existing[existing["split"] != split]
        all_splits = pd.concat([others, table], ignore_index=True) if len(others) else table
    with atomic.replacing(path) as temporary:
        all_splits.to_csv(temporary, index_label="index", lineterminator="\n")
    return table


def summarise(table: pd.DataFrame, scorer: Scorer, title: str) -> Any:
    """Return a printable table: mean, median, 5th and 95th percentile of each metric, and the baseline's mean."""
    import numpy as np
    from rich.table import Table

    from pix2earth.scoring.undefined import mean_of_finite

    summary = Table(title=title, title_justify="left")
    summary.add_column("metric", no_wrap=True)
    baseline = scorer.baseline[0] if scorer.baseline else None
    for heading in ("mean", "median", "5 %", "95 %", *([baseline] if baseline else []), "undefined"):
        summary.add_column(heading, justify="right", no_wrap=True)
    for name in scorer.measures:
        values = table[name].to_numpy(float)
        finite = values[np.isfinite(values)]
        numbers = [mean_of_finite(values), *(np.percentile(finite, [50, 5, 95]) if finite.size else [np.nan] * 3)]
        if baseline:
            numbers.append(mean_of_finite(table[f"{name}_{baseline}"]))
        unit = UNITS.get(name.split(".")[0], "")
        unit = scorer.target.units if unit == "data" else unit
        label = f"{name} ({unit})" if unit not in ("", "1") else name
        summary.add_row(label, *(f"{number:.4g}" for number in numbers), str(len(values) - len(finite)))
    return summary


def evaluate_and_show(scorer: Scorer, split: str, step: int) -> pd.DataFrame:
    """Evaluate a split with the networks of a step; print the summary and the path of the CSV."""
    from rich.console import Console

    output = scorer.experiment.output
    table = evaluate(scorer, split, step, output.evaluation)
    units = scorer.target.units
    title = f"{output.run_name}, step {step}: {len(table)} samples of {split}, data range {scorer.scale.data_range:g}"
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)  # written to a file, the table is not cut at 80 columns
    console.print(summarise(table, scorer, title + (f" {units}" if units != "1" else "")))
    print(output.evaluation)
    return table
