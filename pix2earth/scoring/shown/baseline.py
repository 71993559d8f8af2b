"""The baseline that figures show beside a prediction, and the scores that they write into both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import tensorflow as tf

from metrics import score
from pix2earth.baselines import choice
from pix2earth.baselines.answers.answer import FittedAnswer
from pix2earth.baselines.answers.applying import BesideNetwork, applied
from pix2earth.baselines.answers.building import build
from pix2earth.baselines.suitability import suitable
from pix2earth.batches.time_steps import flat, separate

if TYPE_CHECKING:
    from pix2earth.scoring.scorer import Scorer

Batch = Mapping[str, tf.Tensor]
SCORES = ("PSNR", "SSIM")
"""Metrics that are written into the corner of prediction and baseline, of those of the run; the first one always."""


class ShownBaseline(NamedTuple):
    """A baseline as figures show it.

    Attributes:
        name: of the baseline.
        predict: from a batch as stored and its prepared fields to the prediction in physical units.
    """

    name: str
    predict: Callable[[Batch, Batch], tf.Tensor]


def of_scorer(scorer: Scorer) -> ShownBaseline | None:
    """Return the baseline that figures of a scorer show, or None where the dataset has none.

    It is interpolation of a coarser input, else a trivial answer (interpolation in time, the nearest clear date), else
    the median of time steps or a copy of the input. Answers that are fitted are shown where the scorer has them.
    """
    first = scorer.baseline or choice.choose(scorer.experiment.manifest)
    answers = scorer.answers or _not_fitted(scorer)
    answers = sorted(answers, key=lambda each: isinstance(each.answer, FittedAnswer))
    if answers and (first is None or first.name in ("median", "copy")):
        name, answer, weights = answers[0]
        return ShownBaseline(name, lambda _, fields: applied(answer, fields, scorer.experiment, weights))
    if first is None:
        return None
    chosen = first
    return ShownBaseline(first.name, lambda batch, _: scorer.baseline_prediction(batch, chosen))


def named(scorer: Scorer, name: str) -> ShownBaseline:
    """Return one of the baselines that a scorer has, by its name in ``Scorer.baselines``."""
    if scorer.baseline and scorer.baseline.name == name:
        first = scorer.baseline
        return ShownBaseline(name, lambda batch, _: scorer.baseline_prediction(batch, first))
    answer, weights = next((each.answer, each.weights) for each in scorer.answers if each.name == name)
    return ShownBaseline(name, lambda _, fields: applied(answer, fields, scorer.experiment, weights))


def _not_fitted(scorer: Scorer) -> list[BesideNetwork]:
    """Return the trivial answers without weights."""
    experiment = scorer.experiment
    if experiment.NORMALIZE == "l2":  # images of unit norm have no physical units
        return []
    size = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    found = [(kind, build(kind, experiment.manifest, size)) for kind in suitable(experiment.manifest, size)]
    return [
        BesideNetwork(kind.replace("_", "-"), answer, ())
        for kind, answer in found
        if not isinstance(answer, FittedAnswer)
    ]


def scores(scorer: Scorer, targets: np.ndarray, predictions: np.ndarray) -> dict[str, np.ndarray]:
    """Return ``SCORES`` of each sample, (sample,), as far as the run has them; NaN where one is undefined.

    Args:
        scorer: of the network, which has the range of the data.
        targets: physical values (sample, [time step,] height, width, band), NaN where not valid.
        predictions: the same, without NaN.
    """
    names = [name for name in SCORES if name == SCORES[0] or name in scorer.names]
    parts = []
    for start in range(0, len(targets), scorer.batch):
        several = slice(start, start + scorer.batch)
        parts.append(_of_batch(scorer, names, targets[several], predictions[several]))
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _of_batch(scorer: Scorer, names: list[str], targets: np.ndarray, predictions: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores of samples, filled up to a batch of evaluations, for which metrics are compiled anyway."""
    steps, count = scorer.target.time_steps, len(targets)
    whole = np.minimum(np.arange(scorer.batch), count - 1)
    target, prediction = (separate(flat(values[whole]), steps) for values in (targets, predictions))
    valid = np.isfinite(target).all(axis=-1)
    found = score(
        tf.constant(np.nan_to_num(target), tf.float32),
        tf.constant(prediction, tf.float32),
        scorer.scale,
        names,
        None if valid.all() else tf.constant(valid),
    )
    return {name: _mean_of_finite(values.numpy().reshape(scorer.batch, -1)[:count]) for name, values in found.items()}


def _mean_of_finite(values: np.ndarray) -> np.ndarray:
    """Return the mean of the finite values of each row; NaN of none."""
    finite = np.isfinite(values)
    sums, counts = np.where(finite, values, 0).sum(axis=1), finite.sum(axis=1)
    return np.divide(sums, counts, out=np.full(len(values), np.nan), where=counts > 0)
