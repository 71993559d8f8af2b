"""Draw the overlay plot of a pair: footprints, masks and the windows that were cut, for checking by eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.settings import atomic

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from preprocessing.tiles.cutting_jobs import Window
    from preprocessing.tiles.paired_scene import PairedScene

# Okabe and Ito's colours, which most colour-blind people can distinguish.
COLOURS = {"Sentinel-2": "#0072B2", "Sentinel-3": "#D55E00"}
WINDOW, OUTSIDE_MASK = "#009E73", "#CC79A7"
MOST_LABELS = 100
"""Windows are labelled up to this number; more labels would cover one another."""


def draw_overlay(path: Path, scene: PairedScene, windows: Sequence[Window]) -> None:
    """Draw footprints with their bounding boxes (dashed), masks (grey) and labelled windows.

    Args:
        path: the PNG to write.
        scene: the pair; coordinates are those of the Sentinel-2 grid in kilometres.
        windows: the windows that were cut.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 7.5))
    # Fixed margins, because an automatic layout draws everything twice.
    figure.subplots_adjust(left=0.06, right=0.98, bottom=0.08, top=0.84, wspace=0.16)
    FigureCanvasAgg(figure)
    overview, detail = figure.subplots(1, 2)
    for axes in (overview, detail):
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
        _outline(detail, polygon, color=_colour(window), linewidth=1.2)
        if len(windows) <= MOST_LABELS:
            _label(detail, polygon, f"{window.column}x{window.row}")
        _fill(overview, polygon, color=_colour(window))
    for in_mask in dict.fromkeys(window.in_mask for window in windows):
        label = {None: "tile", True: "tile in the masks", False: "tile not in the masks"}[in_mask]
        colour = OUTSIDE_MASK if in_mask is False else WINDOW
        overview.plot([], [], color=colour, marker="s", linestyle="", label=label)
    bounds = [length / 1000 for length in scene.footprints["Sentinel-2"].bounds]
    margin = 0.05 * max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    detail.set_xlim(bounds[0] - margin, bounds[2] + margin)
    detail.set_ylim(bounds[1] - margin, bounds[3] + margin)
    overview.legend(loc="best")
    overview.set_title(f"both footprints, {scene.safe.crs.to_string()}")
    detail.set_title(f"{len(windows)} tiles of {scene.job.draw.tilesize} pixels (column x row)")
    figure.suptitle(
        f"{scene.job.inventory}, {scene.job.pair.number}\n{scene.safe.name}\n{scene.sen3.name}", fontsize="medium"
    )
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)


def _label(axes: Any, polygon: BaseGeometry, text: str) -> None:
    corner = polygon.bounds[0] / 1000, polygon.bounds[3] / 1000
    axes.annotate(text, corner, xytext=(0, 2), textcoords="offset points", fontsize="x-small")


def _colour(window: Window) -> str:
    return OUTSIDE_MASK if window.in_mask is False else WINDOW


def _rings(geometry: BaseGeometry) -> list[Any]:
    """Return the rings of a geometry, each (n, 2) in kilometres."""
    import shapely

    parts = shapely.get_parts(shapely.get_rings(geometry))
    return [shapely.get_coordinates(ring) / 1000 for ring in parts]


def _outline(axes: Any, geometry: BaseGeometry, **style: Any) -> None:
    for ring in _rings(geometry):
        axes.plot(*ring.T, **style)
        style.pop("label", None)


def _fill(axes: Any, geometry: BaseGeometry, **style: Any) -> None:
    """Fill polygons but not their holes: one path of all rings, in which holes have the opposite direction."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Outline
    from shapely import normalize

    rings = _rings(normalize(geometry))
    if rings:
        axes.add_patch(PathPatch(Outline.make_compound_path(*map(Outline, rings)), linewidth=0, **style))
