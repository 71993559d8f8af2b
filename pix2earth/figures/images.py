"""Pictures of samples: input, target, prediction and error, with one stretch for what is to be compared."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # a server has no display

import numpy as np
from matplotlib.figure import Figure

from pix2earth.settings import atomic

PANEL_INCHES = 2.6
STRETCH_PERCENTILES = (1.0, 99.0)


@dataclass(frozen=True)
class Panel:
    """One picture: (height, width, 3) values, or (height, width) for an error map or a class map."""

    values: np.ndarray
    limits: tuple[Any, Any] | None = None
    colormap: str | None = None
    label: str = ""


def stretch(reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the (low, high) of each of the last axis's bands between which ``reference`` is shown."""
    finite = np.where(np.isfinite(reference), reference, np.nan).reshape(-1, reference.shape[-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a band without any number
        low, high = np.nanpercentile(finite, STRETCH_PERCENTILES, axis=0)
    low, high = np.nan_to_num(low), np.nan_to_num(high)
    return low, np.where(high > low, high, low + 1.0)


def draw_rows(
    rows: Sequence[Sequence[Panel]], titles: Sequence[str], names: Sequence[str], path: Path, *, caption: str = ""
) -> None:
    """Draw a grid of panels, one row a sample, and write it atomically as PNG.

    Args:
        rows: the panels of each sample.
        titles: headings of the columns.
        names: names of the samples, written at the left of each row.
        path: the PNG.
        caption: written above everything.
    """
    columns = max(len(row) for row in rows)
    figure = Figure(figsize=(columns * PANEL_INCHES, len(rows) * PANEL_INCHES + 0.5), layout="constrained")
    if caption:
        figure.suptitle(caption, fontsize=9)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for index, row in enumerate(rows):
        for column, axis in enumerate(axes[index]):
            axis.set_xticks([])
            axis.set_yticks([])
            if column < len(row):
                _draw(figure, axis, row[column])
            else:
                axis.set_axis_off()
            if index == 0 and column < len(titles):
                axis.set_title(titles[column], fontsize=9)
        axes[index][0].set_ylabel(names[index], fontsize=7)
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def _draw(figure: Figure, axis: matplotlib.axes.Axes, panel: Panel) -> None:
    values = panel.values
    if values.ndim == 2:
        low, high = panel.limits or (None, None)
        image = axis.imshow(values, cmap=panel.colormap or "magma", interpolation="nearest", vmin=low, vmax=high)
        bar = figure.colorbar(image, ax=axis, fraction=0.046, pad=0.02)
        bar.ax.tick_params(labelsize=6)
        bar.set_label(panel.label, fontsize=6)
        return
    low, high = panel.limits or stretch(values)
    shown = np.clip((values - low) / (high - low), 0.0, 1.0)
    axis.imshow(np.nan_to_num(shown), interpolation="nearest")
    if panel.label:
        axis.set_xlabel(panel.label, fontsize=6)
