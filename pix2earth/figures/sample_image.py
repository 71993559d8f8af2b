"""The sample picture of a run: input, target, prediction and error map of fixed held-out samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pix2earth.figures.images import Panel, draw_rows, stretch
from pix2earth.records.manifest import Field, Manifest

SAMPLES = 5
COLUMNS = {"Input": "Input", "Target": "Target", "Prediction": "Prediction", "Error": "Error"}
PUBLISHED_COLUMNS = {"Input": "Input", "Target": "Ground Truth", "Prediction": "Predicted"}


def draw(
    manifest: Manifest,
    names: Sequence[str],
    inputs: np.ndarray,
    targets: np.ndarray,
    predictions: np.ndarray,
    path: Path,
    caption: str,
    columns: Mapping[str, str] = COLUMNS,
) -> None:
    """Draw one row a sample.

    Args:
        manifest: gives RGB bands and units.
        names: names of the samples.
        inputs: physical values (sample, [date,] height, width, band); every date becomes a column.
        targets: physical values (sample, [date,] height, width, band).
        predictions: likewise.
        path: the PNG.
        caption: run and step.
        columns: which columns to draw, and what to call them.
    """
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    rows = []
    titles: list[str] = []
    # One scale of errors for all rows, which no single pixel sets.
    errors = np.stack([_error(*pair) for pair in zip(targets, predictions, strict=True)])
    finite = errors[np.isfinite(errors)]
    worst = float(np.percentile(finite, 99.5)) if finite.size else None
    for sample in zip(inputs, targets, predictions, strict=True):
        panels, found = _row(source, target, *sample, worst)
        kept = [index for index, title in enumerate(found) if title.split(",")[0] in columns]
        rows.append([panels[index] for index in kept])
        titles = [_renamed(found[index], columns) for index in kept]
    draw_rows(rows, titles, names, path, caption=f"{caption} (colours: 1 to 99 % of each target)")


def _renamed(title: str, columns: Mapping[str, str]) -> str:
    """Return "Input, date 2" with the name of its column exchanged."""
    kind, *date = title.split(",")
    return ",".join([columns[kind], *date])


def _error(wanted: np.ndarray, made: np.ndarray) -> np.ndarray:
    """Return the mean absolute error (height, width) over bands, and over dates where there are several."""
    return np.abs(wanted - made).mean(axis=(0, 3) if wanted.ndim == 4 else 2)


def _row(
    source: Field, target: Field, given: np.ndarray, wanted: np.ndarray, made: np.ndarray, worst: float | None = None
) -> tuple[list[Panel], list[str]]:
    """Return panels and titles of one sample; ``worst`` is the top of the error map's scale."""
    limits = stretch(_by_date(wanted, target)[0][..., target.rgb_indices])
    same_bands = [source.bands[index] for index in source.rgb_indices] == [
        target.bands[index] for index in target.rgb_indices
    ]
    panels, titles = [], []
    dates = _by_date(given, source)
    for number, image in enumerate(dates, start=1):
        shown = image[..., source.rgb_indices]
        panels.append(Panel(shown, limits if same_bands and source.units == target.units else stretch(shown)))
        titles.append("Input" if len(dates) == 1 else f"Input, date {number}")
    for title, values in (("Target", wanted), ("Prediction", made)):
        for number, image in enumerate(images := _by_date(values, target), start=1):
            panels.append(Panel(image[..., target.rgb_indices], limits))
            titles.append(title if len(images) == 1 else f"{title}, date {number}")
    label = "mean absolute error" + (f" ({target.units})" if target.units != "1" else "")
    scale = None if worst is None else (0.0, worst)
    return [*panels, Panel(_error(wanted, made), scale, label=label)], [*titles, "Error"]


def _by_date(values: np.ndarray, field: Field) -> list[np.ndarray]:
    """Split (date, height, width, band) or folded (height, width, date*band) into images of one date."""
    if values.ndim == 4:
        return list(values)
    return np.split(values, values.shape[-1] // len(field.bands), axis=-1)
