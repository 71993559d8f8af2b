"""Sizes, fonts and colours of figures for publications, and the two files of a figure: PDF and PNG."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib

matplotlib.use("Agg")  # a server has no display

from matplotlib.figure import Figure

from metrics import LOWER_IS_BETTER, UNITS, WITHOUT_DIRECTION
from pix2earth.scoring.tables.columns import base_of
from pix2earth.settings import atomic

ONE_COLUMN, TWO_COLUMNS = 3.5, 7.2
"""Widths of figures in inches."""
DPI = 300
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's colours, which the colour-blind distinguish; without yellow, which is too light for lines."""
LINES = ("-", "--", ":", "-.")
BASELINE = "0.45"
"""The grey of baselines."""
SETTINGS: dict[Any, Any] = {
    "font.size": 8, "axes.labelsize": 8, "axes.titlesize": 8, "legend.fontsize": 7, "xtick.labelsize": 7,
    "ytick.labelsize": 7, "lines.linewidth": 1.2, "axes.linewidth": 0.6, "axes.spines.top": False,
    "axes.spines.right": False, "axes.axisbelow": True, "grid.color": "0.9", "grid.linewidth": 0.5,
    "pdf.fonttype": 42, "ps.fonttype": 42, "legend.frameon": False,
}  # fmt: skip
"""Of matplotlib. Type 42 embeds fonts as TrueType, so that text in a PDF can be searched and edited."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def styled(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Return a function that draws with ``SETTINGS``, whatever is set elsewhere."""

    @functools.wraps(function)
    def drawing(*arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        with matplotlib.rc_context(SETTINGS):
            return function(*arguments, **options)

    return drawing


def colors_of(names: Iterable[str], baselines: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """Return colour and line style of each name; baselines are grey."""
    grey = list(baselines)
    styles: dict[str, dict[str, Any]] = {}
    for number, name in enumerate(name for name in dict.fromkeys(names) if name not in grey):
        styles[name] = {"color": COLORS[number % len(COLORS)], "linestyle": LINES[number // len(COLORS) % len(LINES)]}
    for number, name in enumerate(dict.fromkeys(grey)):
        styles[name] = {"color": BASELINE, "linestyle": LINES[(number + 1) % len(LINES)]}
    return styles


def axis_title(metric: str, *, direction: bool = True) -> str:
    """Return a metric with its unit and, where one is, the direction of better values."""
    base = base_of(metric)
    unit = UNITS.get(base, "")
    text = metric + {"": "", "data": " (unit of the images)"}.get(unit, f" ({unit})")
    if not direction or base in WITHOUT_DIRECTION:
        return text
    return f"{text}, {'lower' if base in LOWER_IS_BETTER else 'higher'} is better"


@styled
def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write a figure as ``<name>.pdf`` and ``<name>.png`` and return the paths.

    Raises:
        OSError: a file cannot be written.
    """
    paths = []
    for suffix in ("pdf", "png"):
        path = folder / f"{name}.{suffix}"
        # Without a date, the same figure is the same file.
        metadata = {"CreationDate": None} if suffix == "pdf" else None
        with atomic.replacing(path) as temporary:
            figure.savefig(temporary, format=suffix, dpi=DPI, metadata=metadata)
        paths.append(path)
    return paths
