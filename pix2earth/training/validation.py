"""Validation while training: which held-out samples, by which metrics, and which step is the best so far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics import LOWER_IS_BETTER
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.batches.dataset import Dataset

SAMPLES = 64


def held_out(dataset: Dataset) -> str:
    """Return the split for sample images and validation while training: val, or test where there is no val.

    Raises:
        UserError: the dataset has neither.
    """
    for split in ("val", "test"):
        if dataset.has(split):
            return split
    raise UserError(
        f"{dataset.listing.folder}: has no samples in val/: sample images and validation need held-out samples"
    )


def validation_metrics(experiment: Experiment) -> list[str]:
    """Return the metrics to validate by: those of the experiment, and the one that decides."""
    return list(dict.fromkeys([*experiment.METRICS, experiment.BEST_METRIC]))


def spread(names: Sequence[str], count: int) -> list[str]:
    """Return at most ``count`` of the sorted names, evenly spread."""
    if len(names) <= count:
        return list(names)
    return [names[index * len(names) // count] for index in range(count)]


class Validation:
    """Scores a plug-in on fixed held-out samples."""

    def __init__(self, dataset: Dataset, gan: Any, plugin: Path) -> None:
        """Choose the samples; nothing is read yet."""
        from pix2earth.scoring.scorer import Scorer

        self.gan = gan
        self.split = held_out(dataset)
        self.names = spread(dataset.names(self.split), SAMPLES)
        metrics = validation_metrics(dataset.experiment)
        self.scorer = Scorer(dataset, gan, plugin, metrics, baseline=False, regions=False)

    def check(self) -> None:
        """Score the first batch, so that what is wrong with a metric shows before the first step."""
        from pix2earth.training import state

        with state.unmoved(self.gan):
            next(self.scorer.rows(self.split, self.names))

    def scores(self) -> dict[str, float]:
        """Return the mean of every metric over the samples; the random numbers of training do not move."""
        from pix2earth.training import state

        with state.unmoved(self.gan):
            return self.scorer.means(self.split, self.names)


class BestStep:
    """The step with the best validation so far."""

    def __init__(self, metric: str) -> None:
        """Start without one; ``metric`` decides."""
        self.metric = metric
        self.known: dict[str, Any] | None = None

    @property
    def step(self) -> int | None:
        """The step, or None before the first validation."""
        return self.known["step"] if self.known else None

    def update(self, step: int, value: float) -> bool:
        """Remember a step if its validation is the best; tell whether it is."""
        sign = -1 if self.metric in LOWER_IS_BETTER else 1
        known = self.known if self.known and self.known["metric"] == self.metric else None
        if math.isfinite(value) and (known is None or sign * value > sign * known["value"]):
            self.known = {"step": step, "metric": self.metric, "value": value}
            return True
        return False
