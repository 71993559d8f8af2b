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


def scores(scorer: Scorer, split: str, step: int) -> pd.DataFrame:
    """Score every sample of a split.

    Returns:
        The rows of this split: tile, split, step, one column a metric, and the baseline's columns.
    """
    import pandas as pd

    from pix2earth.console.progress import tracked

    names = scorer.dataset.names(split)
    rows = list(tracked(scorer.rows(split, names), f"evaluate {split}", len(names), "samples"))
    table = pd.DataFrame(rows, columns=["tile", *scorer.columns])
    table.insert(1, "split", split)
    table.insert(2, "step", step)
    return table


def write(table: pd.DataFrame, scorer: Scorer, split: str, path: Path) -> None:
    """Write the scores of a split as CSV, and beside it what they belong to; rows of other splits are kept."""
    from pix2earth.scoring import origins

    origin = scorer.origin
    run = {}
    if origin:
        run = {"experiment": origin.experiment, "timestamp": origin.timestamp, "started": origin.started}
    origins.write(path, split, table.to_dict("records"), run, entry(scorer) if origin else None)


def entry(scorer: Scorer) -> dict[str, Any]:
    """Return what scores belong to, as ``<run>.csv.json`` holds it for a split.

    "identity" is that of the checkpoint, and "evaluated_on" the part "dataset" of the identity of what was scored.
    """
    import metrics
    from pix2earth.runs import identity

    origin, experiment = scorer.origin, scorer.experiment
    assert origin is not None
    versions: dict[str, int] = getattr(metrics, "VERSIONS", {})
    return {
        "step": origin.step,
        "checkpoint": origin.checkpoint,
        "identity": origin.identity,
        "evaluated_on": identity.dataset(scorer.dataset.listing),
        "metrics": {name: versions.get(name, 1) for name in scorer.names},
        "scale": {
            "data_range": scorer.scale.data_range, "units": scorer.target.units, "height": experiment.IMG_HEIGHT,
            "width": experiment.IMG_WIDTH, "normalize": experiment.NORMALIZE,
        },
        "selected_on": origin.selected_on,
        "differences": list(origin.differences),
        "losses": list(origin.losses),
        "failures": dict(getattr(scorer, "failures", {})),
    }  # fmt: skip


def evaluate(scorer: Scorer, split: str, step: int, path: Path) -> pd.DataFrame:
    """Score every sample of a split and write the CSV; rows of other splits in it are kept.

    Returns:
        The rows of this split, as ``scores`` returns them.
    """
    table = scores(scorer, split, step)
    write(table, scorer, split, path)
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
    """Evaluate a split with the networks of a step; print the summary and the path of the CSV.

    Raises:
        OSError: the CSV cannot be written; the summary is printed before that.
    """
    from rich.console import Console

    output = scorer.experiment.output
    table = scores(scorer, split, step)
    units = scorer.target.units
    title = f"{output.run_name}, step {step}: {len(table)} samples of {split}, data range {scorer.scale.data_range:g}"
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)  # written to a file, the table is not cut at 80 columns
    console.print(summarise(table, scorer, title + (f" {units}" if units != "1" else "")))
    write(table, scorer, split, output.evaluation)
    print(output.evaluation)
    return table
