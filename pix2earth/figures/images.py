"""Figures with rows of image panels, and the contrast stretch that makes panels comparable."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # a server has no display

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import AutoLocator

from pix2earth.settings import atomic

PANEL_INCHES = 2.6
NAME_INCHES, BAR_INCHES, LABEL_INCHES, EDGE = 0.32, 0.5, 0.16, 0.06
"""Room for names of samples, for the colour bar of a map, for the label below an image, and between all of them."""
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
    grid = PanelGrid(rows, titles)
    figure = Figure(figsize=(grid.width, grid.height))
    # One pair of axes in inches: with a pair for each panel, an image of five samples took four times as long.
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, grid.width), ylim=(0, grid.height), autoscale_on=False)
    axis.set_axis_off()
    if caption:
        axis.text(grid.width / 2, grid.height - EDGE, caption, fontsize=9, ha="center", va="top")
    for index, row in enumerate(rows):
        left, _, bottom, top = grid.box(index, 0)
        axis.text(left - EDGE, (bottom + top) / 2, names[index], fontsize=7, ha="right", va="center", rotation=90)
        for column, panel in enumerate(row):
            _draw(axis, grid.box(index, column), panel)
    for column, title in enumerate(titles):
        left, right, _, top = grid.box(0, column)
        axis.text((left + right) / 2, top + EDGE, title, fontsize=9, ha="center", va="bottom")
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata=dict(text or {}))


Box = tuple[float, float, float, float]
"""Left, right, bottom and top in inches from the lower left corner of the figure."""


class PanelGrid:
    """Places of the panels of a figure.

    Attributes:
        width: of the figure in inches.
        height: of the figure in inches.
    """

    def __init__(self, rows: Sequence[Sequence[Panel]], titles: Sequence[str]) -> None:
        """Divide the figure among panels of one size, names at the left, titles above and colour bars beside maps."""
        columns = max(len(row) for row in rows)
        self.width, self.height = columns * PANEL_INCHES, len(rows) * PANEL_INCHES + 0.5
        maps = {column for row in rows for column, panel in enumerate(row) if panel.values.ndim == 2}
        self._bars = [BAR_INCHES * sum(map in range(column) for map in maps) for column in range(columns)]
        self._top = 0.3 + 0.15 * max((title.count("\n") + 1 for title in titles), default=0)
        self._size = (
            (self.width - NAME_INCHES - EDGE - BAR_INCHES * len(maps)) / columns,
            (self.height - self._top) / len(rows),
        )

    def box(self, row: int, column: int) -> Box:
        """Return the place of a panel."""
        width, height = self._size
        left, top = NAME_INCHES + column * width + self._bars[column], self.height - self._top - row * height
        return left, left + width - EDGE, top - height + LABEL_INCHES, top


def _fitted(box: Box, values: np.ndarray) -> Box:
    """Return the largest place in the middle of a box that has the proportions of an image."""
    left, right, bottom, top = box
    height, width = values.shape[:2]
    scale = min((right - left) / width, (top - bottom) / height) / 2
    x, y = (left + right) / 2, (bottom + top) / 2
    return x - width * scale, x + width * scale, y - height * scale, y + height * scale


def _draw(axis: matplotlib.axes.Axes, box: Box, panel: Panel) -> None:
    """Draw one panel in its place, with a colour bar where it is a map."""
    values, place = panel.values, _fitted(box, panel.values)
    if values.ndim == 2:
        low, high = panel.limits or _range(values)
        colormap = matplotlib.colormaps[panel.colormap or "magma"].with_extremes(bad=(MISSING,) * 3)
        colours = {"cmap": colormap, "vmin": low, "vmax": high if high > low else low + 1.0}
        _image(axis, place, values, **colours)
        _colour_bar(axis, place, panel.label, colours)
        return
    low, high = panel.limits or stretch(values)
    stretched = np.clip((values - low) / (high - low), 0.0, 1.0)
    has_value = np.isfinite(values).all(axis=-1, keepdims=True)
    _image(axis, place, np.where(has_value, stretched, MISSING))
    if panel.label:
        axis.text((place[0] + place[1]) / 2, place[2] - EDGE, panel.label, fontsize=6, ha="center", va="top")


def _image(axis: matplotlib.axes.Axes, place: Box, values: np.ndarray, **colours: Any) -> None:
    """Draw values with a frame; the axes keep their limits."""
    axis.imshow(values, extent=place, interpolation="nearest", aspect="auto", **colours)
    left, right, bottom, top = place
    axis.add_patch(Rectangle((left, bottom), right - left, top - bottom, fill=False, linewidth=0.8))


def _range(values: np.ndarray) -> tuple[float, float]:
    """Return the smallest and the largest finite value of a map."""
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _colour_bar(axis: matplotlib.axes.Axes, place: Box, label: str, colours: dict[str, Any]) -> None:
    """Draw the colours of a map at its right, with their values and a label."""
    low, high = float(colours["vmin"]), float(colours["vmax"])
    _, left, bottom, top = place
    left, right = left + 0.04, left + 0.14
    bar = (left, right, bottom, top)
    _image(axis, bar, np.linspace(high, low, 256)[:, None], **colours)
    exponent = math.floor(math.log10(max(abs(low), abs(high)) or 1.0))
    exponent = 0 if -3 <= exponent <= 3 else exponent
    for value in AutoLocator().tick_values(low, high):
        if low <= value <= high:
            y = bottom + (top - bottom) * (value - low) / (high - low)
            axis.plot([right, right + 0.03], [y, y], color="black", linewidth=0.8)
            axis.text(right + 0.05, y, f"{value / 10.0**exponent:.4g}", fontsize=6, va="center")
    factor = f" x 1e{exponent}" if exponent else ""
    axis.text(right + 0.28, (bottom + top) / 2, label + factor, fontsize=6, va="center", rotation=90)
