"""Series of frames of one place with the class of every pixel: sequences of samples, or samples with time steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pix2earth.records.sequences import sequences
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.batches.dataset import Dataset
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


def class_field(manifest: Manifest, folder: Any) -> str:
    """Return the name of the field with the classes.

    Raises:
        UserError: there is none, there are several without "land_cover", or samples hold some fields only.
    """
    found = [name for name, field in manifest.fields.items() if field.kind == "classes"]
    if manifest.pools:
        raise UserError(f"{folder}: --classifier: samples hold some fields only (pools); it needs all of each sample")
    if "land_cover" in found or len(found) == 1:
        return "land_cover" if "land_cover" in found else found[0]
    there = f"has several: {', '.join(found)}; name one of them land_cover" if found else "has none"
    raise UserError(f"{folder}: --classifier: needs a field of kind 'classes', and dataset.json {there}")


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


def true_series(dataset: Dataset, split: str) -> Iterator[PixelSeries]:
    """Yield the series of true frames of a split, of all of its samples.

    Raises:
        UserError: the dataset has no classes, or a record is damaged.
    """
    names, _ = members(dataset.manifest, dataset.all_names(split))
    order = [name for samples in names.values() for name in samples]

    def batches() -> Iterator[tuple[Sequence[str], dict[str, np.ndarray]]]:
        start = 0
        for batch in dataset.batches(split, order, BATCH):
            arrays = _arrays(batch, dataset.prepare(batch), dataset.experiment)
            count = len(arrays["labels"])
            yield order[start : start + count], arrays
            start += count

    yield from _collected(names, batches())


def judged_series(scorer: Scorer, split: str, names: Sequence[str]) -> Iterator[PixelSeries]:
    """Yield the series of a split with true and generated frames, and those of the input where it has the bands.

    Args:
        scorer: of the network.
        split: of the samples.
        names: the samples.

    Raises:
        UserError: a record is damaged.
    """
    kept, _ = members(scorer.dataset.manifest, names)
    order = [name for samples in kept.values() for name in samples]

    def batches() -> Iterator[tuple[Sequence[str | None], dict[str, np.ndarray]]]:
        for group, batch in scorer.batches(split, order):
            fields, prediction = scorer.forward(batch)
            yield group, _arrays(batch, fields, scorer.experiment, prediction)

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


def _arrays(batch: Any, fields: Any, experiment: Experiment, prediction: Any = None) -> dict[str, np.ndarray]:
    """Return classes, validity and frames of a batch: (batch, height, width), then (batch, time, height, width ...)."""
    from pix2earth.batches.preparation import physical, valid_pixels

    manifest = experiment.manifest
    target, source = manifest.fields[manifest.target], manifest.fields[manifest.input]
    labels = np.asarray(fields[class_field(manifest, experiment.DATA_ROOT)])
    labels = labels[:, 0, ..., 0] if labels.ndim == 5 else labels[..., 0]
    found = {"labels": labels, TRUE: _steps(physical(fields["target"], target, experiment), target.time_steps)}
    valid = valid_pixels(batch, experiment)
    shape = found[TRUE].shape[:-1]
    places = np.ones(shape, bool) if valid is None else np.asarray(valid)
    found["valid"] = np.broadcast_to(places if places.ndim == 4 else places[:, None], shape)
    if prediction is not None:
        found[GENERATED] = _steps(physical(prediction, target, experiment), target.time_steps)
        if why_no_input(manifest) is None:
            inputs = _steps(physical(fields["input_image"], source, experiment), source.time_steps)
            found[INPUT] = inputs[..., list(manifest.shared_bands or ())]
    return found


def _steps(values: Any, steps: int | None) -> np.ndarray:
    """Return images as (batch, time, height, width, band)."""
    from pix2earth.batches.time_steps import separate

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
