"""The figure of a judgement by land cover: confusion matrices, F1 of each class, NDVI of each class over time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pix2earth.settings import atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {"true": "#222222", "generated": "#1f77b4", "input": "#d62728"}
STYLES = {"true": "-", "generated": "--", "input": ":"}
WRITTEN = 12
"""Number of classes up to which cells have numbers."""


def draw(content: dict[str, Any], path: Path) -> None:
    """Draw a judgement.

    Args:
        content: as ``pix2earth.land_cover.report`` writes it as JSON.
        path: of the PNG.

    Raises:
        OSError: it cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kinds = list(content["frames"])
    curves = {one: found for one, found in content["ndvi"].items() if _has_time(found)}
    figure = Figure(figsize=(4.6 * len(kinds), 11 if curves else 7.5), layout="constrained")
    FigureCanvasAgg(figure)
    count = 3 if curves else 2
    rows: Any = figure.subfigures(count, 1, height_ratios=[1.25, 0.9, 1.0][:count])
    for axes, kind in zip(np.atleast_1d(rows[0].subplots(1, len(kinds))), kinds, strict=True):
        _confusion(axes, content["frames"][kind], content["classes"], kind)
    _bars(rows[1].subplots(), content["frames"])
    if curves:
        columns = min(len(curves), 4)
        grid = rows[2].subplots(-(-len(curves) // columns), columns, sharex=True, sharey=True, squeeze=False)
        _ndvi(grid, curves)
    figure.suptitle(f"{content['run']}, step {content['step']}, {content['series']} series of {content['split']}")
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")


def _has_time(curves: dict[str, list[float | None]]) -> bool:
    return any(len(values) > 1 for values in curves.values())


def _confusion(axes: Axes, frames: dict[str, Any], classes: list[int], kind: str) -> None:
    """Draw the shares of the pixels of each true class; the last column is that of no class, where it occurs."""
    matrix = np.array(frames["confusion"], float)
    labels = [str(one) for one in classes]
    if matrix[:, -1].any():
        columns = [*labels, "none"]
    else:
        matrix, columns = matrix[:, :-1], labels
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(shares.shape) if len(classes) <= WRITTEN else ():
        if matrix[row].any():
            colour = "white" if shares[row, column] > 0.6 else "black"
            text = f"{100 * shares[row, column]:.0f}"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=8)
    axes.set(xlabel="predicted class", ylabel="true class", title=f"{kind} frames, accuracy {frames['accuracy']:.3f}")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(labels)), labels)


def _bars(axes: Axes, frames: dict[str, Any]) -> None:
    """Draw F1 of each class of all kinds of frames side by side."""
    shown = sorted({one for each in frames.values() for one in each["by_class"]}, key=int)
    width = 0.8 / len(frames)
    for number, (kind, each) in enumerate(frames.items()):
        heights = [each["by_class"].get(one, {"f1": 0.0})["f1"] for one in shown]
        places = np.arange(len(shown)) + (number - (len(frames) - 1) / 2) * width
        axes.bar(places, heights, width, label=kind, color=COLOURS[kind])
    axes.set_xticks(range(len(shown)), [f"class {one}" for one in shown])
    axes.set(ylabel="F1", ylim=(0, 1.02))
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)


def _ndvi(grid: np.ndarray, curves: dict[str, dict[str, list[float | None]]]) -> None:
    """Draw the mean NDVI of each class over the time steps."""
    for axes in grid.flat[len(curves) :]:
        axes.set_visible(False)
    for axes, (one, found) in zip(grid.flat, curves.items(), strict=False):
        for kind, values in found.items():
            numbers = np.array([np.nan if value is None else value for value in values], float)
            steps = np.arange(1, len(numbers) + 1)
            axes.plot(steps, numbers, STYLES[kind], color=COLOURS[kind], label=kind)
        axes.set_title(f"class {one}", fontsize=9)
    for axes in grid[:, 0]:
        axes.set_ylabel("NDVI")
    for axes in grid[-1]:
        axes.set_xlabel("time step")
