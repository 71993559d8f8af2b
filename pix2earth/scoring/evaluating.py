"""Evaluation of a run: metrics of every sample of a split, written as CSV and printed as a summary."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics import LOWER_IS_BETTER, UNITS
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from pix2earth.batches.dataset import Dataset
    from pix2earth.scoring.other_dataset import OtherDataset
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


def write(
    table: pd.DataFrame, scorer: Scorer, split: str, path: Path, other: str | None = None, seen: int | None = None
) -> None:
    """Write the scores of a split as CSV, and beside it what they belong to; rows of other splits are kept.

    Args:
        table: rows of the split.
        scorer: that computed them.
        split: of the samples.
        path: of the CSV.
        other: name of the dataset where it is not that of the run.
        seen: number of samples that show ground of its training samples; None: not known.
    """
    from pix2earth.scoring import origins

    origin, run, of_split = scorer.origin, {}, None
    if origin:
        run = {"experiment": origin.experiment, "timestamp": origin.timestamp, "started": origin.started}
        of_split = entry(scorer)
    if other:
        run, of_split = run | {"dataset": other}, of_split and of_split | {"seen_in_training": seen}
    origins.write(path, split, table.to_dict("records"), run, of_split)


def entry(scorer: Scorer) -> dict[str, Any]:
    """Return what scores belong to, as ``<run>.csv.json`` holds it for a split.

    "identity" is that of the checkpoint, and "evaluated_on" the part "dataset" of the identity of what was scored.
    """
    import metrics
    from pix2earth.runs import identity
    from pix2earth.scoring import basis

    origin, experiment = scorer.origin, scorer.experiment
    assert origin is not None
    versions: dict[str, int] = getattr(metrics, "VERSIONS", {})
    evaluated_on = identity.dataset(scorer.dataset.listing)
    return {
        "step": origin.step,
        "checkpoint": origin.checkpoint,
        "identity": origin.identity,
        "evaluated_on": evaluated_on,
        "metrics": {name: versions.get(name, 1) for name in scorer.names},
        "scale": ({"by_time_step": True} if basis.by_time_step(evaluated_on) else {})
        | ({"disk": str(experiment.settings.score_disk)} if experiment.settings.score_disk else {})
        | {
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
    """Return a printable table: mean, median, 5th and 95th percentile of each metric; mean and median of the baseline.

    All are over the samples on which both are defined; the column "undefined" counts the others. Where there are
    several baselines, the last column has the mean of the one that is hardest to beat by that metric.
    """
    import numpy as np
    from rich.table import Table

    summary = Table(title=title, title_justify="left")
    summary.add_column("metric", no_wrap=True)
    baseline = scorer.baseline.name if scorer.baseline else None
    of_baseline = [baseline, f"{baseline} median"] if baseline else []
    several = len(scorer.baselines) > len(of_baseline) // 2
    for heading in ("mean", "median", "5 %", "95 %", *of_baseline, "undefined", *(["hardest baseline"] * several)):
        summary.add_column(heading, justify="right", no_wrap=True)
    for name in scorer.measures:
        values = table[[name, *([f"{name}_{baseline}"] if baseline else [])]].to_numpy(float)
        defined = np.isfinite(values).all(axis=1)
        numbers = []
        for column, percentiles in zip(values[defined].T, ([50, 5, 95], [50]), strict=False):
            numbers += [column.mean(), *np.percentile(column, percentiles)] if defined.any() else []
        numbers = numbers or [np.nan] * (4 + len(of_baseline))
        unit = UNITS.get(name.split(".")[0], "")
        unit = scorer.target.units if unit == "data" else unit
        label = f"{name} ({unit})" if unit not in ("", "1") else name
        last = [hardest_in_words(table, name, scorer)] if several else []
        summary.add_row(label, *(f"{number:.4g}" for number in numbers), str(int((~defined).sum())), *last)
    return summary


def hardest_in_words(table: pd.DataFrame, measure: str, scorer: Scorer) -> str:
    """Return the mean of a measure and the name of the baseline that is hardest to beat by it, such as "41.7 bicubic".

    Means are over the samples on which the prediction and all baselines are defined; "-" where there is none.
    """
    import numpy as np

    columns = [measure, *(f"{measure}_{baseline}" for baseline in scorer.baselines)]
    values = table[columns].to_numpy(float)
    values = values[np.isfinite(values).all(axis=1), 1:]
    if not len(values):
        return "-"
    means = values.mean(axis=0)
    best = int(means.argmin() if measure.split(".")[0] in LOWER_IS_BETTER else means.argmax())
    return f"{means[best]:.4g} {scorer.baselines[best]}"


def evaluate_and_show(scorer: Scorer, split: str, step: int, other: OtherDataset | None = None) -> pd.DataFrame:
    """Evaluate a split with the networks of a step; print the summary and the path of the CSV.

    Args:
        scorer: of the network and the samples.
        split: of the samples.
        step: of the checkpoint.
        other: the dataset of the samples, where it is not that of the run.

    Raises:
        OSError: the CSV cannot be written; the summary is printed before that.
    """
    from rich.console import Console

    output = scorer.experiment.output
    seen = report_seen(scorer, split, other) if other else None
    table = scores(scorer, split, step)
    units = scorer.target.units
    title = f"{output.run_name}{f' on {other.name}' if other else ''}, step {step}: {len(table)} samples of {split}"
    title += f", data range {scorer.scale.data_range:g}" + (f" {units}" if units != "1" else "")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)  # written to a file, the table is not cut at 80 columns
    console.print(summarise(table, scorer, title))
    if scorer.failed:
        print(f"{output.run_name}: {scorer.failed}: the model fails there, and means of the others are not its scores")
    path = output.evaluation_on(other.name, scorer.experiment.TILESIZE) if other else output.evaluation
    write(table, scorer, split, path, other.name if other else None, seen)
    print(path)
    return table


def report_seen(scorer: Scorer, split: str, other: OtherDataset) -> int | None:
    """Report samples of another dataset whose ground training has seen; return their number, None if it is not known.

    Args:
        scorer: of the samples.
        split: of the samples.
        other: the dataset.
    """
    from pix2earth.scoring.other_dataset import seen_in_training

    experiment, names = scorer.experiment, scorer.dataset.names(split)
    seen = seen_in_training(other, split, names, experiment)
    if not seen.known:
        line = f"records state no place: whether '{experiment.NAME}' was trained on the same ground is not known"
    else:
        what = "ground and date" if seen.dated else "ground"
        line = (
            f"{len(seen.samples)} of {len(names)} samples of {split} share {what} with training samples of"
            f" {other.trained_on.folder}: their scores are not on held-out data"
        )
    if seen.samples or not seen.known:
        print(f"--dataset {other.name}: {line}", file=sys.stderr)
    return len(seen.samples) if seen.known else None
