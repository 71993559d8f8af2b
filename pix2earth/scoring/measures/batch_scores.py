"""Scores of a batch: of whole images, by region, of single bands and of single time steps."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import tensorflow as tf

from metrics import ALL_METRICS, MIDDLE_TIME_STEP, PER_TIME_STEP, WHOLE_IMAGE, Scale, score, why_undefined
from pix2earth.batches.time_steps import flat, separate
from pix2earth.plugins.failures import attributed_to
from pix2earth.scoring import regions as scored_regions
from pix2earth.scoring.measures import metric_fields
from pix2earth.scoring.regions import by_time_step, column, differs, for_time_steps, mean_over_time_steps

if TYPE_CHECKING:
    from experiment import Experiment

BAND, TIME_STEP = "band", "time_step"


class BatchScores:
    """Computes the scores of a batch of predictions.

    Attributes:
        names: of the metrics of whole images.
        undefined: metrics that are undefined for every sample of the dataset, with the reason.
        columns: names of all scores: metrics, then those of regions (``PSNR.inside``), of bands
            (``RMSE.band[B04]``, ``RMSE.inside.band[B04]``) and of time steps (``RMSE.time_step[2]``).
        remarks: a line for each part that the target does not have.
    """

    def __init__(
        self,
        experiment: Experiment,
        scale: Scale,
        names: Sequence[str],
        regions: Sequence[str],
        parts: Sequence[tuple[str, str]],
    ) -> None:
        """Find out which scores there are.

        Args:
            experiment: the dataset.
            scale: of the target.
            names: of the metrics.
            regions: in which they are computed too.
            parts: metrics that are computed of each "band" or "time_step" too, with that word.

        Raises:
            UserError: a metric asks for a field that the dataset does not have.
        """
        self._experiment, self._scale, self.names = experiment, scale, list(names)
        self._target = experiment.manifest.fields[experiment.manifest.target]
        every = list(dict.fromkeys([*names, *(name for name, _ in parts)]))
        self._further = metric_fields.named(every, experiment)
        reasons = {
            name: why_undefined(name, len(self._target.bands), scale) or metric_fields.why_undefined(name, experiment)
            for name in every
        }
        self.undefined = {name: reason for name, reason in reasons.items() if reason}
        has_steps = bool(self._target.time_steps)
        self._parts = [(name, part) for name, part in parts if part == BAND or has_steps]
        self.remarks = [
            f"{name}_by_{part}: is left out: the target has no time steps"
            for name, part in parts
            if part == TIME_STEP and not has_steps
        ]
        self._regions = list(regions)
        self._by_region = [name for name in names if name not in WHOLE_IMAGE]
        in_regions = [column(name, region) for region in regions for name in self._by_region]
        self.columns = [*self.names, *in_regions, *self._part_columns()]

    def _part_columns(self) -> list[str]:
        found = []
        for name, part in self._parts:
            places = [""] if name in WHOLE_IMAGE else ["", *self._regions]
            found += [_part_column(name, place, part, label) for place in places for label in self._labels(part)]
        return found

    def _labels(self, part: str) -> list[str]:
        """Return the names of bands, in which brackets would end the label, or the numbers of time steps from 1."""
        if part == BAND:
            return [band.replace("[", "(").replace("]", ")") for band in self._target.bands]
        return [str(number + 1) for number in range(self._target.time_steps or 0)]

    def __call__(
        self, prepared: dict[str, tf.Tensor], valid: tf.Tensor | None, target: tf.Tensor, prediction: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Return the scores (batch,) of every column.

        Args:
            prepared: fields of the batch in the values of the network.
            valid: bool (batch, [time step,] height, width), the pixels that are scored; None: all.
            target: (batch, height, width, band) in physical units, time steps folded.
            prediction: of the same shape and unit.
        """
        steps = self._target.time_steps
        further = metric_fields.physical_fields(prepared, self._further, self._experiment)
        whole = {name: flat(values) for name, values in further.items()}
        single = {
            name: for_time_steps(values, metric_fields.field(name, self._experiment), steps)
            for name, values in further.items()
        }
        of_steps = by_time_step(valid, steps)
        targets, predictions = separate(target, steps), separate(prediction, steps)
        masks: dict[str, tf.Tensor | None] = {"": of_steps}
        if self._regions:
            masks |= scored_regions.valid_by_region(self._experiment, prepared, of_steps, tf.shape(targets)[0])
        # Where pixels are missing at single time steps, every metric has its own pixels at each of them.
        split = [name for name in ALL_METRICS if steps and (name in PER_TIME_STEP or differs(valid))]
        together = [name for name in self.names if name not in split]
        apart = [name for name in self.names if name in split]
        found = self._apply(target, prediction, valid, together, whole)
        found |= self._over_steps(self._apply(targets, predictions, of_steps, apart, single))
        for region in self._regions:
            scored = self._apply(targets, predictions, masks[region], self._by_region, single)
            found |= {column(name, region): values for name, values in self._over_steps(scored).items()}
        for name, part in self._parts:
            for place in [""] if name in WHOLE_IMAGE else ["", *self._regions]:
                if part == TIME_STEP:
                    scores = self._apply(targets, predictions, masks[place], [name], single)[name]
                    values = tf.unstack(tf.reshape(scores, (-1, steps or 1)), axis=1)
                elif place or name in split:
                    values = self._of_bands(name, targets, predictions, masks[place], single)
                else:
                    values = self._of_bands(name, target, prediction, valid, whole)
                labels = self._labels(part)
                found |= {_part_column(name, place, part, label): v for label, v in zip(labels, values, strict=True)}
        return {name: found[name] for name in self.columns}

    def _of_bands(
        self,
        name: str,
        target: tf.Tensor,
        prediction: tf.Tensor,
        mask: tf.Tensor | None,
        fields: Mapping[str, tf.Tensor],
    ) -> list[tf.Tensor]:
        """Return the scores (batch,) of each band; where time steps are folded, of all its time steps together."""
        bands, values = len(self._target.bands), []
        for band in range(bands):
            images = target[..., band::bands], prediction[..., band::bands]
            scores = self._apply(*images, mask, [name], fields)
            together = target.shape[-1] != bands
            values.append(scores[name] if together else self._over_steps(scores)[name])
        return values

    def _over_steps(self, scores: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return the scores (batch,) of scores of each time step: their mean, or that of the middle one."""
        steps = self._target.time_steps
        return {
            name: tf.reshape(values, (-1, steps))[:, steps // 2]
            if steps and name in MIDDLE_TIME_STEP
            else mean_over_time_steps(values, steps)
            for name, values in scores.items()
        }

    def _apply(
        self,
        target: tf.Tensor,
        prediction: tf.Tensor,
        mask: tf.Tensor | None,
        names: Sequence[str],
        fields: Mapping[str, tf.Tensor],
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
                scores |= score(target, prediction, self._scale, [name], mask, fields)
        return scores


def _part_column(name: str, region: str, part: str, label: str) -> str:
    """Return the name of the column of a band or time step, "RMSE.inside.band[B04]"."""
    return f"{column(name, region) if region else name}.{part}[{label}]"
