"""One panel of a figure, and its colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import matplotlib
import numpy as np

from pix2earth.figures.panels.contrast import MISSING, Contrast, coloured, of_values

CLASS_COLORS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#332288", "#882255",
    "#44AA99", "#999933", "#AA4499", "#88CCEE", "#117733", "#DDCC77", "#661100", "#6699CC",
)  # fmt: skip
"""Colours of classes: Okabe and Ito's, then Tol's, which the colour-blind distinguish; they repeat."""
MASK_COLORS = ("#404040", "#ffffff")
"""Of the values 0 and 1 of a mask."""


@dataclass(frozen=True)
class Panel:
    """One image of a figure.

    Attributes:
        values: (height, width, 3) as RGB, or (height, width) for a map of one quantity, of classes or of a mask. Pixels
            with a value that is not finite are shown in the grey ``MISSING``.
        contrast: of RGB values; None: between their percentiles.
        limits: the ends of the colours of a map; None: those of all maps with the same label.
        colormap: of a map, as matplotlib names it.
        label: below an image; beside the colour bar of a map; of classes, what the legend is called.
        classes: of a map of classes, the name of each value that the legend explains; colours are those of the values.
        mask: the map has values 0 and 1.
        corner: written in the lower left corner, such as scores.
        inset: a part (rows, columns) that is shown enlarged.
        scale_bar: length of a bar as a share of the width, and what it is called.
        text: shown instead of an image, for a field of single numbers.
    """

    values: np.ndarray
    contrast: Contrast | None = None
    limits: tuple[float, float] | None = None
    colormap: str | None = None
    label: str = ""
    classes: Mapping[int, str] | None = None
    mask: bool = False
    corner: str = ""
    inset: tuple[slice, slice] | None = None
    scale_bar: tuple[float, str] | None = None
    text: str = ""

    @property
    def upside_down(self) -> Panel:
        """The panel with its first row below."""
        rows = None
        if self.inset:
            height, (part, columns) = self.values.shape[0], self.inset
            rows = slice(height - part.stop, height - part.start), columns
        return replace(self, values=self.values[::-1], inset=rows)

    @property
    def is_map(self) -> bool:
        """Whether it needs a colour bar."""
        return self.values.ndim == 2 and self.classes is None and not self.mask and not self.text

    @property
    def key(self) -> tuple[Any, ...]:
        """What it shares with the panels that one colour bar explains."""
        return self.colormap or "magma", self.label, self.limits


def colours(panel: Panel, limits: tuple[float, float] | None = None) -> np.ndarray:
    """Return a panel as colours, uint8 (height, width, 3).

    Args:
        panel: the panel.
        limits: the ends of the colours of a map.
    """
    values = panel.values
    if values.ndim == 3:
        return coloured(values, panel.contrast or of_values(values))
    if panel.mask:
        return _hex(MASK_COLORS)[(values > 0).astype(int)]
    if panel.classes is not None:
        return class_colors(values)
    low, high = limits or panel.limits or (0.0, 1.0)
    shares = np.clip((values - low) / (high - low if high > low else 1.0), 0, 1)
    map_colors = matplotlib.colormaps[panel.colormap or "magma"](np.nan_to_num(shares))[..., :3]
    has_value = np.isfinite(values)[..., None]
    return np.rint(255 * np.where(has_value, map_colors, MISSING)).astype(np.uint8)


def class_colors(values: np.ndarray) -> np.ndarray:
    """Return the colours of numbers of classes, uint8 (..., 3)."""
    return _hex(CLASS_COLORS)[values.astype(np.int64) % len(CLASS_COLORS)]


def _hex(colors: tuple[str, ...]) -> np.ndarray:
    return np.array([[int(color[at : at + 2], 16) for at in (1, 3, 5)] for color in colors], np.uint8)
