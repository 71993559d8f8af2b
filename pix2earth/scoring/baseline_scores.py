"""Scores of baselines by the same metrics as evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from metrics import UNITS, Scale, score
from pix2earth.baselines.samples import BaselineSet, PhysicalDataset, Sample, time_steps_of
from pix2earth.batches.time_steps import flat, separate
from pix2earth.console.progress import tracked
from pix2earth.scoring.regions import masks, mean_over_time_steps
from pix2earth.scoring.undefined import mean_of_finite

METRICS = ("PSNR", "SSIM", "SAM", "RMSE")
WHOLE = "whole image"
DIGITS = {"PSNR": "%.2f", "SSIM": "%.4f", "SAM": "%.4f", "RMSE": "%.5f"}


class ScoreRow(NamedTuple):
    """Mean scores of one baseline in one region, over the samples in which they are defined."""

    region: str
    baseline: str
    samples: int
    scores: dict[str, float]


def rows(dataset: PhysicalDataset, baselines: BaselineSet) -> list[ScoreRow]:
    """Score every baseline on every sample of the test split; regions follow one another.

    Baselines see whole sequences where the dataset has them; each of their time steps is scored as one sample.

    Raises:
        UserError: there is no test split, or a record is damaged.
    """
    scale, sequences = _scale(dataset), dataset.manifest.sequence is not None
    count = len(dataset.sequence_names("test") if sequences else dataset.names("test"))
    samples = dataset.sequences("test") if sequences else dataset.samples("test")
    scores_of: dict[tuple[str, str], list[dict[str, float]]] = {
        (region, name): [] for region in (WHOLE, *baselines.regions) for name in baselines.predictors
    }
    for sample in tracked(samples, dataset.manifest.name, count, "sequences" if sequences else "samples"):
        for name, predict in baselines.predictors.items():
            predicted = np.asarray(predict(sample), np.float32)
            pairs = zip(time_steps_of(sample), predicted, strict=True) if sequences else [(sample, predicted)]
            for scored, prediction in pairs:
                target = _chosen(scored.fields[dataset.manifest.target], baselines)
                for region, scores in _scored(target, prediction, scored, baselines, scale).items():
                    scores_of[region, name].append(scores)
    return [_row(region, name, scores) for (region, name), scores in scores_of.items()]


def table(rows: Sequence[ScoreRow]) -> list[str]:
    """Return the lines of a Markdown table, one for each region and baseline."""
    metrics = list(rows[0].scores)
    titles = [f"{name} ({UNITS[name]})" if UNITS.get(name, "data") != "data" else name for name in metrics]
    lines = [f"| region | baseline | {' | '.join(titles)} | samples |", f"|---|---|{'---:|' * (len(metrics) + 1)}"]
    for row in rows:
        numbers = [DIGITS[name] % row.scores[name] for name in metrics]
        lines.append(f"| {row.region} | {row.baseline} | {' | '.join(numbers)} | {row.samples} |")
    return lines


def _row(region: str, name: str, scores: list[dict[str, float]]) -> ScoreRow:
    defined = sum(bool(np.isfinite(sample["RMSE"])) for sample in scores)
    means = {metric: mean_of_finite([sample[metric] for sample in scores]) for metric in METRICS}
    return ScoreRow(region, name, defined, means)


def _chosen(target: np.ndarray, baselines: BaselineSet) -> np.ndarray:
    return target if baselines.bands is None else target[..., baselines.bands]


def _scale(dataset: PhysicalDataset) -> Scale:
    low, high = dataset.target.bounds
    return Scale(max(high) - min(low), 1.0 / dataset.manifest.ratio)


def _scored(
    target: np.ndarray, prediction: np.ndarray, sample: Sample, baselines: BaselineSet, scale: Scale
) -> dict[str, dict[str, float]]:
    """Return the scores of one prediction ([time step,] height, width, band) by region and metric."""
    steps = len(target) if target.ndim == 4 else None
    target, prediction = target[None], prediction[None]
    result = {WHOLE: _measured(flat(target), flat(prediction), None, scale, None)}
    targets, predictions = separate(target, steps), separate(prediction, steps)
    for title, (region, field) in baselines.regions.items():
        where = masks(sample.fields[field][None], steps, None)[region]
        result[title] = _measured(targets, predictions, where, scale, steps)
    return result


def _measured(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, time_steps: int | None
) -> dict[str, float]:
    scores = score(tf.constant(target), tf.constant(prediction), scale, METRICS, mask)
    return {name: float(mean_over_time_steps(values, time_steps)[0]) for name, values in scores.items()}
