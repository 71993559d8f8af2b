"""Evaluation of a run: metrics of every sample of a split, written as CSV and printed as a summary."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pix2earth.scoring import basis
from pix2earth.scoring.evaluation_summary import as_json, show, summary
from pix2earth.scoring.tiles import places
from pix2earth.scoring.tiles.tile_folder import tile_folder
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from pix2earth.batches.dataset import Dataset
    from pix2earth.scoring.other_dataset import OtherDataset
    from pix2earth.scoring.scorer import Scorer

DISTRIBUTIONS = "distributions"
"""The column "judged_by" of a CSV whose samples are no pairs."""


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
        The rows of this split: tile, split, step, one column a metric, and the baseline's columns; "judged_by" where
        the samples are no pairs.
    """
    import pandas as pd

    from pix2earth.console.progress import tracked

    names = scorer.dataset.names(split)
    rows = list(tracked(scorer.rows(split, names), f"evaluate {split}", len(names), "samples"))
    table = pd.DataFrame(rows, columns=["tile", *scorer.columns])
    table.insert(1, "split", split)
    table.insert(2, "step", step)
    if not scorer.paired:
        table.insert(3, "judged_by", DISTRIBUTIONS)
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
        "metrics": {name: versions.get(name, 1) for name in scorer.computed},
        **({} if scorer.paired else {"paired": False}),
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


def evaluate_and_show(
    scorer: Scorer,
    split: str,
    step: int,
    other: OtherDataset | None = None,
    *,
    json_only: bool = False,
    further: Mapping[str, Any] = MappingProxyType({}),
) -> pd.DataFrame:
    """Evaluate a split with the networks of a step; print the summary and the path of the CSV.

    Args:
        scorer: of the network and the samples.
        split: of the samples.
        step: of the checkpoint.
        other: the dataset of the samples, where it is not that of the run.
        json_only: print the summary as JSON, after the CSV is written, and nothing else.
        further: keys of that JSON, after those of the summary.

    Raises:
        OSError: the CSV cannot be written; the summary is printed before that.
    """
    output = scorer.experiment.output
    seen = report_seen(scorer, split, other) if other else None
    table = scores(scorer, split, step)
    if not json_only:
        show(table, scorer, split, step, other.name if other else None)
    path = output.evaluation_on(other.name, scorer.experiment.TILESIZE) if other else output.evaluation
    write(table, scorer, split, path, other.name if other else None, seen)
    if json_only:
        content = {**as_json(table, scorer, split, step, path), **further}
        print(json.dumps(content, indent=2, allow_nan=False))
    else:
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
