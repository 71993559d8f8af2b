"""Metrics of a plug-in and of the baseline on samples, in physical units."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from metrics import BY_PART, DISTANCES, OF_SETS
from pix2earth.baselines import choice, injection
from pix2earth.baselines.answers.applying import applied, beside_network
from pix2earth.batches.evaluation_reading import read, repeated
from pix2earth.batches.preparation import physical, prepare, scaled, valid_pixels
from pix2earth.batches.time_steps import flat
from pix2earth.plugins import contract
from pix2earth.scoring import failures, ranges
from pix2earth.scoring import regions as scored_regions
from pix2earth.scoring.measures import metric_fields
from pix2earth.scoring.measures.batch_scores import BatchScores
from pix2earth.scoring.measures.set_figures import SetFigures
from pix2earth.scoring.regions import pixels_of_all_steps
from pix2earth.scoring.undefined import mean_of_finite

if TYPE_CHECKING:
    from pix2earth.baselines.choice import Baseline
    from pix2earth.batches.dataset import Dataset
    from pix2earth.records.listing import Listing
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
        baseline: name and function of the first baseline, or None.
        answers: further baselines: the trivial answers that fit the dataset.
        batch: number of samples that are scored at once.
        of_set: figures of all samples of the newest ``rows`` together.
        paired: whether input and target of the samples belong together.
        undefined: metrics that are undefined for every sample of the dataset, with the reason.
        fitted_to: the dataset whose training split baselines are fitted to.
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
        fitted_to: Listing | None = None,
        split: str | None = None,
    ) -> None:
        """Prepare to score a plug-in.

        Args:
            dataset: the samples.
            gan: the plug-in.
            plugin: its file.
            names: names of the metrics.
            baseline: score baselines too, where there are any.
            regions: score by region too: inside and outside of the manifest's ``score_by``, in a disk, and what names
                of ``metrics.BY_PART`` stand for.
            fitted_to: the dataset whose training split baselines are fitted to; None: that of the samples.
            split: of the samples. Where they are no pairs, distances of distributions are computed instead of the
                metrics. None: they are pairs.
        """
        self.dataset, self.gan, self.plugin = dataset, gan, plugin
        dataset.sampling = contract.sampling(gan, plugin)
        self.experiment = dataset.experiment
        self.paired = split is None or dataset.paired(split)
        names = names if self.paired else list(DISTANCES)
        manifest = self.experiment.manifest
        self.target = manifest.fields[manifest.target]
        self.scale = metric_fields.scale(self.experiment)
        self.regions = scored_regions.names(self.experiment) if regions else ()
        parts = [BY_PART[name] for name in names if name in BY_PART]
        single = [name for name in names if name not in OF_SETS and name not in BY_PART]
        self._of_batch = BatchScores(self.experiment, self.scale, single, self.regions, parts if regions else ())
        self.names, self.undefined = self._of_batch.names, self._of_batch.undefined
        self.of_set = SetFigures([name for name in names if name in OF_SETS], self.experiment, self.scale)
        self.failures: dict[str, int] = {}
        self.scored = 0
        self._range_unreported = self.experiment.NORMALIZE != "l2"  # unit norm is not scaled by a range
        self._undefined_unreported = True
        self.fitted_to = fitted_to or dataset.listing
        self.baseline = choice.choose(manifest, partial(injection.fitted, self.fitted_to)) if baseline else None
        known = [self.baseline.name] if self.baseline else []
        self.answers = beside_network(self.experiment, self.fitted_to, known, self.report) if baseline else []
        self.batch = max(1, min(64, PIXELS_A_BATCH // (self.experiment.IMG_HEIGHT * self.experiment.IMG_WIDTH)))
        self._compute = tf.function(self._scores, autograph=False)

    @property
    def measures(self) -> list[str]:
        """Names of the scores of a prediction, as ``BatchScores.columns`` orders them."""
        return self._of_batch.columns

    @property
    def computed(self) -> list[str]:
        """Names of the metrics of any score."""
        return list(dict.fromkeys(name.partition(".")[0] for name in self.measures))

    @property
    def columns(self) -> list[str]:
        """Columns of scores: every measure of the prediction, then of each baseline as ``<measure>_<baseline>``."""
        return [*self.measures, *(f"{name}_{baseline}" for baseline in self.baselines for name in self.measures)]

    @property
    def baselines(self) -> list[str]:
        """Names of all baselines, the first one first."""
        return [*([self.baseline.name] if self.baseline else []), *(each.name for each in self.answers)]

    def predict(self, batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return input, target and prediction of a batch in physical units.

        Args:
            batch: fields as stored, with a batch axis.

        Returns:
            Three float32 tensors (batch, [time step,] height, width, band); time steps may be folded into bands.
        """
        experiment, manifest = self.experiment, self.experiment.manifest
        fields, prediction = self.forward(batch)
        return (
            physical(fields["input_image"], manifest.fields[manifest.input], experiment),
            physical(fields["target"], self.target, experiment),
            physical(prediction, self.target, experiment),
        )

    def forward(self, batch: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        """Return the prepared fields of a batch as stored, and the prediction, in the values of the network."""
        fields = prepare(batch, self.experiment)
        prediction = tf.cast(contract.forward(self.gan, self.plugin, fields), tf.float32)
        contract.check_shape(self.gan, self.plugin, prediction, fields["target"].shape[1:])
        return fields, prediction

    def _scores(self, batch: dict[str, tf.Tensor]) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor], dict[str, Any]]:
        """Return the scores (batch,) of every column, which predictions fail, bool (batch,) by kind, ``of_set``'s."""
        experiment = self.experiment
        fields, prediction = self.forward(batch)
        target, prediction = (physical(values, self.target, experiment) for values in (fields["target"], prediction))
        valid = valid_pixels(batch, experiment)
        failed = failures.of_samples(target, prediction, valid, self.target.time_steps)
        predictions = [flat(prediction), *map(flat, self._of_baselines(batch, fields))]
        # One graph of the metrics for all: it takes longer to trace than to compute.
        count = len(predictions)
        target, fields = tf.concat([flat(target)] * count, axis=0), repeated(fields, count)
        valid = None if valid is None else tf.concat([valid] * count, axis=0)
        joined = tf.concat(predictions, axis=0)
        computed = self._of_batch(fields, valid, target, joined)
        of_set = self.of_set.of_samples(target, joined, pixels_of_all_steps(valid), self.baselines)
        endings = ["", *(f"_{name}" for name in self.baselines)]
        parts = {measure: tf.split(values, count) for measure, values in computed.items()}
        scores = {f"{name}{end}": parts[name][index] for index, end in enumerate(endings) for name in parts}
        return scores, failed, of_set

    def _of_baselines(self, batch: dict[str, tf.Tensor], fields: dict[str, tf.Tensor]) -> list[tf.Tensor]:
        """Return the predictions of all baselines, in the units in which the target is scored."""
        first = [self.baseline_prediction(batch)] if self.baseline else []
        return [*first, *(applied(each.answer, fields, self.experiment, each.weights) for each in self.answers)]

    def baseline_prediction(self, batch: Mapping[str, tf.Tensor], baseline: Baseline | None = None) -> tf.Tensor:
        """Return the prediction of the first baseline, or of another one, in the units of the scored target."""
        baseline = baseline or self.baseline
        assert baseline
        experiment, manifest = self.experiment, self.experiment.manifest
        described = {name: manifest.fields[name] for name in baseline.fields}
        values = [physical(scaled(batch[name], each, experiment), each, experiment) for name, each in described.items()]
        prediction = baseline.predict(*values)
        prediction = tf.image.resize(prediction, (experiment.IMG_HEIGHT, experiment.IMG_WIDTH), method="nearest")
        return tf.nn.l2_normalize(prediction, axis=(1, 2, 3)) if experiment.NORMALIZE == "l2" else prediction

    def rows(self, split: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield for each sample its name (``tile``) and scores; count the predictions that fail.

        Raises:
            UserError: a record is damaged; with file and field.
        """
        if self._undefined_unreported:
            self._undefined_unreported = False
            for name, reason in (self.undefined | self.of_set.undefined).items():
                self.report(f"{name}: is undefined for every sample: {reason}")
            for line in [*metric_fields.remarks(self.names, self.experiment), *self._of_batch.remarks]:
                self.report(line)
        self.failures, self.scored = {failures.NON_FINITE: 0, failures.CONSTANT: 0}, 0
        self.of_set.start()
        for group, batch in self.batches(split, names):
            computed, failed, of_set = self._compute(batch)
            scores = {name: values.numpy() for name, values in computed.items()}
            scored = [index for index, name in enumerate(group) if name is not None]
            for kind, values in failed.items():
                self.failures[kind] += int(values.numpy()[scored].sum())
            self.scored += len(scored)
            self.of_set.add(of_set, scored)
            for index in scored:
                yield {"tile": group[index], **{metric: float(values[index]) for metric, values in scores.items()}}

    def batches(self, split: str, names: Sequence[str]) -> Iterator[tuple[Sequence[str | None], dict[str, tf.Tensor]]]:
        """Yield batches of fields as stored, with the name of each sample; None for one that is not asked for.

        Such samples fill the last batch, or are earlier time steps of a sequence, whose state a network carries on.

        Raises:
            UserError: a record is damaged; with file and field.
        """
        for group, batch in read(self.dataset, split, names, self.batch):
            if self._range_unreported:
                self._range_unreported = False
                for line in ranges.remarks(batch, self.experiment.manifest, self.dataset.listing.folder):
                    self.report(line)
            yield group.scored, batch

    @property
    def failed(self) -> str:
        """The failed predictions of the newest ``rows`` in words, or ""."""
        return failures.in_words(self.failures, self.scored)

    def means(self, split: str, names: Sequence[str]) -> dict[str, float]:
        """Return the mean of every column over samples, leaving out undefined scores."""
        rows = list(self.rows(split, names))
        return {column: mean_of_finite([row[column] for row in rows]) for column in self.columns}
