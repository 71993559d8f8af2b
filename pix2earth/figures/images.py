"""Figures with rows of image panels: one row or block for each sample, and keys of their colours below."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # a server has no display

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pix2earth.figures.panels import keys
from pix2earth.figures.panels.contrast import MISSING, stretch
from pix2earth.figures.panels.grid import GAP, LINE, WIDTH, PanelGrid, PixelBox, fitted
from pix2earth.figures.panels.panel import Panel, colours
from pix2earth.figures.short_names import cut
from pix2earth.settings import atomic

__all__ = ["MISSING", "Panel", "draw_rows", "stretch"]

DPI = 110
FRAME = 64
"""Grey of the frame of an image, 0 to 255."""
SMALLEST_TEXT, LARGEST_TEXT = 5.5, 9.0
READABLE = 8.0
"""Text that would be smaller is written in several lines where there is room."""
LETTER = 0.6
"""Estimated width of a letter as a share of the size of the text."""
INSET = 0.38
"""Side of an enlarged part as a share of the side of its panel: less than two fifths, so that it never hides it."""
OUTLINE = (255, 214, 0)
"""Colour of the frames of an enlarged part."""


def draw_rows(
    rows: Sequence[Sequence[Panel]],
    titles: Sequence[str],
    names: Sequence[str],
    path: Path,
    *,
    caption: str = "",
    text: Mapping[str, str] | None = None,
    width: int = WIDTH,
    side_by_side: bool = True,
    upwards: bool = False,
    names_left: int = 0,
) -> None:
    """Draw the panels of each sample, and write them atomically as PNG of about 1600 pixels width.

    Samples with few panels are side by side; those with many have several lines. Below the panels, a colour bar
    explains each kind of map, and a legend each kind of classes.

    Args:
        rows: the panels of each sample.
        titles: of the columns.
        names: names of the samples, written above each.
        path: of the PNG.
        caption: title of the figure.
        text: written into the PNG: what the figure was made of.
        width: in pixels, at most.
        side_by_side: samples with few panels may lie side by side.
        upwards: the first row of the panels is the lowest, as ``Manifest.upwards`` says.
        names_left: room in pixels for names left of the rows; 0: they are above.
    """
    if upwards:
        rows = [[panel.upside_down for panel in row] for row in rows]
    top = 2 * GAP + (LINE + 2) * (caption.count("\n") + 1 if caption else 0)
    grid = PanelGrid(rows, titles, top, width=width, side_by_side=side_by_side, names_left=names_left)
    every = [panel for row in rows for panel in row]
    explained = keys.keys_of(every)
    height = grid.height + sum(key.height for key in explained)
    canvas = np.full((height, grid.width, 3), 255, np.uint8)
    # A hundredth of a pixel more, so that the size is not rounded down.
    figure = Figure(figsize=((grid.width + 0.01) / DPI, (height + 0.01) / DPI), dpi=DPI)
    axis = figure.add_axes((0, 0, 1, 1), xlim=(0, grid.width), ylim=(height, 0), autoscale_on=False)
    axis.set_axis_off()
    if caption:
        size = fitting(caption, grid.width, LARGEST_TEXT)
        axis.text(grid.width / 2, GAP, caption, fontsize=size, ha="center", va="top")
    for number, row in enumerate(rows):
        _name(axis, grid, number, names[number], beside=bool(names_left))
        for column, panel in enumerate(row):
            _draw(canvas, axis, grid.box(number, column), panel, every)
            if grid.titled[number] and column < len(titles):
                _title(axis, grid.box(number, column), titles[column])
    top = grid.height
    for key in explained:
        keys.paint(canvas, axis, key, top)
        top += key.height
    # All images are one, without resampling: with axes for each panel, five samples took four times as long.
    figure.figimage(canvas, origin="upper", zorder=-1)
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI, metadata=dict(text or {}))


def _name(axis: Axes, grid: PanelGrid, number: int, name: str, *, beside: bool) -> None:
    """Write the name of a row above it, or in several lines beside its first panel."""
    left, top = grid.name(number)
    if not beside:
        room = int(grid.name_width / (LETTER * 7 * DPI / 72))
        axis.text(left, top, cut(name.replace("\n", " "), room), fontsize=7, va="top", color="0.3")
        return
    box = grid.box(number, 0)
    if fitting(name, grid.name_width, LARGEST_TEXT) < READABLE:
        room = int(grid.name_width / (LETTER * LARGEST_TEXT * DPI / 72))
        name = "\n".join(textwrap.wrap(name, room, break_long_words=False))
    size = fitting(name, grid.name_width, LARGEST_TEXT)
    axis.text(box.left - GAP, box.top + box.height / 2, name, fontsize=size, ha="right", va="center")


def fitting(text: str, width: float, largest: float) -> float:
    """Return the size of a text that fits a width in pixels."""
    letters = max(map(len, text.split("\n")))
    return float(np.clip(width / (LETTER * max(letters, 1) * DPI / 72), SMALLEST_TEXT, largest))


def _title(axis: Axes, box: PixelBox, title: str) -> None:
    """Write the title of a column above a panel."""
    size = fitting(title, box.width, LARGEST_TEXT)
    lines = [cut(line, int(box.width / (LETTER * size * DPI / 72)) + 2) for line in title.split("\n")]
    axis.text(box.left + box.width / 2, box.top - 2, "\n".join(lines), fontsize=size, ha="center", va="bottom")


def _draw(canvas: np.ndarray, axis: Axes, box: PixelBox, panel: Panel, every: Sequence[Panel]) -> None:
    """Paint one panel in its place, with what is written on it."""
    if panel.text:
        axis.text(box.left + box.width / 2, box.top + box.height / 2, panel.text, fontsize=8, ha="center", va="center")
        return
    image = colours(panel, keys.limits_of(panel, every) if panel.is_map else None)
    place = fitted(box, *image.shape[:2])
    _paste(canvas, place, image)
    if panel.inset:
        _enlarge(canvas, place, image, panel.inset)
    if panel.corner:
        style = {"facecolor": "black", "alpha": 0.55, "edgecolor": "none", "pad": 1.5}
        bottom = place.top + place.height - 4
        axis.text(
            place.left + 5, bottom, panel.corner, fontsize=fitting(panel.corner, 0.7 * place.width, 8), color="white",
            va="bottom", bbox=style,
        )  # fmt: skip
    if panel.scale_bar:
        _scale_bar(axis, place, *panel.scale_bar)
    if panel.label and panel.values.ndim == 3:
        middle, below = box.left + box.width / 2, box.top + box.height + 3
        axis.text(middle, below, panel.label, fontsize=fitting(panel.label, box.width, 7), ha="center", va="top")


def _paste(canvas: np.ndarray, place: PixelBox, image: np.ndarray, frame: int | tuple[int, int, int] = FRAME) -> None:
    """Paint an image into a place with a frame around it: pixels are averaged where it becomes smaller."""
    from PIL import Image

    smaller = place.width < image.shape[1]
    method = Image.Resampling.BOX if smaller else Image.Resampling.NEAREST
    resized = np.asarray(Image.fromarray(image).resize((place.width, place.height), method))
    left, top = place.left, place.top
    canvas[top - 1 : top + place.height + 1, left - 1 : left + place.width + 1] = frame
    canvas[top : top + place.height, left : left + place.width] = resized


def _enlarge(canvas: np.ndarray, place: PixelBox, image: np.ndarray, part: tuple[slice, slice]) -> None:
    """Show a part of an image enlarged in the upper corner that is farther from it."""
    rows, columns = part
    scale = place.width / image.shape[1]
    outline = PixelBox(
        place.left + round(columns.start * scale), place.top + round(rows.start * scale),
        round((columns.stop - columns.start) * scale), round((rows.stop - rows.start) * scale),
    )  # fmt: skip
    _outline(canvas, outline)
    side = round(INSET * min(place.width, place.height))
    right = columns.start + columns.stop < image.shape[1]
    left = place.left + place.width - side - 1 if right else place.left + 1
    _paste(canvas, PixelBox(left, place.top + 1, side, side), image[rows, columns], OUTLINE)


def _outline(canvas: np.ndarray, box: PixelBox) -> None:
    bottom, right = box.top + box.height - 1, box.left + box.width - 1
    for line in ((box.top, slice(box.left, right + 1)), (bottom, slice(box.left, right + 1))):
        canvas[line] = OUTLINE
    for column in (box.left, right):
        canvas[box.top : bottom + 1, column] = OUTLINE


def _scale_bar(axis: Axes, place: PixelBox, share: float, text: str) -> None:
    """Draw a bar in the lower right corner with its length."""
    right, bottom = place.left + place.width - 7, place.top + place.height - 7
    left = right - share * place.width
    for width, color in ((4.5, "black"), (2, "white")):
        axis.plot([left, right], [bottom, bottom], color=color, linewidth=width, solid_capstyle="butt")
    style = {"facecolor": "black", "alpha": 0.45, "edgecolor": "none", "pad": 1}
    axis.text((left + right) / 2, bottom - 6, text, fontsize=6.5, color="white", ha="center", va="bottom", bbox=style)
