"""Figures with rows of image panels, and the contrast stretch that makes panels comparable."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
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
"""The values shown as black and white."""
MISSING = 0.85
"""The grey of pixels without a value: lighter than most images, and distinct from black and white."""


@dataclass(frozen=True)
class Panel:
    """One image of a figure.

    Attributes:
        values: (height, width, 3) as RGB, or (height, width) for an error map or a class map. Pixels with a value that
            is not finite are shown in the grey ``MISSING``.
        limits: the values shown as black and white, per band for RGB; None: the 1st and 99th percentile of RGB values,
            the whole range of a map.
        colormap: of a map, as matplotlib names it.
        label: below the image, or beside the colour bar of a map.
    """

    values: np.ndarray
    limits: tuple[Any, Any] | None = None
    colormap: str | None = None
    label: str = ""


def stretch(reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values (low, high) of each band that are shown as black and white.

    Args:
        reference: (..., band); values that are not finite are ignored.

    Returns:
        Two arrays (band,): the 1st and the 99th percentile, at least slightly apart.
    """
    finite = np.where(np.isfinite(reference), reference, np.nan).reshape(-1, reference.shape[-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a band without finite values
        low, high = np.nanpercentile(finite, STRETCH_PERCENTILES, axis=0)
    low, high = np.nan_to_num(low), np.nan_to_num(high)
    return low, np.where(high > low, high, low + 1.0)


def draw_rows(
    rows: Sequence[Sequence[Panel]],
    titles: Sequence[str],
    names: Sequence[str],
    path: Path,
    *,
    caption: str = "",
    text: Mapping[str, str] | None = None,
) -> None:
    """Draw a grid of panels with one row for each sample, and write it atomically as PNG.

    Args:
        rows: the panels of each sample.
        titles: of the columns.
        names: names of the samples, written at the left of each row.
        path: of the PNG.
        caption: title of the figure.
        text: written into the PNG: what the figure was made of.
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
        figure.savefig(temporary, format="png", dpi=110, metadata=dict(text or {}))


def _draw(figure: Figure, axis: matplotlib.axes.Axes, panel: Panel) -> None:
    """Draw one panel, with a colour bar where it is a map."""
    values = panel.values
    if values.ndim == 2:
        low, high = panel.limits or (None, None)
        colours = matplotlib.colormaps[panel.colormap or "magma"].with_extremes(bad=(MISSING,) * 3)
        image = axis.imshow(values, cmap=colours, interpolation="nearest", vmin=low, vmax=high)
        bar = figure.colorbar(image, ax=axis, fraction=0.046, pad=0.02)
        bar.ax.tick_params(labelsize=6)
        bar.set_label(panel.label, fontsize=6)
        return
    low, high = panel.limits or stretch(values)
    stretched = np.clip((values - low) / (high - low), 0.0, 1.0)
    has_value = np.isfinite(values).all(axis=-1, keepdims=True)
    axis.imshow(np.where(has_value, stretched, MISSING), interpolation="nearest")
    if panel.label:
        axis.set_xlabel(panel.label, fontsize=6)
