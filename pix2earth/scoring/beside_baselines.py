"""A table of a network and all baselines of its dataset, with the error of every band."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from metrics import UNITS, score, why_undefined
from pix2earth.baselines.samples import PhysicalDataset
from pix2earth.baselines.standard import standard_baselines
from pix2earth.batches.pools import UNPAIRED
from pix2earth.batches.preparation import valid_pixels
from pix2earth.console.progress import tracked
from pix2earth.scoring.undefined import mean_of_finite
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from pix2earth.scoring.scorer import Scorer

METRICS = ("PSNR", "SSIM", "SAM", "ERGAS")


class Scores(NamedTuple):
    """Scores of one prediction method, sample by sample.

    Attributes:
        metrics: of each sample.
        squares: sum of the squared errors (band,) of all valid pixels of each sample.
    """

    metrics: list[dict[str, float]]
    squares: list[np.ndarray]


def table(scorer: Scorer, split: str) -> pd.DataFrame:
    """Score a network and all baselines on a split.

    Args:
        scorer: of the network.
        split: of the samples.

    Returns:
        One row for each baseline, then the network, each with the mean of each metric over the samples, and the root
        mean squared error of every band over all valid pixels of the split ("RMSE B05"), in steps of the stored numbers
        where these are integers, else in physical units.

    Raises:
        UserError: the values are not those of one image in physical units, or a record is damaged.
    """
    import pandas as pd

    experiment, target = scorer.experiment, scorer.target
    size = (experiment.IMG_HEIGHT, experiment.IMG_WIDTH)
    if experiment.NORMALIZE == "l2" or target.time_steps or size != target.size:
        raise UserError(
            "--baselines: compares images in physical units on the grid of the target; this run has unit norm, time"
            " steps or another size"
        )
    if not scorer.paired:
        raise UserError(f"--baselines: {scorer.dataset.listing.folder / split}: {UNPAIRED}; leave it out")
    if experiment.manifest.occlusion:
        raise UserError(
            f"--baselines: read the input that records hold, and {experiment.file} makes it by occlusion; leave it out"
        )
    dataset = PhysicalDataset(scorer.dataset.listing)
    baselines = standard_baselines(scorer.dataset.listing, scorer.fitted_to).predictors
    names, count = scorer.dataset.names(split), 0
    found = {name: Scores([], []) for name in (*baselines, experiment.output.experiment)}
    batches = tracked(scorer.batches(split, names), "baselines", -(-len(names) // scorer.batch), "batches")
    for group, batch in batches:
        _, targets, predictions = (np.asarray(images) for images in scorer.predict(batch))
        known = valid_pixels(batch, experiment)
        valid = np.ones(targets.shape[:3], bool) if known is None else np.asarray(known)
        for index, name in enumerate(group):
            if name is None:
                continue
            (sample,) = dataset.named(split, [name])
            count += int(valid[index].sum())
            for title, scores in found.items():
                predicted = baselines[title](sample) if title in baselines else predictions[index]
                _add(scores, targets[index], np.asarray(predicted, np.float32), valid[index], scorer)
    return pd.DataFrame([{"prediction": name, **_row(scores, count, scorer)} for name, scores in found.items()])


def _add(scores: Scores, target: np.ndarray, prediction: np.ndarray, valid: np.ndarray, scorer: Scorer) -> None:
    # Metrics of neighbourhoods would spread NaN of invalid pixels.
    prediction = np.where(np.isfinite(prediction), prediction, 0.0).astype(np.float32)
    names = [name for name in METRICS if why_undefined(name, len(scorer.target.bands), scorer.scale) is None]
    images = tf.constant(target[None]), tf.constant(prediction[None])
    values = score(*images, scorer.scale, names, tf.constant(valid[None]))
    scores.metrics.append({name: float(each[0]) for name, each in values.items()})
    scores.squares.append(np.square(prediction[valid].astype(np.float64) - target[valid]).sum(axis=0))


def _row(scores: Scores, count: int, scorer: Scorer) -> dict[str, float]:
    means = {name: mean_of_finite([sample[name] for sample in scores.metrics]) for name in scores.metrics[0]}
    errors = np.sqrt(np.sum(scores.squares, axis=0) / count) / _unit(scorer)
    return means | {f"RMSE {band}": float(each) for band, each in zip(scorer.target.bands, errors, strict=True)}


def _unit(scorer: Scorer) -> float:
    """Return the unit of the bands' errors: a step of the stored integers in physical units, else 1."""
    return scorer.target.scale if "int" in scorer.target.dtype else 1.0


def show_and_write(scorer: Scorer, split: str, step: int, other: str | None = None) -> None:
    """Print the table, and write it as CSV into the folder ``test`` of the experiment.

    Args:
        scorer: of the network.
        split: of the samples.
        step: of the network's weights.
        other: name of the scored dataset, where it is not that of the run.

    Raises:
        UserError: as of ``table``.
    """
    from rich.console import Console

    output = scorer.experiment.output
    rows = table(scorer, split)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 160)  # written to a file, the table is not cut at 80 columns
    console.print(_printable(rows, scorer, f"{output.run_name}{f' on {other}' if other else ''}, step {step}, {split}"))
    scored = output.evaluation_on(other, scorer.experiment.TILESIZE) if other else output.evaluation
    path = output.folder / "test" / f"{scored.stem}_{split}_baselines.csv"
    path.parent.mkdir(exist_ok=True)
    with atomic.replacing(path) as temporary:
        rows.to_csv(temporary, index=False, lineterminator="\n")
    print(path)


def _printable(rows: pd.DataFrame, scorer: Scorer, title: str) -> Any:
    from rich.table import Table

    unit = "digital numbers" if "int" in scorer.target.dtype else scorer.target.units
    printed = Table(title=f"{title}; RMSE of bands in {unit}", title_justify="left")
    for column in rows.columns:
        of_metric = UNITS.get(column, "")
        heading = f"{column} ({of_metric})" if of_metric else column.replace(" ", "\n")
        printed.add_column(heading, justify="left" if column == "prediction" else "right", no_wrap=True)
    for row in rows.itertuples(index=False):
        cells = [f"{value:.4g}" if abs(value) < 100 else f"{value:.0f}" for value in row[1:]]
        printed.add_row(str(row[0]), *cells)
    return printed
