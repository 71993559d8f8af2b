"""Tables of all evaluated runs of an experiment root: means, bins from best to worst, and one for publication."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from metrics import LOWER_IS_BETTER
from pix2earth.scoring.evaluations import FACTS, by_table
from pix2earth.settings import atomic

ORDER = ("dmnet", "dsen2w", "pix2pix", "psgan", "srgan", "srs3", "tarsgan", "aris-a", "aris-b", "aris-c")
"""The published models, in the order in which tables and figures show them; others follow by name."""

DIGITS = 4


def ranked(scores: pd.DataFrame, order: Sequence[str] = ORDER) -> list[str]:
    """Return the labels in scores as they are to be shown: trivial baselines, models in ``order``, all others."""
    known = scores[["baseline", "model", "label"]].drop_duplicates().to_dict("records")
    places = {model: place for place, model in enumerate(order)}
    known.sort(key=lambda row: (not row["baseline"], places.get(row["model"], len(order)), row["label"]))
    return list(dict.fromkeys(row["label"] for row in known))


def statistics(scores: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return mean, sample standard deviation, number of tiles and how many scores are undefined.

    Mean and deviation are of the finite scores, and NaN where there is none.

    Returns:
        One row for each combination of ``keys`` and ``metric``; columns ``mean``, ``std``, ``tiles``, ``undefined``.
    """
    finite = scores["value"].where(np.isfinite(scores["value"]))
    groups = scores.assign(finite=finite).groupby([*keys, "metric"], sort=False)
    tiles, defined = groups["value"].size(), groups["finite"].count()
    return pd.DataFrame(
        {
            "mean": groups["finite"].mean(),
            "std": groups["finite"].std(),
            "tiles": tiles,
            "undefined": tiles - defined,
        }
    )


def means(scores: pd.DataFrame, order: Sequence[str] = ORDER) -> pd.DataFrame:
    """Return mean and standard deviation of all metrics, a row for each loss, mask, dataset, model, batch (and run).

    A metric has a column ``undefined``, which counts scores that are no finite number, where there are any.
    """
    table = statistics(scores, [*FACTS, "run", "label"]).drop(columns="tiles").unstack("metric")
    table["undefined"] = table["undefined"].astype("Int64")
    table = table.swaplevel(axis=1)
    wanted = [
        (metric, column)
        for metric in by_table(scores["metric"])
        for column in ("mean", "std", "undefined")
        if column != "undefined" or (table[metric, column] > 0).any()
    ]
    table = table[wanted]
    labels = ranked(scores, order)
    places = [(row[2], row[1], labels.index(row[-1]), row) for row in table.index]
    ordered = [place[-1] for place in sorted(places)]
    return table.loc[ordered].droplevel("label").rename_axis(columns=[None, None])


def quintiles(scores: pd.DataFrame, order: Sequence[str] = ORDER) -> pd.DataFrame:
    """Return in which of five bins between best and worst mean each model of a dataset and mask is, by metric.

    The bins are linear in the mean and not quantiles, as published: the way from best to worst has four equal parts,
    bins 1 (with the best) to 4, and 5 is the worst model alone. A model without a finite mean has none.

    Returns:
        One row for each dataset, mask and model, in each dataset and mask by ``average``, the mean of the row's bins;
        models that lack some come last.
    """
    models = scores[~scores["baseline"]]
    means_of = statistics(models, ["dataset", "mask", "label"])["mean"].unstack("metric")
    means_of = means_of[by_table(means_of.columns)]
    bins = means_of.groupby(level=["dataset", "mask"]).transform(_bins)
    labels = ranked(scores, order)
    table = bins.astype("Int64").assign(average=bins.mean(axis=1))
    sorting = table.assign(lacks=bins.isna().any(axis=1), place=[labels.index(key[-1]) for key in bins.index])
    ordered = sorting.reset_index().sort_values(["dataset", "mask", "lacks", "average", "place"])
    index = pd.MultiIndex.from_frame(ordered[["dataset", "mask", "label"]])
    return table.loc[index].rename_axis(index={"label": "model"}, columns=None)


def _bins(means_of: pd.Series) -> pd.Series:
    """Return the bins of one metric's means."""
    best, worst = means_of.max(), means_of.min()
    if means_of.name in LOWER_IS_BETTER:
        best, worst = worst, best
    if best == worst:
        return means_of.where(means_of.isna(), 1.0)
    # Where a mean is on a border, rounding shall not decide.
    return np.floor((means_of - best) / (worst - best) * 4 + 1e-9) + 1


def publication(scores: pd.DataFrame, order: Sequence[str] = ORDER) -> dict[tuple[str, str], pd.DataFrame]:
    """Return for each dataset and mask a table of texts, mean and (± std) on two lines, a row for each model.

    Undefined scores are counted in a third line; a metric that a run lacks is empty.
    """
    metrics, labels = by_table(scores["metric"]), ranked(scores, order)
    tables = {}
    for (dataset, mask), group in scores.groupby(["dataset", "mask"]):
        cells = statistics(group, ["label"]).apply(_cell, axis=1).unstack("metric").fillna("")
        columns = [metric for metric in metrics if metric in cells]
        rows = [label for label in labels if label in cells.index]
        tables[dataset, mask] = cells.loc[rows, columns].rename_axis(index="model", columns=None)
    return tables


def _cell(row: pd.Series) -> str:
    if row["undefined"] == row["tiles"]:
        return f"undefined\n({row['tiles']:.0f} of {row['tiles']:.0f})"
    lines = [number(row["mean"]), f"(± {number(row['std'])})"]
    if row["undefined"]:
        lines.append(f"{row['undefined']:.0f} of {row['tiles']:.0f} undefined")
    return "\n".join(lines)


def number(value: float) -> str:
    """Return a number with four significant digits, however small; "-" for NaN (the deviation of a single tile)."""
    if value == 0 or np.isnan(value):
        return "-" if value else "0"
    return f"{value:#.{DIGITS}g}".rstrip(".")


def write(tables: Mapping[tuple[str, str], pd.DataFrame], folder: Path) -> list[Path]:
    """Write each table as ``eval_<dataset>_<mask>.csv`` and return the paths."""
    paths = []
    for (dataset, mask), table in tables.items():
        paths.append(folder / f"eval_{file_name(dataset)}_{file_name(mask)}.csv")
        with atomic.replacing(paths[-1]) as temporary:
            table.to_csv(temporary, lineterminator="\n", encoding="utf-8")
    return paths


def file_name(text: str) -> str:
    """Return a text as a part of a file's name."""
    return re.sub(r"[^\w.-]", "_", text)


def html(table: pd.DataFrame) -> str:
    """Return a table for a notebook, with the line breaks of its cells."""
    formatted = table.to_html(na_rep="-", float_format=number, border=0)
    return formatted.replace("\\n", "<br>").replace("&lt;NA&gt;", "-")
