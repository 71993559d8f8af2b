"""The summary of an evaluation: statistics of its scores for the console and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics import LOWER_IS_BETTER, UNITS, WITHOUT_DIRECTION
from pix2earth.batches.pools import UNPAIRED

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from pix2earth.scoring.scorer import Scorer


def summary(table: pd.DataFrame, scorer: Scorer) -> list[dict[str, Any]]:
    """Return for each metric mean, median, 5th and 95th percentile, and of the baseline mean and median.

    All are over the samples on which both are defined; "undefined" counts the others. NaN where there are none. Where
    there are further baselines, "hardest" is the mean of the one that is hardest to beat by that metric.
    """
    import numpy as np

    baseline = scorer.baseline.name if scorer.baseline else None
    rows = []
    for name in scorer.measures:
        values = table[[name, *([f"{name}_{baseline}"] if baseline else [])]].to_numpy(float)
        defined = np.isfinite(values).all(axis=1)
        of_model, *of_baseline = values[defined].T
        row = {"metric": name, **_numbers(of_model, {"5 %": 5, "95 %": 95})}
        for each in of_baseline:
            numbers = _numbers(each, {})
            row |= {str(baseline): numbers["mean"], f"{baseline} median": numbers["median"]}
        rows.append(row | {"undefined": int((~defined).sum())} | hardest(table, name, scorer))
    return rows


def hardest(table: pd.DataFrame, measure: str, scorer: Scorer) -> dict[str, Any]:
    """Return name and mean of the baseline that is hardest to beat by a measure.

    Nothing is returned where there is none, or only the one that evaluations choose, which has columns of its own.

    Means are over the samples on which the prediction and all baselines are defined.
    """
    import numpy as np

    if not scorer.answers:
        return {}
    values = table[[measure, *(f"{measure}_{baseline}" for baseline in scorer.baselines)]].to_numpy(float)
    values = values[np.isfinite(values).all(axis=1), 1:]
    if not len(values) or measure.split(".")[0] in WITHOUT_DIRECTION:
        return {"hardest": float("nan"), "hardest baseline": "-"}
    means = values.mean(axis=0)
    best = int(means.argmin() if measure.split(".")[0] in LOWER_IS_BETTER else means.argmax())
    return {"hardest": float(means[best]), "hardest baseline": scorer.baselines[best]}


def _numbers(values: np.ndarray, percentiles: Mapping[str, float]) -> dict[str, float]:
    """Return mean, median and percentiles by name, NaN without values."""
    import numpy as np

    wanted = {"median": 50, **percentiles}
    if not len(values):
        return dict.fromkeys(("mean", *wanted), float("nan"))
    found = np.percentile(values, list(wanted.values()))
    return {"mean": float(values.mean()), **{name: float(one) for name, one in zip(wanted, found, strict=True)}}


def summarise(table: pd.DataFrame, scorer: Scorer, title: str) -> Any:
    """Return the ``summary`` as a printable table."""
    from rich.markup import escape
    from rich.table import Table

    printed = Table(title=title, title_justify="left")
    rows = summary(table, scorer)
    headings = list(rows[0]) if rows else ["metric"]
    for heading in headings:
        # On a narrow terminal the name of a baseline is wrapped before numbers are cut off.
        is_name = heading == "hardest baseline"
        printed.add_column(heading, justify="left" if heading == "metric" else "right", no_wrap=not is_name)
    for row in rows:
        name = row["metric"]
        unit = UNITS.get(name.split(".")[0], "")
        unit = scorer.target.units if unit == "data" else unit
        label = escape(f"{name} ({unit})" if unit not in ("", "1") else name)
        values = [row[heading] for heading in headings[1:]]
        printed.add_row(label, *(f"{value:.4g}" if isinstance(value, float) else str(value) for value in values))
    return printed


def as_json(table: pd.DataFrame, scorer: Scorer, split: str, step: int, path: Path) -> dict[str, Any]:
    """Return the summary of an evaluation as JSON; numbers that are not finite are null.

    Args:
        table: the scores.
        scorer: that computed them.
        split: of the samples.
        step: of the checkpoint.
        path: of the CSV.
    """
    scores = [
        {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
        for row in summary(table, scorer)
    ]
    return {
        "version": 1, "run": scorer.experiment.output.run_name, "dataset": scorer.dataset.manifest.name,
        "split": split, "step": step, "samples": len(table), "csv": str(path),
        "baseline": scorer.baseline.name if scorer.baseline else None, "failed": scorer.failed,
        "units": scorer.target.units, "paired": scorer.paired, "scores": scores, "of_set": scorer.of_set.as_json(),
    }  # fmt: skip


def without_scores(scorer: Scorer) -> str:
    """Return why there is no score of single samples."""
    return UNPAIRED if not scorer.paired else "no metric of single samples is named (metrics in experiment.json)"


def show(table: pd.DataFrame, scorer: Scorer, split: str, step: int, other: str | None) -> None:
    """Print the summary; ``other`` is the name of the dataset where it is not that of the run."""
    from rich.console import Console

    units, run = scorer.target.units, scorer.experiment.output.run_name
    title = f"{run}{f' on {other}' if other else ''}, step {step}: {len(table)} samples of {split}"
    title += f", data range {scorer.scale.data_range:g}" + (f" {units}" if units != "1" else "")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 150)  # written to a file, the table is not cut at 80 columns
    if scorer.measures:
        console.print(summarise(table, scorer, title))
    else:
        print(title, f"  {without_scores(scorer)}", sep="\n")
    for line in scorer.of_set.lines():
        print(line)
    if scorer.failed:
        print(f"{run}: {scorer.failed}: the model fails there, and means of the others are not its scores")
