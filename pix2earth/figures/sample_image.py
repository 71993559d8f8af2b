"""Sample image of a run: input, target, prediction and error map of some samples."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from pix2earth.batches import time_steps
from pix2earth.figures.images import Panel, draw_rows, stretch
from pix2earth.figures.shown_bands import shown_bands
from pix2earth.records.manifest import Field, Manifest

SAMPLES = 5
"""Number of samples on a sample image."""

COLUMNS = ("Input", "Target", "Prediction", "Error")


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
) -> None:
    """Draw a sample image with one row for each sample, as PNG.

    Args:
        manifest: states RGB bands and units.
        names: names of the samples.
        inputs: physical values (sample, [time step,] height, width, band); every time step becomes a column. Time steps
            may be folded into bands.
        targets: physical values (sample, [time step,] height, width, band).
        predictions: the same for predictions.
        path: of the PNG.
        caption: run and step.
        columns: those of ``COLUMNS`` to draw.
        text: written into the PNG: the origin of the predictions.
    """
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    rows = []
    titles: list[str] = []
    # All rows have the same scale of errors; a percentile, so that it does not depend on single pixels.
    errors = np.stack([_error(*pair) for pair in zip(targets, predictions, strict=True)])
    finite = errors[np.isfinite(errors)]
    worst = float(np.percentile(finite, 99.5)) if finite.size else None
    for sample in zip(inputs, targets, predictions, strict=True):
        panels, all_titles = _row(source, target, *sample, worst)
        kept = [index for index, title in enumerate(all_titles) if title.split(",")[0] in columns]
        rows.append([panels[index] for index in kept])
        titles = [all_titles[index] for index in kept]
    draw_rows(rows, titles, names, path, caption=f"{caption} (colours: 1 to 99 % of each target)", text=text)


def _error(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return the mean absolute error (height, width) over bands, and over time steps where there are several."""
    return np.abs(target - prediction).mean(axis=(0, 3) if target.ndim == 4 else 2)


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
    rgb, source_rgb = shown_bands(target_field), shown_bands(source_field)
    limits = stretch(_time_steps(target, target_field)[0][..., rgb])
    same_bands = [source_field.bands[index] for index in source_rgb] == [target_field.bands[index] for index in rgb]
    comparable = same_bands and source_field.units == target_field.units
    panels, titles = [], []
    inputs = _time_steps(source, source_field)
    for number, image in enumerate(inputs, start=1):
        input_rgb = image[..., source_rgb]
        panels.append(Panel(input_rgb, limits if comparable else stretch(input_rgb)))
        titles.append("Input" if len(inputs) == 1 else f"Input, time step {number}")
    for title, values in (("Target", target), ("Prediction", prediction)):
        for number, image in enumerate(images := _time_steps(values, target_field), start=1):
            panels.append(Panel(image[..., rgb], limits))
            titles.append(title if len(images) == 1 else f"{title}, time step {number}")
    label = "mean absolute error" + (f" ({target_field.units})" if target_field.units != "1" else "")
    scale = None if worst is None else (0.0, worst)
    return [*panels, Panel(_error(target, prediction), scale, label=label)], [*titles, "Error"]


def _time_steps(values: np.ndarray, field: Field) -> list[np.ndarray]:
    """Split (time step, height, width, band), or folded (height, width, time step * band), into single time steps."""
    return list(time_steps.separate(values[None], field.time_steps))
