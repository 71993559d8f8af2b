"""Series of frames of one place with the class of every pixel: sequences of samples, or samples with time steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pix2earth.batches.evaluation_reading import read_pool
from pix2earth.batches.preparation import measured_input, physical, prepare_scene, valid_pixels
from pix2earth.batches.time_steps import separate
from pix2earth.records.sequences import sequences

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.batches.dataset import Dataset
    from pix2earth.land_cover.class_fields import LabelledPool
    from pix2earth.records.manifest import Manifest
    from pix2earth.scoring.scorer import Scorer

TRUE, GENERATED, INPUT = "true", "generated", "input"
"""Kinds of frames: of the target, predicted, of the input in the bands of the target."""
BATCH = 16


class PixelSeries(NamedTuple):
    """The frames of one place.

    Attributes:
        name: of the sequence or sample.
        labels: (height, width), the class of each pixel; 0 is none.
        valid: bool (height, width), where all frames of the target are measured.
        frames: by kind, float32 (time, height, width, band) in physical units.
    """

    name: str
    labels: np.ndarray
    valid: np.ndarray
    frames: dict[str, np.ndarray]

    @property
    def chosen(self) -> np.ndarray:
        """Pixels with a class that are measured at all time steps, bool (height, width)."""
        return self.valid & (self.labels != 0)


def members(manifest: Manifest, names: Sequence[str]) -> tuple[dict[str, list[str]], int]:
    """Return the samples of each series in the order of time, and how many series are left out.

    Left out are those that have another number of samples than most have.

    Args:
        manifest: of the dataset.
        names: of the samples.
    """
    found = sequences(names, manifest.sequence) if manifest.sequence else {name: [name] for name in names}
    usual = Counter(map(len, found.values())).most_common(1)[0][0] if found else 0
    kept = {name: samples for name, samples in found.items() if len(samples) == usual}
    return kept, len(found) - len(kept)


def true_series(
    dataset: Dataset, split: str, labelled: LabelledPool, names: Sequence[str] | None = None
) -> Iterator[PixelSeries]:
    """Yield the series of true frames of a split.

    Args:
        dataset: with the target.
        split: of the samples.
        labelled: their pool, and the field with the classes.
        names: of the samples; None: all of the pool.

    Raises:
        UserError: a record is damaged.
    """
    of_pool = names_of_pool(dataset, split, labelled.pool) if names is None else names
    kept, _ = members(dataset.manifest, of_pool)
    order = [name for samples in kept.values() for name in samples]

    def batches() -> Iterator[tuple[Sequence[str], dict[str, np.ndarray]]]:
        needed = {dataset.manifest.target, dataset.manifest.mask, labelled.field}
        for group, stored in read_pool(dataset, split, labelled.pool, order, BATCH):
            batch = {name: values for name, values in stored.items() if name in needed}
            fields = prepare_scene(batch, dataset.experiment)
            found = _labels_and_valid(fields[labelled.field], valid_pixels(batch, dataset.experiment))
            yield group, found | {TRUE: _physical_steps(fields["target"], dataset.manifest.target, dataset.experiment)}

    yield from _collected(kept, batches())


def names_of_pool(dataset: Dataset, split: str, pool: str) -> list[str]:
    """Return the names of all samples of a pool of a split, sorted, also of those that the experiment does not use."""
    return [name for name in dataset.listing.names(split) if not pool or dataset.manifest.pool_of(name) == pool]


def judged_series(scorer: Scorer, split: str, names: Sequence[str], labels: str) -> Iterator[PixelSeries]:
    """Yield the series of a split with generated frames, and those of the input where it has the bands.

    True frames are there too where input and target are pairs. Where they are not, pixels count where the input is
    measured.

    Args:
        scorer: of the network.
        split: of the samples.
        names: the samples.
        labels: name of the field with the classes.

    Raises:
        UserError: a record is damaged.
    """
    kept, _ = members(scorer.dataset.manifest, names)
    order = [name for samples in kept.values() for name in samples]
    experiment, manifest = scorer.experiment, scorer.dataset.manifest

    def batches() -> Iterator[tuple[Sequence[str | None], dict[str, np.ndarray]]]:
        for group, batch in scorer.batches(split, order):
            fields, prediction = scorer.forward(batch)
            valid = valid_pixels(batch, experiment) if scorer.paired else measured_input(batch, experiment)
            found = _labels_and_valid(fields[labels], valid)
            found[GENERATED] = _physical_steps(prediction, manifest.target, experiment)
            if scorer.paired:
                found[TRUE] = _physical_steps(fields["target"], manifest.target, experiment)
            if why_no_input(manifest) is None:
                inputs = _physical_steps(fields["input_image"], manifest.input, experiment)
                found[INPUT] = inputs[..., list(manifest.shared_bands or ())]
            yield group, found

    yield from _collected(kept, batches())


def _collected(
    names: dict[str, list[str]], batches: Iterable[tuple[Sequence[str | None], dict[str, np.ndarray]]]
) -> Iterator[PixelSeries]:
    """Yield each series as soon as all of its samples have been read."""
    series_of = {sample: series for series, samples in names.items() for sample in samples}
    waiting: dict[str, dict[str, dict[str, np.ndarray]]] = {}
    for group, arrays in batches:
        for index, sample in enumerate(group):
            if sample is None:
                continue
            series = series_of[sample]
            waiting.setdefault(series, {})[sample] = {name: values[index] for name, values in arrays.items()}
            if len(waiting[series]) == len(names[series]):
                found = waiting.pop(series)
                ordered = [found[name] for name in names[series]]
                valid = np.all(np.concatenate([each["valid"] for each in ordered]), axis=0)
                kinds = [kind for kind in (TRUE, GENERATED, INPUT) if kind in ordered[0]]
                frames = {kind: np.concatenate([each[kind] for each in ordered]) for kind in kinds}
                yield PixelSeries(series, ordered[0]["labels"], np.asarray(valid), frames)


def _labels_and_valid(classes: Any, valid: Any) -> dict[str, np.ndarray]:
    """Return classes (batch, height, width) and validity (batch, time, height, width).

    Args:
        classes: (batch, [time,] height, width, 1); that of the first time step is taken.
        valid: bool (batch, [time,] height, width), or None where all pixels are.
    """
    labels = np.asarray(classes)
    labels = labels[:, 0, ..., 0] if labels.ndim == 5 else labels[..., 0]
    places = np.ones(labels.shape, bool) if valid is None else np.asarray(valid)
    return {"labels": labels, "valid": places if places.ndim == 4 else places[:, None]}


def _physical_steps(values: Any, name: str, experiment: Experiment) -> np.ndarray:
    """Return network values of a field as (batch, time, height, width, band) in physical units."""
    field = experiment.manifest.fields[name]
    return _steps(physical(values, field, experiment), field.time_steps)


def _steps(values: Any, steps: int | None) -> np.ndarray:
    """Return images as (batch, time, height, width, band)."""
    count = steps or 1
    apart = np.asarray(separate(values, steps))
    return apart.reshape(-1, count, *apart.shape[1:])


def why_no_input(manifest: Manifest) -> str | None:
    """Return why the frames of the input cannot be classified, or None where they can."""
    target, source = manifest.fields[manifest.target], manifest.fields[manifest.input]
    if manifest.shared_bands is None:
        return "the input lacks bands of the target"
    if source.units != target.units:
        return f"the input is in '{source.units}' and the target in '{target.units}'"
    if source.time_steps != target.time_steps:
        return "input and target have different time steps"
    return None


def pixel_features(frames: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the values of pixels over time: all bands of the first time step, then those of the next.

    Args:
        frames: (time, height, width, band).
        chosen: bool (height, width).

    Returns:
        (pixel, time * band).
    """
    values = frames[:, chosen]  # (time, pixel, band)
    return values.transpose(1, 0, 2).reshape(values.shape[1], values.shape[0] * values.shape[2])
