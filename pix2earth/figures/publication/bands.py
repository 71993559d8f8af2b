"""Figures of the bands of stored tiles: errors of each band, relations between bands, spectra, NDVI and error maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pix2earth.figures.publication import correlations
from pix2earth.figures.publication.style import BASELINE, ONE_COLUMN, TWO_COLUMNS, colors_of, styled
from pix2earth.figures.short_names import shortened
from pix2earth.scoring.tiles.measurements import Measurements

Methods = Mapping[str, Measurements]
"""Measurements by the name of the method; names of baselines are in brackets, as in ``compare.py``."""
WORST = 99.0
"""Percentile of the magnitudes of errors at the ends of their colours."""


def _styles(methods: Methods) -> dict[str, dict[str, Any]]:
    return colors_of(methods, [name for name in methods if name.startswith("(")])


def _unit(methods: Methods) -> str:
    units = next(iter(methods.values())).units
    return "" if units in ("", "1") else f" ({units})"


@styled
def draw_errors(methods: Methods) -> Figure:
    """Return root mean squared error and bias of each band, a mark for each method.

    Args:
        methods: at least one.
    """
    bands = [str(band) for band in next(iter(methods.values())).bands]
    figure = Figure(figsize=(TWO_COLUMNS, 2.6), layout="constrained")
    axes = figure.subplots(1, 2)
    styles, short = _styles(methods), shortened(list(methods))
    for number, (name, each) in enumerate(methods.items()):
        places = np.arange(len(bands)) + 0.6 * ((number + 0.5) / len(methods) - 0.5)
        for axis, values in zip(axes, (each.rmse, each.bias), strict=True):
            marker = "s" if name.startswith("(") else "o"
            axis.plot(places, values, marker, markersize=3.5, color=styles[name]["color"], label=short[name])
    axes[0].set_ylim(bottom=0)
    axes[0].set_ylabel(f"root mean squared error{_unit(methods)}")
    axes[1].axhline(0, color=BASELINE, linewidth=0.8)
    axes[1].set_ylabel(f"bias, prediction minus target{_unit(methods)}")
    for axis in axes:
        axis.set_xticks(range(len(bands)), bands, rotation=45 if len(bands) > 6 else 0)
        axis.set_xlabel("band")
        axis.grid(axis="y")
    _legend_below(figure, axes[0], 4)
    return figure


@styled
def draw_relations(methods: Methods) -> Figure:
    """Return for each method how its correlations between bands differ from those of the target.

    Below the diagonal is the correlation of two bands of the prediction minus that of the target; on the diagonal the
    correlation of each band with its target.

    Args:
        methods: at least one, of at least one band.
    """
    bands = [str(band) for band in next(iter(methods.values())).bands]
    count, across = len(bands), min(3, len(methods))
    rows = -(-len(methods) // across)
    width = min(TWO_COLUMNS, 0.8 + 2.1 * across)
    figure = Figure(figsize=(width, 0.4 + rows * width / across), layout="constrained")
    axes = figure.subplots(rows, across, squeeze=False).ravel()
    tables = {name: _differences(each.correlations, count) for name, each in methods.items()}
    off_diagonal = np.concatenate([np.abs(table[np.tri(count, k=-1, dtype=bool)]) for table in tables.values()])
    finite = off_diagonal[np.isfinite(off_diagonal)]
    worst = max(float(finite.max()) if finite.size else 0.0, 0.01)
    short = shortened(list(methods))
    small = 6 if count < 8 else 4
    for axis, (name, table) in zip(axes, tables.items(), strict=False):
        below = np.where(np.tri(count, k=-1, dtype=bool), table, np.nan)
        image = axis.imshow(below, cmap="RdBu_r", vmin=-worst, vmax=worst)
        for row, column in np.argwhere(np.tri(count, dtype=bool) & np.isfinite(table)):
            color = "white" if row != column and abs(table[row, column]) > 0.7 * worst else "black"
            weight = "bold" if row == column else "normal"
            text = f"{table[row, column]:.2f}"
            axis.text(column, row, text, ha="center", va="center", fontsize=small, color=color, fontweight=weight)
        axis.set_xticks(range(count), bands, rotation=90 if count > 4 else 0)
        axis.set_yticks(range(count), bands)
        axis.spines[:].set_visible(False)
        axis.set_title(short[name])
    for axis in axes[len(methods) :]:
        axis.set_visible(False)
    label = "correlation of bands, prediction minus target\n(bold: of each band with its target)"
    figure.colorbar(image, ax=list(axes), label=label, shrink=0.8)
    return figure


def _differences(joined: np.ndarray, count: int) -> np.ndarray:
    """Return correlations of bands, prediction minus target, with those of prediction and target on the diagonal."""
    table = joined[count:, count:] - joined[:count, :count]
    table[np.diag_indices(count)] = np.diag(joined[:count, count:])
    return table


def draw_correlations(measurements: Measurements, name: str) -> Figure:
    """Return histograms and pairs of bands of target and prediction, of some pixels of the stored tiles.

    Args:
        measurements: of a method.
        name: of the method.
    """
    bands = [str(band) for band in measurements.bands]
    target, prediction = (pd.DataFrame(values, columns=bands) for values in measurements.pixels)
    return correlations.draw({"target": target, name: prediction}, measurements.units, one_range=False)


@styled
def draw_spectra(methods: Methods) -> Figure | None:
    """Return the power of target and predictions over spatial frequency, mean over bands; None without complete images.

    Args:
        methods: at least one.
    """
    shown = {name: each for name, each in methods.items() if each.power.shape[1]}
    if not shown:
        return None
    first = next(iter(shown.values()))
    figure = Figure(figsize=(TWO_COLUMNS, 2.7), layout="constrained")
    axes = figure.subplots(1, 2)
    scale, unit = (1e3 / first.gsd, "cycles per km") if first.gsd else (1.0, "cycles per pixel")
    styles, short = _styles(shown), shortened(list(shown))
    axes[0].plot(first.frequencies * scale, first.power[0].mean(axis=-1), color="black", linewidth=2, label="target")
    for name, each in shown.items():
        target, prediction = each.power
        axes[0].plot(each.frequencies * scale, prediction.mean(axis=-1), **styles[name], label=short[name])
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = 10 * np.log10((prediction / target).mean(axis=-1))
        axes[1].plot(each.frequencies * scale, ratio, **styles[name])
    axes[0].set(yscale="log", ylabel=f"power, mean over bands{_unit(shown).replace(')', '²)')}")
    axes[1].axhline(0, color="black", linewidth=0.8)
    axes[1].set_ylabel("power of prediction / target (dB)")
    for axis in axes:
        axis.set(xscale="log", xlabel=f"spatial frequency ({unit})")
        axis.grid(which="both")
    _legend_below(figure, axes[0], 5)
    return figure


@styled
def draw_error_maps(methods: Methods) -> Figure:
    """Return maps of the error (mean over bands) of some tiles, a row for each method, with one colour bar.

    Args:
        methods: at least one; shown are the tiles that all have.
    """
    common = set.intersection(*({str(tile) for tile in each.tiles} for each in methods.values()))
    tiles = [str(tile) for tile in next(iter(methods.values())).tiles if str(tile) in common]
    every = np.concatenate([np.abs(each.maps[np.isfinite(each.maps)]) for each in methods.values()])
    worst = float(np.percentile(every, WORST)) if every.size else 1.0
    across = max(len(tiles), 1)
    side = (TWO_COLUMNS - 1.3) / max(across, 3)
    figure = Figure(figsize=(side * across + 1.3, side * len(methods) + 0.4), layout="constrained")
    axes = figure.subplots(len(methods), across, squeeze=False)
    short, names = shortened(list(methods)), shortened(tiles, 18)
    for row, (name, each) in enumerate(methods.items()):
        places = {str(tile): place for place, tile in enumerate(each.tiles)}
        for column, tile in enumerate(tiles):
            axis = axes[row, column]
            axis.set_facecolor("0.85")  # missing
            image = axis.imshow(each.maps[places[tile]], cmap="RdBu_r", vmin=-worst, vmax=worst)
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(True)
            if row == 0:
                axis.set_title(names[tile])
            if column == 0:
                axis.set_ylabel(short[name])
    figure.colorbar(image, ax=axes, label=f"error{_unit(methods)}: prediction minus target,\nmean over bands")
    return figure


@styled
def draw_ndvi(methods: Methods) -> Figure | None:
    """Return the mean NDVI of target and predictions by time step; None where no method has time steps and both bands.

    Args:
        methods: at least one.
    """
    shown = {name: each for name, each in methods.items() if each.ndvi.shape[1] > 1}
    if not shown:
        return None
    figure = Figure(figsize=(ONE_COLUMN, 2.6), layout="constrained")
    axis = figure.subplots()
    styles, short = _styles(shown), shortened(list(shown))
    first = next(iter(shown.values())).ndvi[0]
    steps = np.arange(1, len(first) + 1)
    axis.plot(steps, first, "o-", color="black", linewidth=2, markersize=3, label="target")
    for name, each in shown.items():
        axis.plot(steps, each.ndvi[1], marker="o", markersize=3, **styles[name], label=short[name])
    axis.set(xlabel="time step", ylabel="NDVI, mean over tiles", xticks=steps)
    axis.grid()
    axis.legend()
    return figure


def _legend_below(figure: Figure, axis: Any, columns: int) -> None:
    """Draw the legend of an axis below all axes, in some columns at most."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, len(labels)))
