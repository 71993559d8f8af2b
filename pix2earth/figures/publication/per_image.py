"""Scores of single images: their distribution by method, and the paired gain over a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from metrics import LOWER_IS_BETTER, WITHOUT_DIRECTION
from pix2earth.figures.publication.style import BASELINE, TWO_COLUMNS, axis_title, colors_of, styled
from pix2earth.figures.short_names import shortened
from pix2earth.scoring.tables.columns import base_of
from pix2earth.settings.errors import UserError

FENCE = 3.0
"""Scores farther from the quartiles of their method than this many times their distance cannot set the scale."""
MARGIN = 0.05


@styled
def draw(scores: pd.DataFrame, metric: str, baseline: str | None = None) -> Figure:
    """Return the figure: the distribution of a metric over images by method, and each image's gain over a baseline.

    The gain has the sign that positive is better. It is shown for the images on which both are defined, sorted by size:
    where a curve crosses zero, the share of images that a method makes worse can be read.

    Args:
        scores: one row for each image, method and metric, with the columns "label" (the method), "tile", "metric",
            "value" and "baseline" (bool), as ``pix2earth.scoring.tables.evaluations.load`` returns them, of one dataset
            and mask. Scores of one image under one label, as of several seeds, are averaged.
        metric: a value of the column "metric".
        baseline: label of the baseline; None: the one with the best median, without gains where there is none.

    Raises:
        UserError: no score of the metric is finite, or there is no such baseline.
    """
    table = by_image(scores, metric)
    baselines = [name for name in table if scores.loc[scores["label"] == name, "baseline"].any()]
    if baseline is not None and baseline not in table:
        raise UserError(f"baseline '{baseline}': has no scores of {metric}; there are {', '.join(map(str, table))}")
    sign = -1.0 if base_of(metric) in LOWER_IS_BETTER else 1.0
    if baseline is None and baselines and base_of(metric) not in WITHOUT_DIRECTION:
        baseline = str((sign * table[baselines].median()).idxmax())
    methods = [name for name in table if name != baseline]
    gains = baseline is not None and bool(methods)
    height = 1.2 + 0.24 * table.shape[1]
    figure = Figure(figsize=(TWO_COLUMNS, max(2.4, height)), layout="constrained")
    axes = figure.subplots(1, 2, width_ratios=(3, 2)) if gains else [figure.subplots()]
    short, styles = shortened([str(name) for name in table]), colors_of(map(str, table), baselines)
    _distributions(axes[0], table, metric, short, styles)
    if gains:
        differences = {name: (sign * (table[name] - table[baseline])).dropna().to_numpy() for name in methods}
        _gains(axes[1], differences, metric, f"gain over {short[str(baseline)]}", short, styles)
    return figure


def by_image(scores: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the finite scores of a metric, one row for each image and one column for each method.

    Args:
        scores: as ``draw`` takes them.
        metric: a value of the column "metric".

    Raises:
        UserError: there are none.
    """
    chosen = scores[(scores["metric"] == metric) & np.isfinite(scores["value"].astype(float))]
    if chosen.empty:
        raise UserError(f"{metric}: no image has a finite score; metrics: {', '.join(scores['metric'].unique())}")
    order = [label for label in dict.fromkeys(scores["label"]) if (chosen["label"] == label).any()]
    return chosen.pivot_table(index="tile", columns="label", values="value", aggfunc="mean")[order]


def limits(*groups: np.ndarray) -> tuple[float, float]:
    """Return the ends of an axis that shows groups of scores, so that single scores cannot set its scale.

    Args:
        groups: finite scores of each method, one-dimensional; scores farther than ``FENCE`` times the distance of the
            quartiles from these are left out.
    """
    inside = []
    for values in (values for values in groups if len(values)):
        low, high = np.percentile(values, (25, 75))
        room = FENCE * (high - low)
        inside.append(values[(values >= low - room) & (values <= high + room)])
    if not inside:
        return 0.0, 1.0
    low, high = float(np.concatenate(inside).min()), float(np.concatenate(inside).max())
    margin = MARGIN * ((high - low) or abs(high) or 1.0)
    return low - margin, high + margin


def _distributions(
    axis: Axes, table: pd.DataFrame, metric: str, short: Mapping[str, str], styles: Mapping[str, dict[str, Any]]
) -> None:
    """Draw a box of each method with its images as points; those beyond the axis are counted at its ends."""
    low, high = limits(*(table[name].dropna().to_numpy() for name in table))
    numbers = np.random.default_rng(0)
    for place, name in enumerate(reversed(list(table))):
        values = table[name].dropna().to_numpy()
        color = styles[str(name)]["color"]
        inside = values[(values >= low) & (values <= high)]
        heights = place + numbers.uniform(-0.28, 0.28, len(inside))
        axis.plot(inside, heights, "o", markersize=2.2, color=color, alpha=0.5, markeredgewidth=0)
        axis.boxplot(
            [values], positions=[place], widths=0.6, orientation="horizontal", showfliers=False, manage_ticks=False,
            boxprops={"color": color}, whiskerprops={"color": color}, capprops={"color": color},
            medianprops={"color": color, "linewidth": 2},
        )  # fmt: skip
        for count, end, align in ((values < low).sum(), low, "left"), ((values > high).sum(), high, "right"):
            if count:
                text = f"{'< ' if align == 'left' else ''}{count}{' >' if align == 'right' else ''}"
                axis.text(end, place + 0.3, text, ha=align, va="bottom", fontsize=6, color=color)
    axis.set_yticks(range(table.shape[1]), [short[str(name)] for name in reversed(list(table))])
    axis.set(xlim=(low, high), ylim=(-0.6, table.shape[1] - 0.3), xlabel=axis_title(metric))
    axis.set_title(f"{len(table)} images", loc="left")
    axis.grid(axis="x")


def _gains(
    axis: Axes,
    differences: Mapping[str, np.ndarray],
    metric: str,
    title: str,
    short: Mapping[str, str],
    styles: Mapping[str, dict[str, Any]],
) -> None:
    """Draw the sorted gains of each method over the share of images."""
    for name, values in differences.items():
        if len(values):
            shares = 100 * (np.arange(len(values)) + 0.5) / len(values)
            axis.plot(shares, np.sort(values), **styles[str(name)], label=short[str(name)])
    axis.axhline(0, color=BASELINE, linewidth=0.8)
    axis.set_ylim(limits(*differences.values(), np.zeros(1)))
    axis.set(xlim=(0, 100), xlabel="images, sorted (%)", ylabel=axis_title(metric, direction=False))
    axis.set_title(f"{title} (positive is better)", loc="left")
    axis.grid()
    if len(differences) > 1:
        axis.legend()
