"""Draw the figure of an inventory: dates of its pairs, their time difference and their overlap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.settings import atomic

if TYPE_CHECKING:
    import pandas as pd


def draw(table: pd.DataFrame, name: str, path: Path) -> None:
    """Draw every pair as a point: Sentinel-2 time, hours to the frame, colour by overlap.

    Args:
        table: an inventory as ``inventory.read`` returns it, with at least one row.
        name: of the inventory, for the title.
        path: PNG to write.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    rows = table.sort_values("overlap", na_position="first")
    times = rows["s2date"].dt.tz_localize(None).to_numpy()
    hours = rows["timediff"].dt.total_seconds() / 3600
    points = axes.scatter(times, hours, c=rows["overlap"], vmin=0, vmax=1, cmap="viridis", s=14)
    figure.colorbar(points, ax=axes, label="overlap (share of the Sentinel-2 footprint)")
    axes.set(
        title=f"{name}: {len(table)} pairs of {table['s2'].nunique()} Sentinel-2 scenes",
        xlabel="Sentinel-2 sensing time (UTC)", ylabel="hours to the Sentinel-3 frame",
    )  # fmt: skip
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    figure.autofmt_xdate()
    FigureCanvasAgg(figure)
    with atomic.replacing(path) as temporary:
        figure.savefig(temporary, format="png")
