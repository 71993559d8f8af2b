"""Training curves: losses and validation of runs over steps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metrics import LOWER_IS_BETTER, WITHOUT_DIRECTION
from pix2earth.figures.comparison_page.curves import curves
from pix2earth.figures.publication.style import TWO_COLUMNS, axis_title, colors_of, styled
from pix2earth.figures.short_names import shortened
from pix2earth.scoring.tables.columns import base_of, is_score
from pix2earth.settings.errors import UserError

VALIDATION = "validation "
PANELS = 12
"""Most panels of a figure; losses come last."""
COLUMNS = 3
PANEL_HEIGHT = 1.7
FAR = 100
"""A loss has a logarithmic axis where its largest value is more than this many times its smallest."""


@styled
def draw(journals: Mapping[str, Path]) -> Figure:
    """Return the figure: a panel for each metric of the validation and each loss, a line for each run.

    The best step of each run is marked on the lines of metrics.

    Args:
        journals: the ``train.jsonl`` of each run by the name that the legend shows.

    Raises:
        UserError: none of the runs has a line of losses or of validation.
    """
    found = {name: curves(path) for name, path in journals.items()}
    names = list(dict.fromkeys(panel for each in found.values() for panel in each))
    if not names:
        raise UserError(f"{', '.join(map(str, journals.values()))}: no training has been recorded")
    names = sorted(names, key=lambda name: not name.startswith(VALIDATION))[:PANELS]
    columns = min(COLUMNS, len(names))
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(TWO_COLUMNS, rows * PANEL_HEIGHT + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    styles, short = colors_of(found), shortened(list(found))
    for axis, panel in zip(axes, names, strict=False):
        for name, of_run in found.items():
            if panel in of_run:
                _line(axis, panel, of_run[panel], {**styles[name], "label": short[name]})
        _describe(axis, panel, [value for each in found.values() for value in each.get(panel, [[], []])[1]])
    for axis in axes[len(names) :]:
        axis.set_visible(False)
    handles = {label: line for axis in axes for line, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=min(4, len(handles)))
    return figure


def _line(axis: Axes, panel: str, points: list[list[float]], style: dict[str, Any]) -> None:
    """Draw one curve, with a mark at the best value of a metric."""
    steps, values = points
    axis.plot(steps, values, **style)
    metric = panel.removeprefix(VALIDATION)
    if not panel.startswith(VALIDATION) or not is_score(metric) or base_of(metric) in WITHOUT_DIRECTION:
        return
    best = min(values) if base_of(metric) in LOWER_IS_BETTER else max(values)
    axis.plot(steps[values.index(best)], best, "o", markersize=3, color=style["color"])


def _describe(axis: Axes, panel: str, values: list[float]) -> None:
    """Write what a panel shows."""
    metric = panel.removeprefix(VALIDATION)
    if panel.startswith(VALIDATION):
        axis.set_ylabel(axis_title(metric, direction=False) if is_score(metric) else metric)
        axis.set_title("validation", loc="left")
    else:
        axis.set_ylabel(panel)
        axis.set_title("loss", loc="left")
        if min(values) > 0 and max(values) > FAR * min(values):
            axis.set_yscale("log")
    axis.set_xlabel("step")
    axis.grid()
