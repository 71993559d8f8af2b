"""Correlations of bands or of scores of images: a grid of histograms, and a table in colours."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pix2earth.figures.publication.style import COLORS, TWO_COLUMNS, styled
from pix2earth.settings.errors import UserError

BINS = 40
PIXELS = 200_000
"""Of more rows, this many are shown, evenly chosen."""
INSIDE = (0.5, 99.5)
"""Percentiles of the values between which an axis lies."""
POINTS = 1000
"""Tables with at most so many rows, as of images, are shown as points, all of them inside of the axes."""
CONTOURS = (0.5, 0.9)
"""Shares of the values that lie inside of the two lines of a panel."""


@styled
def draw(values: Mapping[str, pd.DataFrame], units: str = "", *, one_range: bool = True) -> Figure:
    """Return a triangle of panels: histograms of each band on the diagonal, pairs of bands below, correlations above.

    The two lines of each pair are around the densest half and the densest 90 % of the values. Where no table has more
    than ``POINTS`` rows, the values are points.

    Args:
        values: by the name that the legend shows, such as "target" and "prediction", a table with one row for each
            pixel (or image) and one column for each band (or metric). Values that are not finite are left out.
        units: of the values.
        one_range: whether all bands have one axis; else each has its own.

    Raises:
        UserError: there is no band that all tables have, or no finite value.
    """
    tables = {name: _thinned(table) for name, table in values.items()}
    first = next(iter(tables.values()), pd.DataFrame())
    bands = [str(band) for band in first if all(band in table for table in tables.values())]
    if not bands or not any(len(table) for table in tables.values()):
        raise UserError("correlations: there is no column with finite values that all tables have")
    ranges = _ranges(tables, bands, one_range=one_range)
    side = min(TWO_COLUMNS, 1.1 * len(bands) + 1.2)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots(len(bands), len(bands), squeeze=False)
    for row, down in enumerate(bands):
        for column, across in enumerate(bands):
            axis = axes[row, column]
            if row == column:
                _histograms(axis, tables, down, ranges[down])
            elif row > column:
                _pair(axis, tables, (across, down), ranges)
            else:
                _coefficients(axis, tables, (across, down))
            _label(axis, bands, row, column)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    if units not in ("", "1"):
        figure.supxlabel(f"values in {units}", fontsize=8)
    return figure


def _thinned(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that are finite in all columns, at most ``PIXELS``, with names of columns as text."""
    finite = table[np.isfinite(table.to_numpy(float)).all(axis=1)]
    places = np.linspace(0, len(finite) - 1, min(PIXELS, len(finite))).astype(int)
    return finite.iloc[places].rename(columns=str).astype(float)


def _ranges(tables: Mapping[str, pd.DataFrame], bands: list[str], *, one_range: bool) -> dict[str, tuple[float, float]]:
    """Return the ends of the axis of each band."""
    joined = pd.concat([table[bands] for table in tables.values()])
    few = _few(tables)
    found = {}
    for band in bands:
        low, high = np.percentile(joined if one_range else joined[band], (0, 100) if few else INSIDE)
        margin = 0.05 * (high - low) if few else 0.0
        found[band] = (float(low - margin), float(high + margin if high > low else low + 1))
    return found


def _few(tables: Mapping[str, pd.DataFrame]) -> bool:
    return all(len(table) <= POINTS for table in tables.values())


def _histograms(axis: Axes, tables: Mapping[str, pd.DataFrame], band: str, ends: tuple[float, float]) -> None:
    for number, (name, table) in enumerate(tables.items()):
        share = np.full(len(table), 100 / max(len(table), 1))
        bins = min(BINS, 5 + round(2 * len(table) ** 0.5)) if _few(tables) else BINS
        axis.hist(
            table[band], bins=bins, range=ends, weights=share, histtype="step", label=name,
            color=COLORS[number % len(COLORS)],
        )  # fmt: skip
    axis.set(xlim=ends, yticks=[])


def _pair(
    axis: Axes, tables: Mapping[str, pd.DataFrame], pair: tuple[str, str], ranges: Mapping[str, tuple[float, float]]
) -> None:
    """Draw lines around the densest values of each table, or the values."""
    across, down = pair
    for number, table in enumerate(tables.values()):
        if _few(tables):
            color = COLORS[number % len(COLORS)]
            axis.plot(table[across], table[down], "o", markersize=2.2, color=color, alpha=0.5, markeredgewidth=0)
            continue
        counts, x, y = np.histogram2d(table[across], table[down], BINS, (ranges[across], ranges[down]))
        levels = _levels(counts)
        if len(levels):
            centres = (x[:-1] + x[1:]) / 2, (y[:-1] + y[1:]) / 2
            axis.contour(*centres, counts.T, levels, colors=COLORS[number % len(COLORS)], linewidths=0.7)
    axis.set(xlim=ranges[across], ylim=ranges[down])


def _levels(counts: np.ndarray) -> list[float]:
    """Return the counts above which the shares ``CONTOURS`` of all values lie, increasing."""
    ordered = np.sort(counts.ravel())[::-1]
    total = ordered.cumsum()
    if not total[-1]:
        return []
    found = {float(ordered[np.searchsorted(total, share * total[-1])]) for share in CONTOURS}
    return sorted(level for level in found if level < counts.max())


def _coefficients(axis: Axes, tables: Mapping[str, pd.DataFrame], pair: tuple[str, str]) -> None:
    """Write Pearson's correlation of each table."""
    axis.set_axis_off()
    for number, table in enumerate(tables.values()):
        varies = len(table) > 1 and all(table[name].std() > 0 for name in pair)
        text = f"{np.corrcoef(table[pair[0]], table[pair[1]])[0, 1]:.2f}" if varies else "-"
        height = 0.5 + 0.5 * (len(tables) - 1 - 2 * number) / (len(tables) + 1)
        axis.text(
            0.5, height, text, color=COLORS[number % len(COLORS)], ha="center", va="center", transform=axis.transAxes
        )


def _label(axis: Axes, bands: list[str], row: int, column: int) -> None:
    """Name the bands at the left and below."""
    small = 7 if len(bands) < 8 else 5
    axis.tick_params(labelsize=small, length=2)
    axis.locator_params(axis="x", nbins=3)
    if row == len(bands) - 1:
        axis.set_xlabel(bands[column], fontsize=small + 1)
    else:
        axis.set_xticklabels([])
    if column == 0:
        axis.set_ylabel(bands[row], fontsize=small + 1)
    if column > 0 or row == 0:
        axis.set_yticklabels([])


@styled
def draw_table(table: pd.DataFrame, title: str = "") -> Figure:
    """Return a triangle with the rank correlation (Spearman) of each pair of columns, in colours and as numbers.

    Args:
        table: one row for each image and one column for each metric or property, such as the share of clouds. Pairs are
            correlated over the images on which both are finite.
        title: above the figure.

    Raises:
        UserError: fewer than two columns vary over at least three images.
    """
    finite = table.astype(float).where(np.isfinite(table.astype(float)))
    varying = [name for name in finite if finite[name].count() > 2 and finite[name].nunique() > 1]
    if len(varying) < 2:
        raise UserError("correlations: fewer than two columns vary over at least three images")
    found = finite[varying].corr("spearman", min_periods=3).to_numpy()
    side = min(TWO_COLUMNS, 1.6 + 0.42 * len(varying))
    figure = Figure(figsize=(side, side * 0.86), layout="constrained")
    axis = figure.subplots()
    shown = np.where(np.tri(len(varying), k=-1, dtype=bool), found, np.nan)[1:, :-1]
    image = axis.imshow(shown, cmap="RdBu_r", vmin=-1, vmax=1)
    for row, column in np.argwhere(np.isfinite(shown)):
        value = shown[row, column]
        color = "white" if abs(value) > 0.7 else "black"
        axis.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=6, color=color)
    axis.set_xticks(range(len(varying) - 1), varying[:-1], rotation=45, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(varying) - 1), varying[1:])
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    figure.colorbar(image, ax=axis, label="rank correlation over images", shrink=0.8)
    axis.set_title(title, loc="left")
    return figure
