"""Evaluation of a run: metrics of every sample of a split, written as CSV and printed as a summary."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics import LOWER_IS_BETTER, UNITS, WITHOUT_DIRECTION
from pix2earth.scoring import basis
from pix2earth.scoring.tiles import places
from pix2earth.scoring.tiles.tile_folder import tile_folder
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import numpy as np
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
    """Write the scores of a split as CSV, their means, their origin, and where tiles lie; other splits are kept.

    Args:
        table: rows of the split.
        scorer: that computed them.
        split: of the samples.
        path: of the CSV.
        other: name of the dataset where it is not that of the run.
        seen: number of samples that show ground of its training samples; None: not known.
    """
    from pix2earth.scoring import means_file, origins

    origin, run, of_split = scorer.origin, {}, None
    if origin:
        run = {"experiment": origin.experiment, "timestamp": origin.timestamp, "started": origin.started}
        of_split = entry(scorer)
    if other:
        run, of_split = run | {"dataset": other}, of_split and of_split | {"seen_in_training": seen}
    origins.write(path, split, table.to_dict("records"), run, of_split)
    means_file.write(path, split, summary(table, scorer), scorer.baseline.name if scorer.baseline else None)
    if folder := kept_folder(scorer, split, path):
        places.write(folder, scorer.dataset.listing, split, table["tile"])


def kept_folder(scorer: Scorer, split: str, path: Path) -> Path | None:
    """Return the folder with places and pictures of a split's samples; None where their origin is not recorded.

    Args:
        scorer: of the samples.
        split: of the samples.
        path: of the CSV.
    """
    if not scorer.origin:
        return None
    return tile_folder(path.parents[1], basis.of_entry(entry(scorer), split))


def entry(scorer: Scorer) -> dict[str, Any]:
    """Return what scores belong to, as ``<run>.csv.json`` holds it for a split.

    "identity" is that of the checkpoint, and "evaluated_on" the part "dataset" of the identity of what was scored.
    """
    import metrics
    from pix2earth.runs import identity

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
        **({"of_set": of_set} if (of_set := scorer.of_set.as_json()) else {}),
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


def summary(table: pd.DataFrame, scorer: Scorer) -> list[dict[str, Any]]:
    """Return for each metric mean, median, 5th and 95th percentile, and of the baseline mean and median.

    All are over the samples on which both are defined; "undefined" counts the others. NaN where there are none. Where
    there are several baselines, "hardest" is the mean of the one that is hardest to beat by that metric.
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
    """Return name and mean of the baseline that is hardest to beat by a measure; nothing where there is one at most.

    Means are over the samples on which the prediction and all baselines are defined.
    """
    import numpy as np

    if len(scorer.baselines) < 2:
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
        label = f"{name} ({unit})" if unit not in ("", "1") else name
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
        "units": scorer.target.units, "scores": scores, "of_set": scorer.of_set.as_json(),
    }  # fmt: skip


def evaluate_and_show(
    scorer: Scorer, split: str, step: int, other: OtherDataset | None = None, *, json_only: bool = False
) -> pd.DataFrame:
    """Evaluate a split with the networks of a step; print the summary and the path of the CSV.

    Args:
        scorer: of the network and the samples.
        split: of the samples.
        step: of the checkpoint.
        other: the dataset of the samples, where it is not that of the run.
        json_only: print the summary as JSON, after the CSV is written, and nothing else.

    Raises:
        OSError: the CSV cannot be written; the summary is printed before that.
    """
    output = scorer.experiment.output
    seen = report_seen(scorer, split, other) if other else None
    table = scores(scorer, split, step)
    if not json_only:
        _show(table, scorer, split, step, other.name if other else None)
    path = output.evaluation_on(other.name, scorer.experiment.TILESIZE) if other else output.evaluation
    write(table, scorer, split, path, other.name if other else None, seen)
    print(json.dumps(as_json(table, scorer, split, step, path), indent=2, allow_nan=False) if json_only else path)
    return table


def _show(table: pd.DataFrame, scorer: Scorer, split: str, step: int, other: str | None) -> None:
    """Print the summary; ``other`` is the name of the dataset where it is not that of the run."""
    from rich.console import Console

    units, run = scorer.target.units, scorer.experiment.output.run_name
    title = f"{run}{f' on {other}' if other else ''}, step {step}: {len(table)} samples of {split}"
    title += f", data range {scorer.scale.data_range:g}" + (f" {units}" if units != "1" else "")
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 150)  # written to a file, the table is not cut at 80 columns
    console.print(summarise(table, scorer, title))
    for line in scorer.of_set.lines():
        print(line)
    if scorer.failed:
        print(f"{run}: {scorer.failed}: the model fails there, and means of the others are not its scores")


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
