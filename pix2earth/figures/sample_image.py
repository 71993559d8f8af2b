"""Sample image of a run: input, baseline, prediction, target and error of some samples, and panels of the plug-in."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pix2earth.batches import time_steps
from pix2earth.figures.images import Panel, draw_rows
from pix2earth.figures.panels.contrast import Contrast, alike, contrast_of, in_words, of_values, rounded
from pix2earth.figures.panels.grid import WIDTH
from pix2earth.figures.panels.shown_bands import shown_bands
from pix2earth.records.manifest import Field, Manifest

if TYPE_CHECKING:
    from pix2earth.scoring.shown.samples import ShownSamples

SAMPLES = 5
"""Number of samples on a sample image."""
WORST = 99.0
"""Percentile of the magnitudes of errors at the ends of their colours, so that these do not depend on single pixels."""
INSET_SHARE, SMALLEST_INSET = 5, 8
"""A part of one n-th of the height is enlarged, and nothing where that is fewer pixels."""
LONGEST_BAR = 0.4
"""Of a scale bar, as a share of the width."""


def draw(
    manifest: Manifest,
    names: Sequence[str],
    images: ShownSamples,
    path: Path,
    caption: str,
    *,
    text: Mapping[str, str] | None = None,
    physical: bool = True,
    paired: bool = True,
    width: int = WIDTH,
) -> None:
    """Draw a sample image with one row for each sample, as PNG.

    All images of the same bands and unit have one contrast, which the caption states; errors have one colour bar.

    Args:
        manifest: states RGB bands and units, and where the first row belongs.
        names: names of the samples.
        images: input, target, prediction, and where they are there baseline, scores and panels of the plug-in.
        path: of the PNG.
        caption: run and step.
        text: written into the PNG: the origin of the predictions.
        physical: whether the values are physical ones, not those of images of unit norm.
        paired: whether target and prediction show the same place; else there is no error.
        width: of the figure in pixels, at most.
    """
    fields = {"input": manifest.fields[manifest.input], "target": manifest.fields[manifest.target]}
    contrasts = contrasts_of(fields, images, physical=physical)
    # All rows have the same scale of errors.
    errors = np.stack(
        [_error(fields["target"], *pair) for pair in zip(images.targets, images.predictions, strict=True)]
    )
    finite = np.abs(errors[np.isfinite(errors)])
    worst = float(np.percentile(finite, WORST)) if finite.size else 1.0
    own = {title: _own_contrast(one.values) for title, one in images.panels.items()}
    rows = []
    titles: list[str] = []
    for number, error in enumerate(errors):
        row = _row(fields, images, number, contrasts)
        if paired:
            label = _error_label(fields["target"])
            row["Error"] = Panel(error, limits=(-worst, worst), colormap="RdBu_r", label=label)
        for title, one in images.panels.items():
            further = _further(title, one.values[number], one.role, fields, contrasts, own[title])
            row |= {f"{name} of the model" if name in row else name: panel for name, panel in further.items()}
        rows.append(list(row.values()))
        titles = list(row)
    heading = f"{caption} (colours: {in_words(contrasts)})"
    draw_rows(rows, titles, names, path, caption=heading, text=text, width=width, upwards=manifest.upwards)


def contrasts_of(fields: Mapping[str, Field], images: ShownSamples, *, physical: bool) -> dict[str, Contrast]:
    """Return the contrast of input and target, from all samples: one where they show the same bands in one unit."""
    values = {
        role: time_steps.separate(each, fields[role].time_steps)[..., list(shown_bands(fields[role]))]
        for role, each in (("input", images.inputs), ("target", images.targets))
    }
    target = contrast_of(fields["target"], values["target"], physical=physical)
    if alike(fields["input"], fields["target"]):
        return {"input": target, "target": target}
    return {"input": contrast_of(fields["input"], values["input"], physical=physical), "target": target}


def _row(
    fields: Mapping[str, Field], images: ShownSamples, number: int, contrasts: Mapping[str, Contrast]
) -> dict[str, Panel]:
    """Return the panels of one sample by title, without error and panels of the plug-in."""
    target = images.targets[number]
    baseline = None if images.baselines is None else images.baselines[number]
    row = _columns("Input", images.inputs[number], fields["input"], contrasts["input"])
    if images.days is not None:
        row = {
            title: replace(panel, label=_apart(float(days)))
            for (title, panel), days in zip(row.items(), images.days[number], strict=True)
        }
    predictions = {"Prediction": ("prediction", images.predictions[number])}
    if baseline is not None:
        # Titles say which baseline it is: bicubic, median, linear in time.
        title = images.baseline_name.replace("-", " ").capitalize()
        predictions = {title: ("baseline", baseline)} | predictions
    part = enlarged_part(fields["target"], target, baseline)
    for title, (role, values) in predictions.items():
        corner = _corner(images.scores.get(role, {}), number)
        columns = _columns(title, values, fields["target"], contrasts["target"])
        # Scores are means over time steps, and stand in the first.
        first = next(iter(columns))
        row |= {name: replace(panel, inset=part) for name, panel in columns.items()}
        row[first] = replace(row[first], corner=corner)
    columns = _columns("Target", target, fields["target"], contrasts["target"])
    row |= {name: replace(panel, inset=part) for name, panel in columns.items()}
    if number == 0:  # all samples have one scale
        first = next(iter(columns))
        row[first] = replace(row[first], scale_bar=scale_bar_of(fields["target"]))
    return row


def _apart(days: float) -> str:
    """Return in words how far a time step is from the target."""
    count = f"{abs(days):.0f} day{'' if round(abs(days)) == 1 else 's'}"
    return f"{count} {'before' if days < 0 else 'after'} the target" if round(days) else "day of the target"


def _corner(scores: Mapping[str, np.ndarray], number: int) -> str:
    """Return the scores of a sample as a text, those that are defined."""
    texts = {"PSNR": "PSNR {:.2f} dB", "SSIM": "SSIM {:.3f}"}
    found = {name: float(values[number]) for name, values in scores.items() if np.isfinite(values[number])}
    return ", ".join(text.format(found[name]) for name, text in texts.items() if name in found)


def enlarged_part(field: Field, target: np.ndarray, baseline: np.ndarray | None) -> tuple[slice, slice] | None:
    """Return the part to enlarge: where the baseline is worst, else where the target varies most.

    It is the same in every figure of a sample, whatever the network predicts.
    """
    targets = steps_of(target, field)
    height, width = targets[0].shape[:2]
    side = min(height, width) // INSET_SHARE
    if side < SMALLEST_INSET:
        return None
    counts = height // side, width // side
    cells = np.stack(targets)[:, : counts[0] * side, : counts[1] * side]
    if baseline is not None:
        cells = np.abs(cells - np.stack(steps_of(baseline, field))[:, : counts[0] * side, : counts[1] * side])
    cells = cells.reshape(len(targets), counts[0], side, counts[1], side, -1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a cell without a valid pixel
        detail = (np.nanstd if baseline is None else np.nanmean)(cells, axis=(0, 2, 4, 5))
    if not np.isfinite(detail).any():
        return None
    row, column = np.unravel_index(np.nanargmax(np.where(np.isfinite(detail), detail, -1)), detail.shape)
    return slice(int(row) * side, (int(row) + 1) * side), slice(int(column) * side, (int(column) + 1) * side)


def scale_bar_of(field: Field) -> tuple[float, str] | None:
    """Return a round length on the ground as a share of the width, and its name; None without a pixel size."""
    if not field.gsd:
        return None
    width = field.gsd * field.size[1]
    longest = LONGEST_BAR * width
    power = 10.0 ** math.floor(math.log10(longest))
    length = max(factor * power for factor in (1, 2, 5) if factor * power <= longest)
    return length / width, f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"


def _error(field: Field, target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Return prediction minus target (height, width), the mean over bands and the time steps with a valid target.

    Where it is valid at none, the error is NaN.
    """
    targets, predictions = (np.stack(steps_of(values, field)) for values in (target, prediction))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no valid time step
        valid = np.isfinite(targets).all(axis=-1)
        return (predictions - targets).mean(axis=-1).mean(axis=0, where=valid)


def _error_label(field: Field) -> str:
    unit = "" if field.units in ("", "1") else f" ({field.units})"
    return f"error{unit}: prediction minus target, mean over bands" + (" and time steps" if field.time_steps else "")


def _columns(title: str, values: np.ndarray, field: Field, contrast: Contrast) -> dict[str, Panel]:
    """Return the panels of an image by title, one for each time step."""
    images = [image[..., list(shown_bands(field))] for image in steps_of(values, field)]
    panels = [Panel(image, contrast) for image in images]
    return dict(zip(_numbered(title, len(images)), panels, strict=True))


def _further(
    title: str,
    values: np.ndarray,
    role: str | None,
    fields: Mapping[str, Field],
    contrasts: Mapping[str, Contrast],
    own: Contrast,
) -> dict[str, Panel]:
    """Return the panels of one image of a plug-in by title.

    Args:
        title: of the image; that of one band gets its range.
        values: of one sample, ([time step,] height, width, band).
        role: "input" or "target" where it has the bands of it.
        fields: of input and target, by role.
        contrasts: of input and target, by role.
        own: the contrast of panels without a role.
    """
    if role:
        return _columns(title, values, fields[role], contrasts[role])
    steps = values if values.ndim == 4 else values[None]
    titles = _numbered(title, len(steps))
    if steps.shape[-1] > 1:
        return dict(zip(titles, [Panel(image[..., :3], own) for image in steps], strict=True))
    panels = [Panel(image.repeat(3, axis=-1), own) for image in steps]
    return dict(zip((f"{name}\n{own.words}" for name in titles), panels, strict=True))


def _own_contrast(values: np.ndarray) -> Contrast:
    """Return the contrast of panels that have other bands than input and target; one band has its whole range."""
    if values.shape[-1] > 1:
        return of_values(values[..., :3])
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    return Contrast(low, high if high > low else low + 1, 1.0, f"{rounded(low)} to {rounded(high)}")


def _numbered(title: str, count: int) -> list[str]:
    """Return the titles of so many time steps."""
    return [title] if count == 1 else [f"{title}, time step {number}" for number in range(1, count + 1)]


def steps_of(values: np.ndarray, field: Field) -> list[np.ndarray]:
    """Split (time step, height, width, band), or folded (height, width, time step * band), into single time steps."""
    return list(time_steps.separate(values[None], field.time_steps))
