"""Metrics of a plug-in and of the baseline on samples, in physical units."""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from metrics import ALL_METRICS, PER_TIME_STEP, Scale, score, why_undefined
from pix2earth.baselines import choice
from pix2earth.batches.preparation import physical, prepare, scaled, valid_pixels
from pix2earth.plugins import contract
from pix2earth.plugins.failures import attributed_to
from pix2earth.records.format import DAMAGE
from pix2earth.scoring import failures, ranges
from pix2earth.scoring.regions import REGIONS, column, masks, mean_over_time_steps, split_time_steps
from pix2earth.scoring.undefined import mean_of_finite
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.batches.dataset import Dataset
    from pix2earth.runs.origin import Origin

PIXELS_A_BATCH = 8 * 256 * 256  # measured: larger batches do not fit the processor's cache and are slower


def print_remark(line: str) -> None:
    """Print a line to the standard error."""
    print(line, file=sys.stderr)


class Scorer:
    """Computes metrics batch by batch in one compiled function.

    Attributes:
        target: the target's field.
        scale: data range, resolution ratio and RGB bands, for the metrics.
        baseline: name and function of the baseline, or None.
        batch: number of samples that are scored at once.
        undefined: metrics that are undefined for every sample of the dataset, with the reason.
        failures: number of failed predictions by kind, of the newest ``rows``.
        scored: number of samples of the newest ``rows``.
        report: receives a line for each thing that a user should know about the data, once.
        origin: of the plug-in's weights; None where they are not those of a checkpoint.
    """

    report: Callable[[str], None] = staticmethod(print_remark)
    origin: Origin | None = None

    def __init__(
        self,
        dataset: Dataset,
        gan: Any,
        plugin: Path,
        names: Sequence[str],
        *,
        baseline: bool = True,
        regions: bool = True,
    ) -> None:
        """Prepare to score a plug-in.

        Args:
            dataset: the samples.
            gan: the plug-in.
            plugin: its file.
            names: names of the metrics.
            baseline: score the baseline too, where there is one.
            regions: score inside and outside of the manifest's ``score_by`` too, where there is one.
        """
        self.dataset, self.gan, self.plugin = dataset, gan, plugin
        self.experiment = dataset.experiment
        self.names = list(names)
        manifest = self.experiment.manifest
        self.target = manifest.fields[manifest.target]
        self.scale = self._scale()
        reasons = {name: why_undefined(name, len(self.target.bands), self.scale) for name in self.names}
        self.undefined = {name: reason for name, reason in reasons.items() if reason}
        self.failures: dict[str, int] = {}
        self.scored = 0
        # Images of unit norm are not scaled by a range.
        self._range_unreported = self.experiment.NORMALIZE != "l2"
        self._undefined_unreported = True
        self.baseline = choice.choose(manifest) if baseline else None
        self.regions = REGIONS if regions and manifest.score_by else ()
        self.batch = max(1, min(64, PIXELS_A_BATCH // (self.experiment.IMG_HEIGHT * self.experiment.IMG_WIDTH)))
        self._compute = tf.function(self._scores, autograph=False)

    def _scale(self) -> Scale:
        """Return data range, resolution ratio and RGB bands of the target."""
        manifest = self.experiment.manifest
        known = manifest.fields[manifest.input].gsd and self.target.gsd
        ratio = 1.0 / manifest.ratio if known else None
        if self.experiment.NORMALIZE == "l2":
            # Unit-norm images cannot be converted to physical units; their values are at most 1.
            return Scale(1.0, ratio, self.target.rgb_indices)
        low, high = self.target.bounds
        return Scale(max(high) - min(low), ratio, self.target.rgb_indices, min(low))

    @property
    def measures(self) -> list[str]:
        """Names of the scores of a prediction: every metric, then every metric in every region (``PSNR.inside``)."""
        return [*self.names, *(column(name, region) for region in self.regions for name in self.names)]

    @property
    def columns(self) -> list[str]:
        """Columns of scores: every measure of the prediction, then of the baseline as ``<measure>_<baseline>``."""
        extra = [f"{name}_{self.baseline[0]}" for name in self.measures] if self.baseline else []
        return [*self.measures, *extra]

    def predict(self, batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return input, target and prediction of a batch in physical units.

        Args:
            batch: fields as stored, with a batch axis.

        Returns:
            Three float32 tensors (batch, [time step,] height, width, band); time steps may be folded into bands.
        """
        experiment, manifest = self.experiment, self.experiment.manifest
        fields = prepare(batch, experiment)
        prediction = tf.cast(contract.forward(self.gan, self.plugin, fields), tf.float32)
        contract.check_shape(self.gan, self.plugin, prediction, fields["target"].shape[1:])
        return (
            physical(fields["input_image"], manifest.fields[manifest.input], experiment),
            physical(fields["target"], self.target, experiment),
            physical(prediction, self.target, experiment),
        )

    def _scores(self, batch: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
        """Return the scores (batch,) of every column, and which predictions fail, bool (batch,) by kind."""
        _, target, prediction = self.predict(batch)
        failed = failures.failures(flat(target), flat(prediction), valid_pixels(batch, self.experiment))
        scores = self._score(batch, target, prediction)
        if self.baseline:
            name, _ = self.baseline
            baseline_scores = self._score(batch, target, self._baseline_prediction(batch))
            scores |= {f"{measure}_{name}": values for measure, values in baseline_scores.items()}
        return scores, failed

    def _score(self, batch: dict[str, tf.Tensor], target: tf.Tensor, prediction: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the scores (batch,) of every metric, over the whole image and by region."""
        valid = valid_pixels(batch, self.experiment)
        steps = self.target.time_steps
        targets, predictions = split_time_steps(target, steps), split_time_steps(prediction, steps)
        split = [name for name in self.names if steps and name in PER_TIME_STEP]
        together = [name for name in self.names if name not in split]
        scores = self._apply_metrics(flat(target), flat(prediction), valid, together)
        if split:
            repeated = None if valid is None else tf.repeat(valid, steps, axis=0)
            of_steps = self._apply_metrics(targets, predictions, repeated, split)
            scores |= {name: mean_over_time_steps(values, steps) for name, values in of_steps.items()}
        scores = {name: scores[name] for name in self.names}
        if self.regions:
            mask = prepare(batch, self.experiment)[self.experiment.manifest.score_by or ""]
            for region, valid_in_region in masks(mask, steps, valid).items():
                for name, values in self._apply_metrics(targets, predictions, valid_in_region, self.names).items():
                    scores[column(name, region)] = mean_over_time_steps(values, steps)
        return scores

    def _apply_metrics(
        self, target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, names: Sequence[str]
    ) -> dict[str, tf.Tensor]:
        """Return the scores of some metrics, NaN for those that are undefined for the whole dataset.

        Raises:
            UserError: a metric fails; with its file.
        """
        scores: dict[str, tf.Tensor] = {}
        for name in names:
            if name in self.undefined:
                scores[name] = tf.fill([tf.shape(target)[0]], math.nan)
                continue
            module = importlib.import_module(ALL_METRICS[name].split(":")[0])
            with attributed_to(Path(str(module.__file__)), f"metric {name} fails"):
                scores |= score(target, prediction, self.scale, [name], mask)
        return scores

    def _baseline_prediction(self, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the baseline's prediction in the units in which the target is scored."""
        assert self.baseline is not None
        experiment, manifest = self.experiment, self.experiment.manifest
        source = manifest.fields[manifest.input]
        stored = batch[manifest.input]
        values = physical(scaled(stored, source, experiment), source, experiment)
        prediction = self.baseline[1](values)
        prediction = tf.image.resize(prediction, (experiment.IMG_HEIGHT, experiment.IMG_WIDTH), method="nearest")
        return tf.nn.l2_normalize(prediction, axis=(1, 2, 3)) if experiment.NORMALIZE == "l2" else prediction

    def rows(self, split: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield for each sample its name (``tile``) and scores; count the predictions that fail.

        Raises:
            UserError: a record is damaged; with file and field.
        """
        if self._undefined_unreported:
            self._undefined_unreported = False
            for name, reason in self.undefined.items():
                self.report(f"{name}: is undefined for every sample: {reason}")
        self.failures, self.scored = {failures.NON_FINITE: 0, failures.CONSTANT: 0}, 0
        for group, batch in self.batches(split, names):
            computed, failed = self._compute(batch)
            scores = {name: values.numpy() for name, values in computed.items()}
            for kind, values in failed.items():
                self.failures[kind] += int(values.numpy()[: len(group)].sum())
            self.scored += len(group)
            for index, name in enumerate(group):
                yield {"tile": name, **{metric: float(values[index]) for metric, values in scores.items()}}

    def batches(self, split: str, names: Sequence[str]) -> Iterator[tuple[Sequence[str], dict[str, tf.Tensor]]]:
        """Yield groups of names and their fields as stored; the last batch is padded with the first samples.

        Raises:
            UserError: a record is damaged; with file and field.
        """
        if not names:
            return
        size = min(self.batch, len(names))
        # Another batch size would be compiled again, which takes longer than to compute some samples twice.
        padded = [*names, *names[: -len(names) % size]]
        batches = iter(self.dataset.batches(split, padded, size))
        for first in range(0, len(names), size):
            group = names[first : first + size]
            try:
                batch = next(batches)
            except DAMAGE as error:
                raise UserError(*(self.dataset.diagnose(split, group) or [f"{split}: {error}"])) from error
            if self._range_unreported:
                self._range_unreported = False
                for line in ranges.remarks(batch, self.experiment.manifest, self.dataset.listing.folder):
                    self.report(line)
            yield group, batch

    @property
    def failed(self) -> str:
        """The failed predictions of the newest ``rows`` in words; "" where there are none."""
        return failures.in_words(self.failures, self.scored)

    def means(self, split: str, names: Sequence[str]) -> dict[str, float]:
        """Return the mean of every column over samples, leaving out undefined scores."""
        rows = list(self.rows(split, names))
        return {column: mean_of_finite([row[column] for row in rows]) for column in self.columns}


def flat(values: tf.Tensor) -> tf.Tensor:
    """Fold the time steps of (batch, time step, height, width, band) into bands: all bands of the first, and so on."""
    if len(values.shape) == 4:
        return values
    time_steps, bands = values.shape[1], values.shape[4]
    values = tf.transpose(values, (0, 2, 3, 1, 4))
    return tf.reshape(values, (-1, values.shape[1], values.shape[2], time_steps * bands))
