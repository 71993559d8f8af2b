"""Validation during training: metrics on held-out samples, and the best step so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics import LOWER_IS_BETTER, VERSIONS
from pix2earth.batches.deciding_samples import DecidingSamples
from pix2earth.runs import identity
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.batches.dataset import Dataset

SAMPLES = 64
"""Number of samples that a validation scores at most."""


def held_out(dataset: Dataset) -> str:
    """Return the split for sample images and validation during training: val, or test where there is no val.

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
    """Return the metrics of a validation: those of the experiment, and the one that decides which step is the best."""
    return list(dict.fromkeys([*experiment.METRICS, experiment.BEST_METRIC]))


def spread(names: Sequence[str], count: int) -> list[str]:
    """Return at most ``count`` of the sorted names, evenly spread."""
    if len(names) <= count:
        return list(names)
    return [names[index * len(names) // count] for index in range(count)]


class Validation:
    """Scores a plug-in on held-out samples, always the same.

    Attributes:
        selection: the samples that decide which checkpoint is the best.
        split: the split in whose folder the samples are.
        candidates: names of all these samples.
        names: names of those that are scored.
        scorer: computes the metrics.
    """

    def __init__(self, dataset: Dataset, gan: Any, plugin: Path) -> None:
        """Choose the samples; nothing is read yet.

        Args:
            dataset: of the run.
            gan: the plug-in.
            plugin: its file.

        Raises:
            UserError: the dataset has no held-out samples.
        """
        from pix2earth.scoring.scorer import Scorer

        self.gan = gan
        self.selection = dataset.selection or DecidingSamples(held_out(dataset))
        self.split = self.selection.folder
        self.candidates = list(self.selection.samples) or dataset.names(self.split)
        self.names = spread(self.candidates, SAMPLES)
        metrics = validation_metrics(dataset.experiment)
        self.scorer = Scorer(dataset, gan, plugin, metrics, baseline=False, regions=False)

    def check(self, report: Callable[[str], None]) -> None:
        """Score the first batch, so that an error in a metric is reported before the first step.

        Args:
            report: receives a line for each thing that a user should know about the data.
        """
        from pix2earth.plugins import state

        self.scorer.report = report
        metric, file = self.scorer.experiment.BEST_METRIC, self.scorer.experiment.file
        if metric in self.scorer.undefined:
            report(f"{file}: best_metric: {metric} is undefined for every sample, and no step can be the best")
        with state.kept(self.gan):
            next(self.scorer.rows(self.split, self.names))

    def scores(self) -> dict[str, float]:
        """Return the mean of every metric over the samples; the random numbers of training are unchanged."""
        from pix2earth.plugins import state

        with state.kept(self.gan):
            return self.scorer.means(self.split, self.names)

    @property
    def basis(self) -> str:
        """A checksum of what the values of the deciding metric are based on: its definition, the samples, their scale.

        Values with different checksums are not compared.
        """
        experiment, listing = self.scorer.experiment, self.scorer.dataset.listing
        samples = {key: value for key, value in identity.dataset(listing).items() if key != "name"}
        size = [experiment.IMG_HEIGHT, experiment.IMG_WIDTH]
        version = VERSIONS[experiment.BEST_METRIC]
        return identity.digest([version, samples, self.split, self.names, size, experiment.NORMALIZE == "l2"])

    @property
    def failed(self) -> str:
        """The failed predictions of the newest validation in words; "" where there are none."""
        return self.scorer.failed


class BestStep:
    """The step with the best validation so far.

    Attributes:
        metric: decides which step is the best.
        basis: of its values; they are compared only with those of the same basis.
        entry: "step", "metric", "value" and "basis" of the best step, as checkpoints and ``run.json`` hold it; None
            before the first finite value.
    """

    def __init__(self, metric: str, basis: str = "") -> None:
        """Start without a best step."""
        self.metric, self.basis = metric, basis
        self.entry: dict[str, Any] | None = None

    def resume(self, entry: dict[str, Any] | None, report: Callable[[str], None]) -> None:
        """Take over the best step of a checkpoint; a line says where later steps are not compared with it."""
        self.entry = entry
        if entry and not self._comparable(entry):
            report(
                f"best step {entry['step']}: was chosen by {entry['metric']} with other data or another definition, or"
                " best_metric has changed; the next validation replaces it"
            )

    def _comparable(self, entry: dict[str, Any]) -> bool:
        """Return whether values are compared with that of an entry; former versions recorded no basis."""
        same = entry["basis"] == self.basis if "basis" in entry else VERSIONS[self.metric] == 1
        return same and entry["metric"] == self.metric

    @property
    def step(self) -> int | None:
        """The best step, or None before the first finite value."""
        return self.entry["step"] if self.entry else None

    def update(self, step: int, value: float) -> bool:
        """Keep a step if its value is the best so far; return whether it is.

        A value that is not finite is never the best. A best step of another metric or on other data, from before the
        experiment was changed, is replaced.
        """
        sign = -1 if self.metric in LOWER_IS_BETTER else 1
        previous = self.entry if self.entry and self._comparable(self.entry) else None
        if math.isfinite(value) and (previous is None or sign * value > sign * previous["value"]):
            self.entry = {"step": step, "metric": self.metric, "value": value, "basis": self.basis}
            return True
        return False
