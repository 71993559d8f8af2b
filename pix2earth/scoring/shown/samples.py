"""Samples as figures show them: input, target and prediction in physical units, and the panels of the plug-in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from pix2earth.baselines.suitability import DAYS_FROM_TARGET
from pix2earth.batches.preparation import VALIDITY, all_valid, measured_input, physical, valid_pixels
from pix2earth.batches.time_steps import unfold
from pix2earth.plugins import panels
from pix2earth.plugins.panels import PanelImages
from pix2earth.records.manifest import Manifest
from pix2earth.scoring.shown import baseline as shown_baseline
from pix2earth.scoring.shown.baseline import ShownBaseline
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.scoring.scorer import Scorer


class ShownSamples(NamedTuple):
    """Images of some samples, each (sample, [time step,] height, width, band); time steps may be folded into bands.

    Attributes:
        inputs: physical values, NaN where any band has no measurement.
        targets: physical values, NaN where the target is not valid, as ``preparation.validity`` defines it.
        predictions: physical values.
        panels: further images by title; physical values where they have a role.
        baselines: predictions of the baseline, physical values; None where they were not asked for or there is none.
        baseline_name: of the baseline; "" where there are none.
        scores: of each sample by "prediction" or "baseline" and metric, (sample,); none where not asked for.
        days: from the target to each time step of the input, negative before it, (sample, time step); None where the
            dataset does not state them.
    """

    inputs: np.ndarray
    targets: np.ndarray
    predictions: np.ndarray
    panels: dict[str, PanelImages]
    baselines: np.ndarray | None = None
    baseline_name: str = ""
    scores: Mapping[str, Mapping[str, np.ndarray]] = MappingProxyType({})
    days: np.ndarray | None = None


def shown(
    scorer: Scorer,
    split: str,
    names: Sequence[str],
    *,
    with_panels: bool = False,
    with_baseline: bool = False,
    with_scores: bool = False,
    baseline: ShownBaseline | None = None,
) -> ShownSamples:
    """Return some samples in the order of their names.

    Args:
        scorer: of the network.
        split: of the samples.
        names: at least one.
        with_panels: call the plug-in's method ``panels`` too, where it has one.
        with_baseline: predict with a baseline too, where there is one.
        with_scores: score predictions and baselines.
        baseline: that predicts, with ``with_baseline``; None: the one that ``shown.baseline.of_scorer`` chooses.

    Raises:
        UserError: a record is damaged, with file and field; or ``panels`` fails.
    """
    found: dict[str, tuple[np.ndarray, ...]] = {}
    further: list[dict[str, PanelImages]] = []
    order: list[str] = []
    baseline = (baseline or shown_baseline.of_scorer(scorer)) if with_baseline else None
    for group, batch in scorer.batches(split, names):
        *arrays, images = _of_batch(scorer, batch, baseline, with_panels=with_panels and any(group))
        scored = [index for index, name in enumerate(group) if name]
        found |= {str(group[index]): tuple(array[index] for array in arrays) for index in scored}
        if scored:
            further.append({title: PanelImages(one.values[scored], one.role) for title, one in images.items()})
            order += [str(group[index]) for index in scored]
    inputs, targets, predictions, days, *baselines = (
        np.stack(each) for each in zip(*(found[name] for name in names), strict=True)
    )
    places = [order.index(name) for name in names]
    found_scores = {}
    if with_scores:
        predicted = {"prediction": predictions} | ({"baseline": baselines[0]} if baselines else {})
        found_scores = {role: shown_baseline.scores(scorer, targets, each) for role, each in predicted.items()}
    return ShownSamples(
        inputs, targets, predictions, _joined(scorer, further, places), baselines[0] if baselines else None,
        baseline.name if baseline else "", found_scores, days if days.size else None,
    )  # fmt: skip


def _of_batch(
    scorer: Scorer, batch: dict[str, tf.Tensor], baseline: ShownBaseline | None, *, with_panels: bool
) -> tuple[Any, ...]:
    """Return input, target, predictions and panels of a batch as stored, as ``ShownSamples`` has them."""
    experiment, manifest = scorer.experiment, scorer.experiment.manifest
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    fields, prediction = scorer.forward(batch)
    images = {}
    if with_panels:
        valid = fields[VALIDITY] if VALIDITY in fields else all_valid(fields["target"], experiment)
        images = panels.computed(scorer.gan, scorer.plugin, {**fields, VALIDITY: valid, "prediction": prediction})
    of_role = {"input": source, "target": target}
    for title, (values, role) in images.items():
        if role:
            images[title] = PanelImages(physical(values, of_role[role], experiment).numpy(), role)
    inputs = physical(fields["input_image"], source, experiment)
    targets = physical(fields["target"], target, experiment)
    return (
        _only(inputs, measured_input(batch, experiment), source.time_steps),
        _only(targets, valid_pixels(batch, experiment), target.time_steps),
        physical(prediction, target, experiment).numpy(),
        _days_from_target(batch, manifest),
        *([np.asarray(baseline.predict(batch, fields))] if baseline else []),
        images,
    )


def _days_from_target(batch: dict[str, tf.Tensor], manifest: Manifest) -> np.ndarray:
    """Return the days from the target to each time step of the input, (batch, time step); without them (batch, 0)."""
    steps = manifest.fields[manifest.input].time_steps
    field = manifest.fields.get(DAYS_FROM_TARGET)
    if field is None or DAYS_FROM_TARGET not in batch or not steps or field.time_steps != steps:
        return np.zeros((len(batch[manifest.input]), 0), np.float32)
    stored = np.asarray(batch[DAYS_FROM_TARGET], np.float32).reshape(-1, steps, *field.shape[1:])
    return stored[:, :, 0, 0, 0] * np.float32(field.scale) + np.float32(field.offset)


def _only(values: tf.Tensor, measured: tf.Tensor | None, steps: int | None) -> np.ndarray:
    """Return images with NaN where nothing is measured.

    Args:
        values: (batch, [time step,] height, width, band); time steps may be folded into bands.
        measured: bool (batch, [time step,] height, width); None: everywhere.
        steps: number of time steps, or None.

    Returns:
        The same, with an axis of time steps where they differ in what is measured.
    """
    images = np.asarray(values)
    if measured is None:
        return images
    places = np.asarray(measured)
    if places.ndim == 4 and images.ndim == 4:
        images = unfold(images, steps or 1)
    places = places[:, None] if places.ndim < images.ndim - 1 else places
    return np.where(places[..., None], images, np.float32(np.nan))


def _joined(scorer: Scorer, batches: Sequence[dict[str, PanelImages]], order: Sequence[int]) -> dict[str, PanelImages]:
    """Return the panels of all batches in another order of samples.

    Raises:
        UserError: the batches have other titles or shapes.
    """
    first = batches[0]
    described = [{title: (one.role, one.values.shape[1:]) for title, one in images.items()} for images in batches]
    if any(each != described[0] for each in described):
        raise UserError(f"{scorer.plugin}: panels() returns other titles or shapes for some samples than for others")
    return {
        title: PanelImages(np.concatenate([images[title].values for images in batches])[list(order)], first[title].role)
        for title in first
    }
