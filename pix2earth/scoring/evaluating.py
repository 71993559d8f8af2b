"""The metrics of every sample of a split, written as a CSV and shown as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics import UNITS
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from pix2earth.batches.dataset import Dataset
    from pix2earth.scoring.scorer import Scorer


def evaluation_split(dataset: Dataset, wanted: str | None) -> str:
    """Return the split to evaluate: as wanted, else test where the dataset has one, else val.

    Raises:
        UserError: the dataset does not have it.
    """
    split = wanted or ("test" if dataset.has("test") else "val")
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
    whole = table
    if path.is_file():
        before = pd.read_csv(path, index_col="index", dtype={"tile": str})
        others = before[before["split"] != split]
        whole = pd.concat([others, table], ignore_index=True) if len(others) else table
    with atomic.replacing(path) as temporary:
        whole.to_csv(temporary, index_label="index", lineterminator="\n")
    return table


def summarise(table: pd.DataFrame, scorer: Scorer, title: str) -> Any:
    """Return a rich table: mean, median, 5th and 95th percentile of each metric, and the baseline's mean."""
    import numpy as np
    from rich.table import Table

    from pix2earth.scoring.undefined import mean_of_finite

    shown = Table(title=title, title_justify="left")
    shown.add_column("metric", no_wrap=True)
    baseline = scorer.baseline[0] if scorer.baseline else None
    for heading in ("mean", "median", "5 %", "95 %", *([baseline] if baseline else []), "undefined"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for name in scorer.measures:
        values = table[name].to_numpy(float)
        finite = values[np.isfinite(values)]
        numbers = [mean_of_finite(values), *(np.percentile(finite, [50, 5, 95]) if finite.size else [np.nan] * 3)]
        if baseline:
            numbers.append(mean_of_finite(table[f"{name}_{baseline}"]))
        unit = UNITS.get(name.split(".")[0], "")
        unit = scorer.target.units if unit == "data" else unit
        label = f"{name} ({unit})" if unit not in ("", "1") else name
        shown.add_row(label, *(f"{number:.4g}" for number in numbers), str(len(values) - len(finite)))
    return shown


def evaluate_and_show(scorer: Scorer, split: str, step: int) -> pd.DataFrame:
    """Evaluate a split at a step, print the summary and where the CSV is."""
    from rich.console import Console

    output = scorer.experiment.output
    table = evaluate(scorer, split, step, output.evaluation)
    units = scorer.target.units
    title = f"{output.run_name}, step {step}: {len(table)} samples of {split}, data range {scorer.scale.data_range:g}"
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)  # in a file, numbers are worth more than the 80 columns of a terminal
    console.print(summarise(table, scorer, title + (f" {units}" if units != "1" else "")))
    print(output.evaluation)
    return table
