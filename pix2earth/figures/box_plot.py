"""Box plots of a metric, with a box for each model and mask, and the gain of each over the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # a server has no display

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from metrics import LOWER_IS_BETTER, WITHOUT_DIRECTION
from pix2earth.figures.publication.per_image import limits
from pix2earth.figures.publication.style import COLORS, axis_title
from pix2earth.figures.short_names import shortened
from pix2earth.scoring.tables.summary import ORDER, ranked
from pix2earth.settings import atomic

WIDTH, HEIGHT_OF_BOX, HEIGHT_OF_REST = 15.0, 0.34, 1.7
"""Inches."""
DPI = 100
BOXES = 0.8
"""Width of all boxes of a model together; the distance between models is 1."""
FAR = 100
"""The axis is logarithmic where the scores of a model are more than this many times the median of all."""


def draw(
    scores: pd.DataFrame,
    metric: str,
    *,
    datasets: Sequence[str] | None = None,
    masks: Sequence[str] | None = None,
    order: Sequence[str] = ORDER,
) -> Figure:
    """Return a figure of a metric: models from top to bottom, masks by colour, at the right gains over the baseline.

    Boxes are quartiles with the median; whiskers reach the last score within 1.5 box lengths, and points are beyond.
    Scores more than 3 box lengths away do not set the scale: numbers at the ends of the axis count them. Scores that
    are not finite are counted at the model's name. Gains are differences on the same tile, positive where the model is
    better than the baseline with the best median.

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
    gains = gains_over_baseline(chosen, metric)
    height = HEIGHT_OF_REST + HEIGHT_OF_BOX * max(len(labels) * max(len(shown), 1), 2)
    figure = Figure(figsize=(WIDTH, height), layout="constrained", dpi=DPI)
    axes = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2)) if len(gains) else [figure.subplots()]
    short = shortened(labels)
    names = [_name(short[label], chosen[chosen["label"] == label]) for label in labels]
    _panel(axes[0], _compared(chosen), labels, shown)
    axes[0].set_yticks(range(len(labels)), names, fontsize=12)
    axes[0].set_ylim(max(len(labels), 1) - 0.4, -0.6)
    axes[0].set_xlabel(axis_title(metric), fontsize=13)
    title = f"{metric} on {', '.join(sorted(chosen['dataset'].unique())) or 'nothing'}"
    axes[0].set_title(title, fontsize=14)
    if len(gains):
        _panel(axes[1], gains, labels, shown)
        axes[1].axvline(0, color="0.3", linewidth=1)
        axes[1].set_xlabel(axis_title(metric, direction=False), fontsize=13)
        axes[1].set_title(f"gain over {', '.join(sorted(gains['baseline name'].unique()))}", fontsize=14)
    if len(shown) > 1:
        handles = [Patch(facecolor=_color(place), edgecolor="0.2", label=mask) for place, mask in enumerate(shown)]
        figure.legend(handles=handles, title="mask", loc="outside right upper", fontsize=12, title_fontsize=12)
    return figure


def gains_over_baseline(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the paired gains of models over the best baseline of their dataset and mask; none without baselines.

    Args:
        scores: of one metric.
        metric: decides which sign is better.

    Returns:
        Rows with "label", "mask", "value" (positive is better) and "baseline name".
    """
    columns = ["label", "mask", "value", "baseline name"]
    found: list[pd.DataFrame] = []
    if metric in WITHOUT_DIRECTION or "tile" not in scores or not scores["baseline"].any():
        return pd.DataFrame(columns=columns)
    sign = -1 if metric in LOWER_IS_BETTER else 1
    finite = _compared(scores)[np.isfinite(_compared(scores)["value"])]
    for _, group in finite.groupby(["dataset", "mask"]):
        baselines = group[group["baseline"]]
        if baselines.empty or group["baseline"].all():
            continue
        best = (sign * baselines["value"]).groupby(baselines["label"]).median().idxmax()
        of_best = baselines[baselines["label"] == best].groupby("tile")["value"].mean()
        models = group[~group["baseline"]]
        gain = sign * (models["value"] - models["tile"].map(of_best))
        found.append(models.assign(value=gain, **{"baseline name": best})[columns].dropna())
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)


def _compared(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of the tiles over which means are computed."""
    return scores[scores["compared"]] if "compared" in scores else scores


def _panel(axis: Axes, scores: pd.DataFrame, labels: Sequence[str], masks: Sequence[str]) -> None:
    """Draw all boxes of one panel."""
    finite = scores[np.isfinite(scores["value"].astype(float))]
    low, high = limits(*(values.to_numpy(float) for _, values in finite.groupby(["label", "mask"])["value"]))
    logarithmic = _far_apart(finite)
    if logarithmic:
        low, high = finite["value"].min() / 1.5, finite["value"].max() * 1.5
        axis.set_xscale("log")
    axis.set_xlim(low, high)
    for place, mask in enumerate(masks):
        _boxes(axis, finite[finite["mask"] == mask], labels, place, len(masks))
    axis.tick_params(axis="x", labelsize=12)
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def _boxes(axis: Axes, scores: pd.DataFrame, labels: Sequence[str], place: int, masks: int) -> None:
    """Draw the boxes of one mask, and count the scores beyond the axis at its ends."""
    width = BOXES / masks
    low, high = axis.get_xlim()
    values = [scores.loc[scores["label"] == label, "value"].to_numpy(float) for label in labels]
    positions = [index + (place - (masks - 1) / 2) * width for index in range(len(labels))]
    axis.boxplot(
        values,
        positions=positions,
        widths=min(0.85 * width, 0.5),
        orientation="horizontal",
        patch_artist=True,
        manage_ticks=False,
        boxprops={"facecolor": _color(place), "edgecolor": "0.2", "alpha": 0.7},
        medianprops={"color": "black", "linewidth": 1.8},
        flierprops={"marker": "o", "markersize": 3, "markerfacecolor": "0.4", "markeredgecolor": "none"},
    )
    for position, of_label in zip(positions, values, strict=True):
        if below := int((of_label < low).sum()):
            axis.annotate(f"< {below}", (low, position), fontsize=10, ha="left", va="center", color="0.3")
        if above := int((of_label > high).sum()):
            axis.annotate(f"{above} >", (high, position), fontsize=10, ha="right", va="center", color="0.3")


def _color(place: int) -> str:
    """Return the colour of a mask by its position."""
    return COLORS[place % len(COLORS)]


def _name(short: str, scores: pd.DataFrame) -> str:
    """Return a model's short name and the number of undefined scores of each mask that has any."""
    lines = [short]
    for mask, values in scores.groupby("mask")["value"]:
        undefined = int((~np.isfinite(values)).sum())
        if undefined:
            lines.append(f"{undefined} of {len(values)} {mask} undefined")
    return "\n".join(lines)


def _far_apart(scores: pd.DataFrame) -> bool:
    """Return whether the scores of a model, not single ones, need a logarithmic axis."""
    if scores.empty or scores["value"].min() <= 0:
        return False
    medians = scores.groupby("label")["value"].median()
    return bool(medians.max() > FAR * scores["value"].median() or medians.max() > FAR * medians.min())


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG and return the path."""
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=DPI)
    return path
