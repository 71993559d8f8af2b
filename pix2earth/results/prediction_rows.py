"""Figure of several predictions of the same tiles: a column for each tile; rows are input, predictions and target."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pix2earth.figures.images import Panel, draw_rows
from pix2earth.figures.panels.contrast import Contrast, in_words
from pix2earth.figures.panels.shown_bands import shown_bands
from pix2earth.figures.sample_image import contrasts_of, enlarged_part, scale_bar_of, steps_of
from pix2earth.records.manifest import Field, Manifest
from pix2earth.scoring.shown.samples import ShownSamples

WIDTH, NAMES = 1100, 150
"""Of the figure in pixels, and of the names of its rows."""


class PredictionRow(NamedTuple):
    """A prediction of all tiles.

    Attributes:
        title: of the row.
        images: physical values (tile, [time step,] height, width, band); time steps may be folded into bands.
        scores: PSNR of each tile in dB, (tile,).
    """

    title: str
    images: np.ndarray
    scores: np.ndarray


def draw(
    manifest: Manifest,
    titles: Sequence[str],
    images: ShownSamples,
    rows: Sequence[PredictionRow],
    path: Path,
    caption: str,
    *,
    text: Mapping[str, str] | None = None,
    physical: bool = True,
) -> None:
    """Draw input, predictions and target of some tiles, as PNG with a white background.

    All images of the same bands and unit have one contrast, which the caption states. Of several time steps of the
    target one is shown, that at which the first prediction is worst; of an input with other ones the last.

    Args:
        manifest: states RGB bands and units, and where the first row belongs.
        titles: of the tiles.
        images: input and target of the tiles.
        rows: the predictions.
        path: of the PNG.
        caption: above the figure.
        text: written into the PNG.
        physical: whether the values are physical ones, not those of images of unit norm.
    """
    fields = {"input": manifest.fields[manifest.input], "target": manifest.fields[manifest.target]}
    contrasts = contrasts_of(fields, images, physical=physical)
    steps = [
        worst_step(target, first, fields["target"])
        for target, first in zip(images.targets, rows[0].images, strict=True)
    ]
    parts = [
        enlarged_part(fields["target"], target, first)
        for target, first in zip(images.targets, rows[0].images, strict=True)
    ]
    name, of_input = _input_steps(fields, steps)
    panels = [_panels(images.inputs, of_input, fields["input"], contrasts["input"])]
    for row in rows:
        made = _panels(row.images, steps, fields["target"], contrasts["target"])
        panels.append(
            [
                replace(panel, inset=part, corner=f"{score:.2f} dB" if math.isfinite(score) else "")
                for panel, part, score in zip(made, parts, row.scores, strict=True)
            ]
        )
    made = _panels(images.targets, steps, fields["target"], contrasts["target"])
    panels.append([replace(panel, inset=part) for panel, part in zip(made, parts, strict=True)])
    panels[-1][0] = replace(panels[-1][0], scale_bar=scale_bar_of(fields["target"]))
    if count := fields["target"].time_steps:
        caption += f"\nShown is, of {count} time steps, the one at which {rows[0].title} is worst; PSNR is over all."
    names = [name, *(row.title for row in rows), "target"]
    draw_rows(
        panels, titles, names, path, caption=f"{caption}\ncolours: {in_words(contrasts)}", text=text, width=WIDTH,
        side_by_side=False, upwards=manifest.upwards, names_left=NAMES,
    )  # fmt: skip


def worst_step(target: np.ndarray, prediction: np.ndarray, field: Field) -> int:
    """Return the time step at which the mean squared error of a prediction is largest; 0 without time steps.

    Args:
        target: of one tile, NaN where it is not valid.
        prediction: of the same tile.
        field: the target's.
    """
    errors = [
        float(np.mean((one - other)[np.isfinite(one)] ** 2)) if np.isfinite(one).any() else -1.0
        for one, other in zip(steps_of(target, field), steps_of(prediction, field), strict=True)
    ]
    return int(np.argmax(errors))


def _input_steps(fields: Mapping[str, Field], steps: Sequence[int]) -> tuple[str, list[int]]:
    """Return the name of the row of inputs, and which time step of each tile it shows."""
    count = fields["input"].time_steps
    if count in (None, fields["target"].time_steps):
        return "input", list(steps) if count else [0] * len(steps)
    return f"input (last of {count} time steps)", [int(count or 1) - 1] * len(steps)


def _panels(images: np.ndarray, steps: Sequence[int], field: Field, contrast: Contrast) -> list[Panel]:
    """Return the panel of each tile at a time step."""
    bands = list(shown_bands(field))
    return [
        Panel(steps_of(values, field)[step][..., bands], contrast)
        for values, step in zip(images, steps, strict=True)
    ]  # fmt: skip
