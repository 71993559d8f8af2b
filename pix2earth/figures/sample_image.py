"""Sample image of a run: input, target, prediction and error map of some samples, and the panels of the plug-in."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pix2earth.batches import time_steps
from pix2earth.figures.images import Panel, draw_rows, stretch
from pix2earth.figures.shown_bands import shown_bands
from pix2earth.plugins.panels import COLUMNS, PanelImages
from pix2earth.records.manifest import Field, Manifest

SAMPLES = 5
"""Number of samples on a sample image."""

Limits = tuple[Any, Any]


def draw(
    manifest: Manifest,
    names: Sequence[str],
    inputs: np.ndarray,
    targets: np.ndarray,
    predictions: np.ndarray,
    path: Path,
    caption: str,
    columns: Collection[str] = COLUMNS,
    text: Mapping[str, str] | None = None,
    further: Mapping[str, PanelImages] | None = None,
) -> None:
    """Draw a sample image with one row for each sample, as PNG.

    Args:
        manifest: states RGB bands and units.
        names: names of the samples.
        inputs: physical values (sample, [time step,] height, width, band); every time step becomes a column. Time steps
            may be folded into bands. NaN is missing.
        targets: physical values (sample, [time step,] height, width, band); NaN is missing.
        predictions: the same for predictions.
        path: of the PNG.
        caption: run and step.
        columns: those of ``COLUMNS`` to draw.
        text: written into the PNG: the origin of the predictions.
        further: images of further columns by title, in physical units where they have a role.
    """
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    rows = []
    titles: list[str] = []
    # All rows have the same scale of errors; a percentile, so that it does not depend on single pixels.
    errors = np.stack([_error(target, *pair) for pair in zip(targets, predictions, strict=True)])
    finite = errors[np.isfinite(errors)]
    worst = float(np.percentile(finite, 99.5)) if finite.size else None
    ranges = {title: _range(images.values) for title, images in (further or {}).items()}
    for number, sample in enumerate(zip(inputs, targets, predictions, strict=True)):
        panels, all_titles = _row(source, target, *sample, worst)
        kept = [index for index, title in enumerate(all_titles) if title.split(",")[0] in columns]
        row = {all_titles[index]: panels[index] for index in kept}
        limits = _limits(source, target, *sample[:2]) if further else {}
        for title, images in (further or {}).items():
            one = PanelImages(images.values[number], images.role)
            row |= _further(title, one, {"input": source, "target": target}, limits, ranges[title])
        rows.append(list(row.values()))
        titles = list(row)
    draw_rows(rows, titles, names, path, caption=f"{caption} (colours: 1 to 99 % of each target)", text=text)


def _error(field: Field, target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return the mean absolute error (height, width) over bands, and over the time steps at which a target is valid.

    Where it is valid at none, the error is NaN.
    """
    targets, predictions = (np.stack(_time_steps(values, field)) for values in (target, prediction))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no valid time step
        valid = np.isfinite(targets).all(axis=-1)
        return np.abs(targets - predictions).mean(axis=-1).mean(axis=0, where=valid)


def _row(
    source_field: Field,
    target_field: Field,
    source: np.ndarray,
    target: np.ndarray,
    prediction: np.ndarray,
    worst: float | None = None,
) -> tuple[list[Panel], list[str]]:
    """Return panels and titles of one sample.

    Args:
        source_field: of the input.
        target_field: of the target.
        source: physical values of the input, ([time step,] height, width, band).
        target: physical values of the target.
        prediction: physical values of the prediction.
        worst: the upper end of the error map's scale; None: the largest error.
    """
    limits = _limits(source_field, target_field, source, target)
    row = {
        **_columns(
            "Input", source, source_field, limits["target"] if _comparable(source_field, target_field) else None
        ),
        **_columns("Target", target, target_field, limits["target"]),
        **_columns("Prediction", prediction, target_field, limits["target"]),
    }
    label = "mean absolute error" + (f" ({target_field.units})" if target_field.units != "1" else "")
    scale = None if worst is None else (0.0, worst)
    row["Error"] = Panel(_error(target_field, target, prediction), scale, label=label)
    return list(row.values()), list(row)


def _comparable(source: Field, target: Field) -> bool:
    """Return whether input and target show the same bands in the same unit."""
    names = [[field.bands[index] for index in shown_bands(field)] for field in (source, target)]
    return names[0] == names[1] and source.units == target.units


def _limits(source_field: Field, target_field: Field, source: np.ndarray, target: np.ndarray) -> dict[str, Limits]:
    """Return the values of target and input that are shown as black and white, by role."""
    stretched = {
        "target": stretch(np.stack(_time_steps(target, target_field))[..., shown_bands(target_field)]),
        "input": stretch(np.stack(_time_steps(source, source_field))[..., shown_bands(source_field)]),
    }
    return {**stretched, "input": stretched["target" if _comparable(source_field, target_field) else "input"]}


def _columns(title: str, values: np.ndarray, field: Field, limits: Limits | None) -> dict[str, Panel]:
    """Return the panels of an image by title, one for each time step; without limits, each has its own stretch."""
    images = [image[..., shown_bands(field)] for image in _time_steps(values, field)]
    panels = [Panel(image, stretch(image) if limits is None else limits) for image in images]
    return dict(zip(_numbered(title, len(images)), panels, strict=True))


def _further(
    title: str, images: PanelImages, fields: Mapping[str, Field], limits: Mapping[str, Limits], own: Limits
) -> dict[str, Panel]:
    """Return the panels of one image of a plug-in by title.

    Args:
        title: of the image; that of one band gets its range.
        images: of one sample, ([time step,] height, width, band).
        fields: of input and target, by role.
        limits: of input and target, by role.
        own: the smallest and largest value of all samples.
    """
    if images.role:
        return _columns(title, images.values, fields[images.role], limits[images.role])
    steps = images.values if images.values.ndim == 4 else images.values[None]
    titles = _numbered(title, len(steps))
    if steps.shape[-1] > 1:
        return dict(zip(titles, [Panel(image[..., :3]) for image in steps], strict=True))
    limits_of_grey = own[0], own[1] if own[1] > own[0] else own[0] + 1
    panels = [Panel(image.repeat(3, axis=-1), limits_of_grey) for image in steps]
    return dict(zip((f"{name}\n{own[0]:.3g} to {own[1]:.3g}" for name in titles), panels, strict=True))


def _range(values: np.ndarray) -> Limits:
    """Return the smallest and the largest finite value; 0 and 0 where there is none."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _numbered(title: str, count: int) -> list[str]:
    """Return the titles of so many time steps."""
    return [title] if count == 1 else [f"{title}, time step {number}" for number in range(1, count + 1)]


def _time_steps(values: np.ndarray, field: Field) -> list[np.ndarray]:
    """Split (time step, height, width, band), or folded (height, width, time step * band), into single time steps."""
    return list(time_steps.separate(values[None], field.time_steps))
