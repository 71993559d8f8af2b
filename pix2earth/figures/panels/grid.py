"""Places of the panels of a figure, in pixels: samples in rows, or several side by side, in a width that is fixed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from pix2earth.figures.panels.panel import Panel

WIDTH = 1600
"""Of a figure in pixels."""
ACROSS = 8
"""Most panels across; a sample with more has several lines."""
LARGEST = 420
"""Largest side of a panel in pixels; with few panels the figure is narrower than WIDTH."""
GAP, LINE = 6, 16
"""Pixels between panels, and the height of a line of text."""
NARROWEST, TALLEST = 0.12, 2.0
"""Ratio of height to width of a panel is between these; images keep theirs inside."""


class PixelBox(NamedTuple):
    """Pixels from the upper left corner of the figure."""

    left: int
    top: int
    width: int
    height: int


class PanelGrid:
    """Places of the panels of a figure.

    Attributes:
        width: of the figure in pixels.
        height: of what is above ``bottom``, without keys.
        titled: for each row, whether titles are above its panels.
    """

    def __init__(
        self,
        rows: Sequence[Sequence[Panel]],
        titles: Sequence[str],
        top: int,
        *,
        width: int = WIDTH,
        side_by_side: bool = True,
        names_left: int = 0,
    ) -> None:
        """Divide the figure among the panels.

        Args:
            rows: the panels of each sample.
            titles: of the columns.
            top: room for the caption in pixels.
            width: of the figure in pixels, at most.
            side_by_side: samples with few panels may lie side by side.
            names_left: room in pixels for names left of the rows; 0: they are above.
        """
        columns = max([len(titles), *map(len, rows), 1])
        self._lines = math.ceil(columns / ACROSS)
        self._across = math.ceil(columns / self._lines)
        self._blocks = max(1, min(len(rows), ACROSS // self._across)) if self._lines == 1 and side_by_side else 1
        between, self._left = (self._blocks - 1) * 3 * GAP, names_left
        panels = self._across * self._blocks
        self.side = min(LARGEST, (width - GAP - between - names_left) // panels - GAP)
        self.width = panels * (self.side + GAP) + GAP + between + names_left
        self._title = LINE * max((title.count("\n") + 1 for title in titles if title), default=0)
        self.titled: list[bool] = []
        self._boxes: list[list[PixelBox]] = []
        self._names: list[tuple[int, int]] = []
        self._top = top
        for first in range(0, len(rows), self._blocks):
            self._add(rows[first : first + self._blocks], first == 0)
        self.height = self._top

    def _add(self, rows: Sequence[Sequence[Panel]], first: bool) -> None:
        """Place the samples of one line of blocks."""
        lefts = [
            GAP + self._left + number * (self._across * (self.side + GAP) + 3 * GAP) for number in range(len(rows))
        ]
        self._names += [(left - self._left, self._top) for left in lefts]
        self._top += 0 if self._left else LINE
        boxes: list[list[PixelBox]] = [[] for _ in rows]
        with_titles = first or self._lines > 1
        for line in range(self._lines):
            parts = [row[line * self._across : (line + 1) * self._across] for row in rows]
            self._top += self._title if with_titles else 0
            height = round(self.side * max([_ratio(panel) for part in parts for panel in part], default=1))
            for block, part in enumerate(parts):
                for number in range(len(part)):
                    boxes[block].append(
                        PixelBox(lefts[block] + number * (self.side + GAP), self._top, self.side, height)
                    )
            labelled = any(panel.label and panel.values.ndim == 3 for part in parts for panel in part)
            self._top += height + GAP + (LINE if labelled else 0)
        self._boxes += boxes
        self.titled += [with_titles] * len(rows)

    def box(self, row: int, column: int) -> PixelBox:
        """Return the place of a panel."""
        return self._boxes[row][column]

    def name(self, row: int) -> tuple[int, int]:
        """Return left and top of the name of a sample."""
        return self._names[row]

    @property
    def name_width(self) -> int:
        """Room for the name of a sample in pixels."""
        return self._left - GAP if self._left else self._across * (self.side + GAP)


def _ratio(panel: Panel) -> float:
    """Return the height of a panel as a share of its width."""
    if panel.text:
        return NARROWEST
    height, width = panel.values.shape[:2]
    return float(min(TALLEST, max(NARROWEST, height / width)))


def fitted(box: PixelBox, height: int, width: int) -> PixelBox:
    """Return the largest place at the top of a box, in its middle, that has the proportions of an image.

    Args:
        box: the room.
        height: of the image.
        width: of the image.
    """
    scale = min(box.width / width, box.height / height)
    shown_width, shown_height = max(1, round(width * scale)), max(1, round(height * scale))
    return PixelBox(box.left + (box.width - shown_width) // 2, box.top, shown_width, shown_height)
