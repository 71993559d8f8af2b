"""The overlay plot of a pair: footprints, masks and the windows that were cut, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.settings import atomic

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from preprocessing.tiles.cutting import PairedScene
    from preprocessing.tiles.cutting_jobs import Window

# Okabe and Ito's colours, which most colour-blind people can tell apart.
COLOURS = {"Sentinel-2": "#0072B2", "Sentinel-3": "#D55E00"}
WINDOW, OUTSIDE_MASK = "#009E73", "#CC79A7"
MOST_LABELS = 100
"""More would cover one another."""


def draw_overlay(path: Path, scene: PairedScene, windows: Sequence[Window]) -> None:
    """Draw footprints with their bounding boxes (dashed), masks (grey) and labelled windows.

    Args:
        path: the PNG to make.
        scene: the pair; everything is drawn on the Sentinel-2 grid, in kilometres.
        windows: what was cut.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 7.5))
    # Margins of our own: a layout that fits itself draws everything twice.
    figure.subplots_adjust(left=0.06, right=0.98, bottom=0.08, top=0.84, wspace=0.16)
    FigureCanvasAgg(figure)
    whole, near = figure.subplots(1, 2)
    for axes in (whole, near):
        if scene.mask is not None:
            _fill(axes, scene.mask, color="0.8", label="masks")
        for name, footprint in scene.footprints.items():
            _outline(axes, footprint, color=COLOURS[name], label=name)
            _outline(axes, footprint.envelope, color=COLOURS[name], linestyle="--", linewidth=0.8)
        axes.set_xlabel("easting in km")
        axes.set_ylabel("northing in km")
        axes.set_aspect("equal")
    for window in windows:
        polygon = scene.polygon(window.column, window.row)
        _outline(near, polygon, color=_colour(window), linewidth=1.2)
        if len(windows) <= MOST_LABELS:
            _label(near, polygon, f"{window.column}x{window.row}")
        _fill(whole, polygon, color=_colour(window))
    for in_mask in dict.fromkeys(window.in_mask for window in windows):
        named = {None: "tile", True: "tile in the masks", False: "tile not in the masks"}[in_mask]
        whole.plot([], [], color=OUTSIDE_MASK if in_mask is False else WINDOW, marker="s", linestyle="", label=named)
    bounds = [length / 1000 for length in scene.footprints["Sentinel-2"].bounds]
    margin = 0.05 * max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    near.set_xlim(bounds[0] - margin, bounds[2] + margin)
    near.set_ylim(bounds[1] - margin, bounds[3] + margin)
    whole.legend(loc="best")
    whole.set_title(f"both footprints, {scene.safe.crs.to_string()}")
    near.set_title(f"{len(windows)} tiles of {scene.job.draw.tilesize} pixels (column x row)")
    figure.suptitle(
        f"{scene.job.inventory}, {scene.job.pair.number}\n{scene.safe.name}\n{scene.sen3.name}", fontsize="medium"
    )
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def _label(axes: Any, polygon: BaseGeometry, text: str) -> None:
    place = polygon.bounds[0] / 1000, polygon.bounds[3] / 1000
    axes.annotate(text, place, xytext=(0, 2), textcoords="offset points", fontsize="x-small")


def _colour(window: Window) -> str:
    return OUTSIDE_MASK if window.in_mask is False else WINDOW


def _rings(geometry: BaseGeometry) -> list[Any]:
    """Return the rings of a geometry as (n, 2) kilometres."""
    import shapely

    parts = shapely.get_parts(shapely.get_rings(geometry))
    return [shapely.get_coordinates(ring) / 1000 for ring in parts]


def _outline(axes: Any, geometry: BaseGeometry, **style: Any) -> None:
    for ring in _rings(geometry):
        axes.plot(*ring.T, **style)
        style.pop("label", None)


def _fill(axes: Any, geometry: BaseGeometry, **style: Any) -> None:
    """Fill polygons, leaving their holes open: a path of all rings, whose directions differ."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline
    from shapely import normalize

    rings = _rings(normalize(geometry))
    if rings:
        axes.add_patch(PathPatch(Outline.make_compound_path(*map(Outline, rings)), linewidth=0, **style))
