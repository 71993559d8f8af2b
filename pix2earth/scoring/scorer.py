"""Metrics of a plug-in and of the trivial baseline on samples, in physical units."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from metrics import KNOWN, Scale, score
from pix2earth.baselines import choice
from pix2earth.batches.preparation import physical, prepare, scaled, valid_pixels
from pix2earth.plugins import contract
from pix2earth.plugins.failures import blaming
from pix2earth.records.format import DAMAGE
from pix2earth.scoring.regions import REGIONS, by_date, column, masks, mean_over_dates
from pix2earth.scoring.undefined import mean_of_finite
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.batches.dataset import Dataset

PIXELS_A_BATCH = 8 * 256 * 256  # measured: larger batches leave the cache


class Scorer:
    """Computes metrics batch by batch in one compiled function."""

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
        """Prepare to score ``gan`` by the metrics ``names``.

        Args:
            dataset: what to score on.
            gan: the plug-in's networks.
            plugin: its file.
            names: of metrics.
            baseline: score the trivial baseline too, where there is one.
            regions: score inside and outside of the manifest's ``score_by`` too, where there is one.
        """
        self.dataset, self.gan, self.plugin = dataset, gan, plugin
        self.experiment = dataset.experiment
        self.names = list(names)
        manifest = self.experiment.manifest
        self.target = manifest.fields[manifest.target]
        self.scale = self._scale()
        self.baseline = choice.choose(manifest) if baseline else None
        self.regions = REGIONS if regions and manifest.score_by else ()
        self.batch = max(1, min(64, PIXELS_A_BATCH // (self.experiment.IMG_HEIGHT * self.experiment.IMG_WIDTH)))
        self._compute = tf.function(self._scores, autograph=False)

    def _scale(self) -> Scale:
        low, high = self.target.bounds
        # Unit-norm images cannot be brought back to physical units; 1 bounds their range.
        data_range = 1.0 if self.experiment.NORMALIZE == "l2" else max(high) - min(low)
        return Scale(data_range, 1.0 / self.experiment.manifest.ratio, self.target.rgb_indices)

    @property
    def measures(self) -> list[str]:
        """What is measured: every metric, then every metric in every region as ``<metric>.<region>``."""
        return [*self.names, *(column(name, region) for region in self.regions for name in self.names)]

    @property
    def columns(self) -> list[str]:
        """The columns of scores: every measure, then every measure of the baseline as ``<measure>_<baseline>``."""
        extra = [f"{name}_{self.baseline[0]}" for name in self.measures] if self.baseline else []
        return [*self.measures, *extra]

    def predict(self, batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return input, target and prediction of a batch as stored, in physical units."""
        experiment, manifest = self.experiment, self.experiment.manifest
        fields = prepare(batch, experiment)
        made = tf.cast(contract.forward(self.gan, self.plugin, fields), tf.float32)
        return (
            physical(fields["input_image"], manifest.fields[manifest.input], experiment),
            physical(fields["target"], self.target, experiment),
            physical(made, self.target, experiment),
        )

    def _scores(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        _, target, prediction = self.predict(batch)
        result = self._measured(batch, target, prediction)
        if self.baseline:
            name, _ = self.baseline
            made = self._measured(batch, target, self._baseline_prediction(batch))
            result |= {f"{measure}_{name}": values for measure, values in made.items()}
        return result

    def _measured(self, batch: dict[str, tf.Tensor], target: tf.Tensor, prediction: tf.Tensor) -> dict[str, tf.Tensor]:
        """Score by every metric, over the whole image and by region."""
        valid = valid_pixels(batch, self.experiment)
        result = self._scored(flat(target), flat(prediction), valid)
        if self.regions:
            dates = self.target.time_steps
            wanted, made = by_date(target, dates), by_date(prediction, dates)
            mask = prepare(batch, self.experiment)[self.experiment.manifest.score_by or ""]
            for region, where in masks(mask, dates, valid).items():
                scores = self._scored(wanted, made, where)
                result |= {column(name, region): mean_over_dates(values, dates) for name, values in scores.items()}
        return result

    def _scored(self, target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None) -> dict[str, tf.Tensor]:
        """Score by every metric; one that fails is named with its file."""
        scores: dict[str, tf.Tensor] = {}
        for name in self.names:
            module = importlib.import_module(KNOWN[name].split(":")[0])
            with blaming(Path(str(module.__file__)), f"metric {name} fails"):
                scores |= score(target, prediction, self.scale, [name], mask)
        return scores

    def _baseline_prediction(self, batch: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the baseline's prediction in the unit in which the target is scored."""
        assert self.baseline is not None
        experiment, manifest = self.experiment, self.experiment.manifest
        source = manifest.fields[manifest.input]
        stored = batch[manifest.input]
        values = physical(scaled(stored, source, experiment), source, experiment)
        made = self.baseline[1](values)
        made = tf.image.resize(made, (experiment.IMG_HEIGHT, experiment.IMG_WIDTH), method="nearest")
        return tf.nn.l2_normalize(made, axis=(1, 2, 3)) if experiment.NORMALIZE == "l2" else made

    def rows(self, split: str, names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield for each sample its name (``tile``) and scores.

        Raises:
            UserError: a record is damaged; with file and field.
        """
        for group, batch in self.batches(split, names):
            scores = {name: values.numpy() for name, values in self._compute(batch).items()}
            for index, name in enumerate(group):
                yield {"tile": name, **{metric: float(values[index]) for metric, values in scores.items()}}

    def batches(self, split: str, names: Sequence[str]) -> Iterator[tuple[Sequence[str], dict[str, tf.Tensor]]]:
        """Yield groups of names and their fields as stored; the last batch is filled up with samples of the first.

        Raises:
            UserError: a record is damaged; with file and field.
        """
        if not names:
            return
        size = min(self.batch, len(names))
        # Another batch size would be compiled anew, which takes longer than to compute some samples twice.
        padded = [*names, *names[: -len(names) % size]]
        batches = iter(self.dataset.batches(split, padded, size))
        for first in range(0, len(names), size):
            group = names[first : first + size]
            try:
                batch = next(batches)
            except DAMAGE as error:
                raise UserError(*(self.dataset.diagnose(split, group) or [f"{split}: {error}"])) from error
            yield group, batch

    def means(self, split: str, names: Sequence[str]) -> dict[str, float]:
        """Return the mean of every column over samples, leaving out undefined scores."""
        rows = list(self.rows(split, names))
        return {column: mean_of_finite([row[column] for row in rows]) for column in self.columns}


def flat(values: tf.Tensor) -> tf.Tensor:
    """Fold the dates of (batch, date, height, width, band) into bands, date by date."""
    if len(values.shape) == 4:
        return values
    dates, bands = values.shape[1], values.shape[4]
    values = tf.transpose(values, (0, 2, 3, 1, 4))
    return tf.reshape(values, (-1, values.shape[1], values.shape[2], dates * bands))
