"""The tables of a comparison on the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics import LOWER_IS_BETTER, WITHOUT_DIRECTION
from pix2earth.scoring.tables.columns import base_of, is_score
from pix2earth.scoring.tables.gains import Statistics, by_measure, worst_tiles
from pix2earth.statistics import bootstrap, significance
from pix2earth.statistics.paired import PairedDifference

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

SAYS_NOTHING = ("", "-", "?")
"""Cells of columns that are left out where there is nothing else."""


def show(
    frame: pd.DataFrame,
    statistics: Mapping[str, Statistics] | None = None,
    measures: Mapping[str, str | None] | None = None,
) -> None:
    """Print a table for each group: mean and, in brackets, median; the best mean of each column is bold.

    Tables are as wide as their content, also on a narrow terminal: numbers are never cut.

    Args:
        frame: as ``comparison.compare`` returns it.
        statistics: of each group by its title, to print gains as well.
        measures: the score of the gains, which is shown by region too, by the title of the group.
    """
    scores = [column for column in frame.columns if is_score(column)]
    for title, rows in frame.groupby("dataset", sort=False):
        print(f"{title}: means over {rows['samples'].iloc[0]} common samples (medians in brackets)")
        if reason := rows["reason"].iloc[0]:
            print(f"  {reason}")
        measure = (measures or {}).get(str(title))
        regions = [name for name in scores if "." in name and base_of(name) == base_of(measure or "")]
        columns = [name for name in scores if "." not in name] + regions
        _print_means(rows, [name for name in columns if rows[f"{name}.samples"].notna().any()])
        for _, row in rows.iterrows():
            for remark in filter(None, (row["failed"], row["remarks"])):
                print(f"  {row['run']}: {remark}")
        if statistics and measure:
            show_gains(statistics[str(title)], measure)
        print()


def _print_means(rows: pd.DataFrame, scores: Sequence[str]) -> None:
    table = _table()
    table.add_column("run", no_wrap=True)
    sound = rows[rows["failed"] == ""]
    best = {name: sound[name].min() if base_of(name) in LOWER_IS_BETTER else sound[name].max() for name in scores}
    for name in scores:
        count = int(rows[f"{name}.samples"].max())
        fewer = f"\n{count} samples" if count < rows["samples"].iloc[0] else ""
        table.add_column(_plain(f"{name}{fewer}"), justify="right", no_wrap=True)
    for _, row in rows.iterrows():
        cells = []
        for name in scores:
            cell = "-" if np.isnan(row[name]) else f"{row[name]:.4g} ({row[f'{name}.median']:.4g})"
            is_best = not row["failed"] and row[name] == best[name] and base_of(name) not in WITHOUT_DIRECTION
            cells.append(f"[bold]{cell}[/]" if is_best else cell)
        table.add_row(_plain(f"{row['run']}{' fails' if row['failed'] else ''}"), *cells)
    _print(table)


# ---- gains ---------------------------------------------------------------------------------------------------------


def show_gains(statistics: Statistics, measure: str) -> None:
    """Print the gain of each method over the baseline, the best one's lead, and its five worst tiles.

    Args:
        statistics: of a group.
        measure: the score, by which methods are sorted, best first.
    """
    methods = by_measure(statistics, measure)
    if not methods:
        return
    best = methods[0]
    leads = {pair.second: pair.differences for pair in statistics.pairs if pair.first == best.name}
    over = f"gain over {statistics.baseline}"
    rows = []
    for method in methods:
        mark = " (best)" if method is best and not method.failed else " fails" if method.failed else ""
        gain, lead = (of.get(method.name, {}).get(measure) for of in (statistics.gains, leads))
        rows.append(
            {
                f"by {measure}": f"{method.name}{mark}", "model": method.model, "losses": method.loss,
                "step": method.step, "seeds": method.seeds, over: _words(gain), "best minus this": _words(lead),
            }
        )  # fmt: skip
    titles = [title for title in rows[0] if any(row[title] not in SAYS_NOTHING for row in rows)]
    table = _table()
    for title in titles:
        table.add_column(_plain(title), no_wrap=True)
    for row in rows:
        table.add_row(*(_plain(row[title]) for title in titles))
    _print(table)
    print(f"  {in_words_of_blocks(statistics, measure)}")
    for method in () if best.failed else (best,):
        worst = worst_tiles(statistics, method, measure)
        print(f"  worst tiles of {method.name}: {', '.join(f'{tile} {value:.4g}' for tile, value in worst)}")


def in_words_of_blocks(statistics: Statistics, measure: str) -> str:
    """Return what the intervals of a group are based on, in one sentence."""
    blocks = statistics.blocks.of(statistics.shared.defined[measure]).total
    if statistics.blocks.labels is None:
        return f"no intervals: {statistics.blocks.unit}"
    words = f"blocks: {blocks} ({statistics.blocks.unit})"
    if blocks < bootstrap.FEWEST:
        return f"{words}; too few for intervals ({bootstrap.FEWEST}) and p ({significance.FEWEST})"
    words += "; intervals of 95 % by a bootstrap over them"
    if blocks < significance.FEWEST:
        return f"{words}; too few for p ({significance.FEWEST})"
    return f"{words}; p by sign flips of their means, corrected for {statistics.tested} comparisons"


def _words(difference: PairedDifference | None) -> str:
    """Return a difference with interval, p, share of tiles and decision; "-" where there is none."""
    if difference is None:
        return "-"
    parts = [f"{difference.mean:+.4g}"]
    if not math.isnan(difference.low):
        parts.append(f"[{difference.low:+.3g}, {difference.high:+.3g}]")
    if not math.isnan(difference.corrected):
        parts.append(f"p {difference.corrected:.2g}")
    parts.append(f"wins {difference.wins:.0%}")
    return " ".join([*parts, *([difference.decision] if difference.decision != "open" else [])])


# ---- tables --------------------------------------------------------------------------------------------------------


def _table() -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _print(table: Any) -> None:
    """Print a table as wide as its content."""
    from rich.console import Console
    from rich.measure import Measurement

    unlimited = Console(width=10_000)
    width = Measurement.get(unlimited, unlimited.options, table).maximum
    Console(highlight=False, width=width).print(table)


def _plain(text: str) -> str:
    """Return text of names and settings, of which brackets are no markup."""
    from rich.markup import escape

    return escape(text)
