"""The plane of distortion and perception: how close methods are to the target, and how natural they look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from metrics import LOWER_IS_BETTER, WITHOUT_DIRECTION
from pix2earth.figures.publication.style import BASELINE, ONE_COLUMN, axis_title, colors_of, styled
from pix2earth.figures.short_names import shortened

PERCEPTION = ("PSD_ratio", "hallucination", "HPSI", "SSIM")
"""Metrics of perception, the first one that is there is shown: strength of detail, invented detail, similarity."""
DISTORTION = "PSNR"
BASELINE_MARKERS = "sD^v"

Interval = tuple[float, float, float]
"""Mean, and lower and upper end of its interval; the ends may be NaN."""


def perception_of(metrics: Sequence[str]) -> str | None:
    """Return the metric of perception that is shown, or None where none of ``PERCEPTION`` is there."""
    return next((metric for metric in PERCEPTION if metric in metrics), None)


@styled
def draw(means: Mapping[str, Mapping[str, Interval]], perception: str) -> Figure:
    """Return the figure: a point with intervals for each method; lines through a baseline divide the plane.

    Args:
        means: by method and metric; names of baselines are in brackets.
        perception: one of ``PERCEPTION``.
    """
    figure = Figure(figsize=(ONE_COLUMN + 0.6, 3.1), layout="constrained")
    axis = figure.subplots()
    baselines = [name for name in means if name.startswith("(")]
    styles, short = colors_of(means, baselines), shortened(list(means))
    for name, of_method in means.items():
        if DISTORTION not in of_method or perception not in of_method:
            continue
        (x, *ends_x), (y, *ends_y) = of_method[DISTORTION], of_method[perception]
        # An interval of one block is not known.
        bars = [
            None if any(end != end for end in ends) else [[max(at - ends[0], 0)], [max(ends[1] - at, 0)]]
            for at, ends in ((x, ends_x), (y, ends_y))
        ]
        marker = BASELINE_MARKERS[baselines.index(name) % len(BASELINE_MARKERS)] if name in baselines else "o"
        axis.errorbar(
            x, y, xerr=bars[0], yerr=bars[1], marker=marker, markersize=5, linewidth=0.8, capsize=2,
            color=styles[name]["color"], label=short[name], linestyle="none",
        )  # fmt: skip
    corner = next((name for name in baselines if {DISTORTION, perception} <= means[name].keys()), None)
    if corner:
        axis.axvline(means[corner][DISTORTION][0], color=BASELINE, linewidth=0.6, linestyle=":")
        axis.axhline(means[corner][perception][0], color=BASELINE, linewidth=0.6, linestyle=":")
    if perception in WITHOUT_DIRECTION:
        axis.axhline(0, color="black", linewidth=0.6)
    if perception in LOWER_IS_BETTER:
        axis.invert_yaxis()
    text = f"{axis_title(perception)}, 0 is best" if perception in WITHOUT_DIRECTION else axis_title(perception)
    axis.set(xlabel=axis_title(DISTORTION), ylabel=text)
    axis.margins(0.12)
    axis.grid()
    figure.legend(loc="outside lower center", ncols=min(3, len(means)))
    return figure
