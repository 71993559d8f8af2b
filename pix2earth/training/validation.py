"""Validation during training: metrics on held-out samples, and the best step so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metrics import LOWER_IS_BETTER, VERSIONS
from pix2earth.batches.deciding_samples import DecidingSamples
from pix2earth.batches.pools import UNPAIRED
from pix2earth.runs import identity
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.batches.dataset import Dataset
    from pix2earth.training.journal import Journal
    from pix2earth.training.report import Report

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
        f"{dataset.listing.folder}: has no samples in val/ or test/: sample images and validation need"
        " held-out samples; write the dataset with a split for them"
    )


def validation_metrics(experiment: Experiment) -> list[str]:
    """Return the metrics of a validation: those of the experiment, and the one that decides which step is the best."""
    best = [experiment.BEST_METRIC] if experiment.BEST_METRIC else []
    return list(dict.fromkeys([*experiment.METRICS, *best]))


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
        self.scorer = Scorer(dataset, gan, plugin, metrics, baseline=False, regions=False, split=self.split)

    def check(self, report: Callable[[str], None]) -> None:
        """Score the first batch, so that an error in a metric is reported before the first step.

        Args:
            report: receives a line for each thing that a user should know about the data.
        """
        from pix2earth.plugins import state

        self.scorer.report = report
        if reason := self._without_best():
            report(reason)
        if not self.scores_anything:
            return
        with state.kept(self.gan):
            next(self.scorer.rows(self.split, self.names))

    @property
    def scores_anything(self) -> bool:
        """Whether there is a metric, or a figure of the set, to compute."""
        return bool(self.scorer.names or self.scorer.of_set.names)

    def _without_best(self) -> str:
        """Return why no step can be the best, or "" where one can."""
        experiment, best = self.scorer.experiment, self.scorer.experiment.BEST_METRIC
        if not self.scorer.paired:
            return f"{self.scorer.dataset.listing.folder / self.split}: {UNPAIRED}; no step can be the best"
        if not self.scores_anything:
            return f"{experiment.file}: metrics: is []: validations score nothing, and no step can be the best"
        if best is None:
            return f"{experiment.file}: best_metric: is null, and no step can be the best"
        if best in self.scorer.undefined:
            return f"{experiment.file}: best_metric: {best} is undefined for every sample, and no step can be the best"
        return ""

    def scores(self) -> dict[str, float]:
        """Return the mean of every metric over the samples, and all figures of the set of them.

        The random numbers of training are unchanged.
        """
        from pix2earth.plugins import state

        if not self.scores_anything:
            return {}
        with state.kept(self.gan):
            means = self.scorer.means(self.split, self.names)
        return means | {row["metric"]: row["value"] for row in self.scorer.of_set.values()}

    def report_step(self, step: int, best: BestStep, report: Report, journal: Journal | None) -> bool:
        """Score the samples, where there is something to compute; return whether the step is the best so far."""
        if not (scores := self.scores()):
            return False
        metric = best.metric if best.metric in scores else None
        improved = metric is not None and not self.failed and best.update(step, scores[metric])
        if improved and best.entry:
            best.entry["split"] = self.selection.split
        if journal:
            journal.validation(step, scores)
        shown = metric or next(iter(scores))
        report.validation = f"{self.selection.split} {shown} {scores[shown]:.4g}"
        remark = f" (cannot be the best: {self.failed})" if self.failed else " (best so far)" if improved else ""
        report.message(f"step {step}: {report.validation}{remark}")
        return improved

    @property
    def basis(self) -> str:
        """A checksum of what the values of the deciding metric are based on: its definition, the samples, their scale.

        Values with different checksums are not compared.
        """
        experiment, listing = self.scorer.experiment, self.scorer.dataset.listing
        samples = {key: value for key, value in identity.dataset(listing).items() if key != "name"}
        size = [experiment.IMG_HEIGHT, experiment.IMG_WIDTH]
        version = VERSIONS.get(experiment.BEST_METRIC or "", 0)
        return identity.digest([version, samples, self.split, self.names, size, experiment.NORMALIZE == "l2"])

    @property
    def failed(self) -> str:
        """The failed predictions of the newest validation in words; "" where there are none."""
        return self.scorer.failed


class BestStep:
    """The step with the best validation so far.

    Attributes:
        metric: decides which step is the best; None: none is.
        basis: of its values; they are compared only with those of the same basis.
        entry: "step", "metric", "value" and "basis" of the best step, as checkpoints and ``run.json`` hold it; None
            before the first finite value.
    """

    def __init__(self, metric: str | None, basis: str = "") -> None:
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
        same = entry["basis"] == self.basis if "basis" in entry else VERSIONS.get(self.metric or "", 0) == 1
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
