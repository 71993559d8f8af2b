"""What explains the colours of a figure, below its panels: colour bars of maps, and legends of classes and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from pix2earth.figures.panels.grid import GAP, LINE
from pix2earth.figures.panels.panel import MASK_COLORS, Panel, class_colors, colours

BAR_WIDTH, BAR_HEIGHT, SWATCH = 320, 12, 12
MOST_CLASSES = 24
"""Of more classes, the legend has no entries."""
LETTER = 6.2
"""Estimated width of a letter of the smallest text in pixels."""


class Key(NamedTuple):
    """One line below the panels: a colour bar (with ``limits``), or a legend with entries of colour and text."""

    label: str
    colormap: str | None
    limits: tuple[float, float] | None
    entries: list[tuple[str, str]]

    @property
    def height(self) -> int:
        """In pixels."""
        return BAR_HEIGHT + LINE + 2 * GAP if self.limits else LINE + GAP


def keys_of(panels: Sequence[Panel]) -> list[Key]:
    """Return what explains the colours of the panels, each thing once."""
    found: dict[object, Key] = {}
    for panel in panels:
        if panel.is_map:
            limits = limits_of(panel, panels)
            found.setdefault(panel.key, Key(panel.label, panel.colormap, limits, []))
        elif panel.values.ndim == 3 and panel.contrast and panel.contrast.colormap:
            low, high, _, words, colormap = panel.contrast
            found.setdefault(panel.contrast, Key(words, colormap, (low, high), []))
        elif panel.mask and panel.label:
            entries = [(color, str(value)) for value, color in enumerate(MASK_COLORS)]
            found.setdefault(("mask", panel.label), Key(panel.label, None, None, entries))
        elif panel.classes is not None:
            found.setdefault(("classes", panel.label), _legend(panel.label, panels))
    return list(found.values())


def limits_of(panel: Panel, panels: Sequence[Panel]) -> tuple[float, float]:
    """Return the ends of the colours of a map: its own, else those of all maps that share its colour bar."""
    if panel.limits:
        return panel.limits
    alike = [each.values for each in panels if each.is_map and each.key == panel.key]
    finite = np.concatenate([values[np.isfinite(values)].ravel() for values in alike])
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)


def _legend(label: str, panels: Sequence[Panel]) -> Key:
    """Return the legend of all maps of classes of one label."""
    names: dict[int, str] = {}
    for panel in panels:
        if panel.classes is not None and panel.label == label:
            names |= panel.classes
    if len(names) > MOST_CLASSES:
        return Key(f"{label}: {len(names)} classes, whose colours repeat", None, None, [])
    colors = class_colors(np.array(sorted(names), int))
    entries = [
        (f"#{red:02x}{green:02x}{blue:02x}", names[number])
        for number, (red, green, blue) in zip(sorted(names), colors.tolist(), strict=True)
    ]
    return Key(label, None, None, entries)


def paint(canvas: np.ndarray, axis: Axes, key: Key, top: int) -> None:
    """Draw a key on the canvas, uint8 (height, width, 3), its text on the axes, which have the same pixels."""
    if key.limits:
        _colour_bar(canvas, axis, key, key.limits, top)
        return
    left: float = 2 * GAP
    axis.text(left, top + LINE / 2, f"{key.label}:" if key.entries else key.label, fontsize=7, va="center")
    left += LETTER * (len(key.label) + 2)
    for color, text in key.entries:
        if left + SWATCH + LETTER * len(text) > canvas.shape[1]:
            break
        red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
        rows = slice(top + (LINE - SWATCH) // 2, top + (LINE + SWATCH) // 2)
        canvas[rows, round(left) : round(left) + SWATCH] = (64, 64, 64)
        canvas[rows.start + 1 : rows.stop - 1, round(left) + 1 : round(left) + SWATCH - 1] = red, green, blue
        axis.text(left + SWATCH + 4, top + LINE / 2, text, fontsize=7, va="center")
        left += SWATCH + 14 + LETTER * len(text)


def _colour_bar(canvas: np.ndarray, axis: Axes, key: Key, limits: tuple[float, float], top: int) -> None:
    low, high = limits if limits[1] > limits[0] else (limits[0], limits[0] + 1.0)
    left, width = 3 * GAP, min(BAR_WIDTH, canvas.shape[1] - 12 * GAP)
    ramp = np.linspace(low, high, width)[None].repeat(BAR_HEIGHT, 0)
    bar = colours(Panel(ramp, limits=(low, high), colormap=key.colormap))
    canvas[top + GAP - 1 : top + GAP + BAR_HEIGHT + 1, left - 1 : left + width + 1] = 64
    canvas[top + GAP : top + GAP + BAR_HEIGHT, left : left + width] = bar
    exponent = _exponent(low, high)
    for value in MaxNLocator(4).tick_values(low, high):
        if low <= value <= high:
            x = left + width * (value - low) / (high - low)
            axis.plot([x, x], [top + GAP + BAR_HEIGHT, top + GAP + BAR_HEIGHT + 3], color="0.25", linewidth=0.8)
            text = f"{value / 10.0**exponent:.4g}"
            axis.text(x, top + GAP + BAR_HEIGHT + 5, text, fontsize=6.5, ha="center", va="top")
    factor = f" x 1e{exponent}" if exponent else ""
    axis.text(left + width + 2 * GAP, top + GAP + BAR_HEIGHT / 2, key.label + factor, fontsize=7, va="center")


def _exponent(low: float, high: float) -> int:
    """Return the power of ten that is written once for all ticks; 0 for usual numbers."""
    largest = max(abs(low), abs(high))
    exponent = int(np.floor(np.log10(largest))) if largest else 0
    return 0 if -3 <= exponent <= 3 else exponent
