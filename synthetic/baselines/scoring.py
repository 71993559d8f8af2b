"""Scores of baselines by the project's own metrics, as evaluations compute them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from metrics import Scale, score
from pix2earth.console.progress import tracked
from pix2earth.scoring.regions import by_date, masks, mean_over_dates
from pix2earth.scoring.undefined import mean_of_finite
from synthetic.baselines.predictor import Baselines
from synthetic.baselines.stored import Sample, Stored

METRICS = ("PSNR", "SSIM", "SAM", "RMSE")
WHOLE = "whole image"


class ScoreRow(NamedTuple):
    """Mean scores of one baseline in one region, over the samples in which they are defined."""

    region: str
    baseline: str
    samples: int
    scores: dict[str, float]


def rows(source: Stored, baselines: Baselines) -> list[ScoreRow]:
    """Score every baseline on every sample of the test split; regions follow one another.

    Raises:
        UserError: there is no test split, or a record is damaged.
    """
    scale, names = _scale(source), source.names("test")
    found: dict[tuple[str, str], list[dict[str, float]]] = {
        (region, name): [] for region in (WHOLE, *baselines.regions) for name in baselines.predictors
    }
    for sample in tracked(source.samples("test"), source.configuration.preset, len(names), "samples"):
        target = _chosen(sample.fields[source.manifest.target], baselines)
        for name, predict in baselines.predictors.items():
            prediction = np.asarray(predict(sample), np.float32)
            for region, scores in _scored(target, prediction, sample, baselines, scale).items():
                found[region, name].append(scores)
    return [_row(region, name, scores) for (region, name), scores in found.items()]


def _row(region: str, name: str, scores: list[dict[str, float]]) -> ScoreRow:
    defined = sum(bool(np.isfinite(one["RMSE"])) for one in scores)
    means = {metric: mean_of_finite([one[metric] for one in scores]) for metric in METRICS}
    return ScoreRow(region, name, defined, means)


def _chosen(target: np.ndarray, baselines: Baselines) -> np.ndarray:
    return target if baselines.bands is None else target[..., baselines.bands]


def _scale(source: Stored) -> Scale:
    low, high = source.target.bounds
    return Scale(max(high) - min(low), 1.0 / source.manifest.ratio)


def _scored(
    target: np.ndarray, prediction: np.ndarray, sample: Sample, baselines: Baselines, scale: Scale
) -> dict[str, dict[str, float]]:
    """Return by region, by metric the scores of one prediction ([date,] height, width, band)."""
    dates = len(target) if target.ndim == 4 else None
    result = {WHOLE: _measured(_folded(target), _folded(prediction), None, scale, None)}
    wanted, made = by_date(target[None], dates), by_date(prediction[None], dates)
    for title, (region, field) in baselines.regions.items():
        where = masks(sample.fields[field][None], dates, None)[region]
        result[title] = _measured(wanted, made, where, scale, dates)
    return result


def _measured(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, dates: int | None
) -> dict[str, float]:
    scores = score(tf.constant(target), tf.constant(prediction), scale, METRICS, mask)
    return {name: float(mean_over_dates(values, dates)[0]) for name, values in scores.items()}


def _folded(image: np.ndarray) -> np.ndarray:
    """Fold the dates of (date, height, width, band) into bands and add a batch axis, as evaluations do."""
    if image.ndim == 4:
        dates, height, width, bands = image.shape
        image = image.transpose(1, 2, 0, 3).reshape(height, width, dates * bands)
    return image[None]
