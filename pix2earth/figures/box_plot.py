"""Box plots of a metric, with a box for each model and mask."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # a server has no display

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from metrics import LOWER_IS_BETTER, UNITS, WITHOUT_DIRECTION
from pix2earth.scoring.tables.summary import ORDER, ranked
from pix2earth.settings import atomic

INCHES = (15, 7)
DPI = 100
COLORS = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#0072B2", "#D55E00")  # for the colour-blind too
WIDTH = 0.8
"""Width of all boxes of a model together; the distance between models is 1."""

MANY, LONG = 10, 20
"""Number of models, and of letters of a name, above which the names are written vertically."""

FAR = 100
"""The axis is logarithmic where a score is more than this many times the median."""


def draw(
    scores: pd.DataFrame,
    metric: str,
    *,
    datasets: Sequence[str] | None = None,
    masks: Sequence[str] | None = None,
    order: Sequence[str] = ORDER,
) -> Figure:
    """Return a figure of a metric: models along the axis, masks by colour.

    Boxes are quartiles with the median; whiskers reach the last score within 1.5 box lengths, and points are beyond.
    Scores that are not finite are counted below the model's name. The axis is logarithmic where the scores of one model
    are so high that the boxes of the others would be lines.

    Args:
        scores: of ``pix2earth.scoring.tables.evaluations.load``.
        metric: a column of the CSVs.
        datasets: only these; None: all, thrown together.
        masks: only these, in this order; None: all.
        order: models in the order of the axis; others follow by name.
    """
    chosen = scores[scores["metric"] == metric]
    chosen = chosen[chosen["dataset"].isin(chosen["dataset"] if datasets is None else datasets)]
    shown = sorted(chosen["mask"].unique()) if masks is None else list(masks)
    chosen = chosen[chosen["mask"].isin(shown)]
    labels = ranked(chosen, order)
    figure = Figure(figsize=INCHES, layout="constrained", dpi=DPI)
    axis = figure.subplots()
    for place, mask in enumerate(shown):
        _boxes(axis, chosen[chosen["mask"] == mask], labels, place, len(shown))
    names = [_name(label, chosen[chosen["label"] == label]) for label in labels]
    _name_models(axis, labels, names)
    axis.set_xlim(-0.6, max(len(labels), 1) - 0.4)
    if _far_apart(chosen["value"]):
        axis.set_yscale("log")
    axis.set_ylabel(_axis_title(metric), fontsize=13)
    axis.tick_params(axis="y", labelsize=12)
    axis.grid(axis="y", color="0.9")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_title(f"{metric} on {', '.join(sorted(chosen['dataset'].unique())) or 'nothing'}", fontsize=14)
    handles = [Patch(facecolor=_color(place), edgecolor="0.2", label=mask) for place, mask in enumerate(shown)]
    figure.legend(handles=handles, title="mask", loc="outside right upper", fontsize=12, title_fontsize=12)
    return figure


def _boxes(axis: matplotlib.axes.Axes, scores: pd.DataFrame, labels: Sequence[str], place: int, masks: int) -> None:
    """Draw the boxes of one mask, of the tiles over which means are computed as well."""
    scores = scores[scores["compared"]] if "compared" in scores else scores
    width = WIDTH / masks
    values = [scores.loc[scores["label"] == label, "value"].to_numpy(float) for label in labels]
    axis.boxplot(
        [scores_of_model[np.isfinite(scores_of_model)] for scores_of_model in values],
        positions=[index + (place - (masks - 1) / 2) * width for index in range(len(labels))],
        widths=min(0.85 * width, 0.5),
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": _color(place), "edgecolor": "0.2"},
        medianprops={"color": "black", "linewidth": 1.8},
        flierprops={"marker": "o", "markersize": 3, "markerfacecolor": "0.4", "markeredgecolor": "none"},
    )


def _name_models(axis: matplotlib.axes.Axes, labels: Sequence[str], names: Sequence[str]) -> None:
    """Write the names below the axis, vertically where they would overlap."""
    crowded = len(labels) > MANY or max(map(len, labels), default=0) > LONG
    style = {"rotation": 90, "va": "center", "fontsize": 10} if crowded else {"rotation": 30, "fontsize": 12}
    axis.set_xticks(range(len(labels)), names, ha="right", rotation_mode="anchor", **style)


def _color(place: int) -> str:
    """Return the colour of a mask by its position."""
    return COLORS[place % len(COLORS)]


def _name(label: str, scores: pd.DataFrame) -> str:
    """Return a model's name and the number of undefined scores of each mask that has any."""
    lines = [label]
    for mask, values in scores.groupby("mask")["value"]:
        undefined = int((~np.isfinite(values)).sum())
        if undefined:
            lines.append(f"{undefined} of {len(values)} {mask} undefined")
    return "\n".join(lines)


def _far_apart(values: pd.Series) -> bool:
    """Return whether scores need a logarithmic axis."""
    finite = values[np.isfinite(values)]
    return len(finite) > 0 and finite.min() > 0 and finite.max() > FAR * finite.median()


def _axis_title(metric: str) -> str:
    """Return metric, unit, and whether higher or lower is better, where one is."""
    unit = UNITS.get(metric, "")
    unit_text = {"": "", "data": " (unit of the images)"}.get(unit, f" ({unit})")
    if metric in WITHOUT_DIRECTION:
        return f"{metric}{unit_text}"
    return f"{metric}{unit_text}, {'lower' if metric in LOWER_IS_BETTER else 'higher'} is better"


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG and return the path."""
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI)
    return path
