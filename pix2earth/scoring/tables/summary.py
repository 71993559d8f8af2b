"""Tables of all evaluated runs of an experiment root: means, bins from best to worst, tables for publication."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from metrics import LOWER_IS_BETTER, WITHOUT_DIRECTION
from pix2earth.scoring.tables.csv_files import ordered_metrics
from pix2earth.scoring.tables.facts import FACTS
from pix2earth.settings import atomic

ORDER = ("dmnet", "dsen2w", "pix2pix", "psgan", "srgan", "srs3", "tarsgan", "aris-a", "aris-b", "aris-c")
"""The models of the original ARISGAN code, in the order of tables and figures; others follow by name."""

DIGITS = 4
"""Significant digits of numbers in tables."""


def ranked(scores: pd.DataFrame, order: Sequence[str] = ORDER) -> list[str]:
    """Return the labels in scores in the order of tables and figures: baselines, models in ``order``, all others."""
    rows = scores[["baseline", "model", "label"]].drop_duplicates().to_dict("records")
    places = {model: place for place, model in enumerate(order)}
    rows.sort(key=lambda row: (not row["baseline"], places.get(row["model"], len(order)), row["label"]))
    return list(dict.fromkeys(row["label"] for row in rows))


def statistics(scores: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return mean, standard deviations, number of tiles and number of undefined scores.

    Mean and sample standard deviation are computed from the scores in the column ``compared`` of all runs of a row
    (from all finite ones without that column), and NaN where there are none. They are NaN as well where predictions of
    the model fail and leave scores undefined: the other tiles are those on which it happens not to fail.

    Returns:
        One row for each combination of ``keys`` and ``metric``; columns ``mean``, ``std``, ``tiles`` (over which both
        are), ``scores``, ``undefined`` (of these), ``seeds`` (number of runs), ``spread`` (sample standard deviation of
        the means of the runs).
    """
    defined = np.isfinite(scores["value"])
    compared = scores["compared"] if "compared" in scores else defined
    values = scores.assign(used=scores["value"].where(defined & compared), defined=defined)
    values["used_tile"] = scores["tile"].where(compared)
    values["fails"] = (scores["failed"] != "") & ~defined if "failed" in scores else False
    groups = values.groupby([*keys, "metric"], sort=False)
    usable = ~groups["fails"].any()
    names = list(dict.fromkeys([*keys, "metric", "run"]))
    of_runs = values.groupby(names, sort=False)["used"].mean().reset_index()
    spread = of_runs.groupby([*keys, "metric"], sort=False)["used"].std()
    return pd.DataFrame(
        {
            "mean": groups["used"].mean().where(usable),
            "std": groups["used"].std().where(usable),
            "tiles": groups["used_tile"].nunique(),
            "scores": groups["value"].size(),
            "undefined": groups["value"].size() - groups["defined"].sum(),
            "seeds": groups["run"].nunique(),
            "spread": spread.where(usable),
        }
    )


def means(scores: pd.DataFrame, order: Sequence[str] = ORDER) -> pd.DataFrame:
    """Return mean and standard deviation of all metrics, a row for each loss, mask, dataset, model, batch (and run).

    Runs that differ by their seed alone share a row; ``spread`` is the standard deviation of their means, ``tiles`` the
    number of tiles over which the compared runs are averaged. A metric with scores that are not finite has a column
    ``undefined``, which counts them.
    """
    together = scores.groupby([*FACTS, "label"], sort=False)["run"].transform(lambda runs: ", ".join(sorted(set(runs))))
    table = statistics(scores.assign(runs=together), [*FACTS, "runs", "label"]).drop(columns=["scores", "seeds"])
    table = table.unstack("metric").rename_axis(index={"runs": "run"})
    table = table.astype(dict.fromkeys((column for column in table if column[0] in ("tiles", "undefined")), "Int64"))
    table = table.swaplevel(axis=1)
    columns = [
        (metric, column)
        for metric in ordered_metrics(scores["metric"])
        for column in ("mean", "std", "spread", "tiles", "undefined")
        if column in ("mean", "std", "tiles") or (table[metric, column] > 0).any()
    ]
    table = table[columns]
    labels = ranked(scores, order)
    places = [(row[2], row[1], labels.index(row[-1]), row) for row in table.index]
    ordered = [place[-1] for place in sorted(places)]
    return table.loc[ordered].droplevel("label").rename_axis(columns=[None, None])


def quintiles(scores: pd.DataFrame, order: Sequence[str] = ORDER) -> pd.DataFrame:
    """Return for each metric the bin, 1 (best) to 5 (worst), of each model among those of its dataset and mask.

    As in the original ARISGAN code, the bins are linear in the mean and not quantiles: the interval between the best
    and the worst mean is divided into four equal parts, bins 1 (with the best) to 4; bin 5 is the worst model alone. A
    model without a finite mean has no bin, and neither has one with predictions that fail.

    Returns:
        One row for each dataset, mask and model, sorted in each dataset and mask by ``average``, the mean of the row's
        bins; models that lack some come last.
    """
    models = scores[~scores["baseline"]]
    means_of = statistics(models, ["dataset", "mask", "label"])["mean"].unstack("metric")
    if "failed" in models:
        failing = (models["failed"] != "").groupby([models[key] for key in means_of.index.names]).any()
        means_of = means_of[~failing.reindex(means_of.index)]
    means_of = means_of[ordered_metrics(means_of.columns)]
    bins = means_of.groupby(level=["dataset", "mask"]).transform(_bins)
    labels = ranked(scores, order)
    table = bins.astype("Int64").assign(average=bins.mean(axis=1))
    sorting = table.assign(lacks=bins.isna().any(axis=1), place=[labels.index(key[-1]) for key in bins.index])
    ordered = sorting.reset_index().sort_values(["dataset", "mask", "lacks", "average", "place"])
    index = pd.MultiIndex.from_frame(ordered[["dataset", "mask", "label"]])
    return table.loc[index].rename_axis(index={"label": "model"}, columns=None)


def _bins(means_of: pd.Series) -> pd.Series:
    """Return the bin of each mean of one metric; none of a metric of which neither high nor low is better."""
    if means_of.name in WITHOUT_DIRECTION:
        return means_of * np.nan
    best, worst = means_of.max(), means_of.min()
    if means_of.name in LOWER_IS_BETTER:
        best, worst = worst, best
    if best == worst:
        return means_of.where(means_of.isna(), 1.0)
    # A mean on a border between two bins must not depend on rounding.
    return np.floor((means_of - best) / (worst - best) * 4 + 1e-9) + 1


def publication(scores: pd.DataFrame, order: Sequence[str] = ORDER) -> dict[tuple[str, str], pd.DataFrame]:
    """Return a table of strings for each dataset and mask: mean and (± std) on two lines, with a row for each model.

    Where runs differ by their seed alone, a third line has the standard deviation of their means. Further lines count
    the tiles where others than undefined ones are left out, because not all runs have them or are defined there, and
    undefined scores; the cell of a metric that a run lacks is empty.
    """
    metrics, labels = ordered_metrics(scores["metric"]), ranked(scores, order)
    tables = {}
    for (dataset, mask), group in scores.groupby(["dataset", "mask"]):
        cells = statistics(group, ["label"]).apply(_cell, axis=1).unstack("metric").fillna("")
        columns = [metric for metric in metrics if metric in cells]
        rows = [label for label in labels if label in cells.index]
        tables[dataset, mask] = cells.loc[rows, columns].rename_axis(index="model", columns=None)
    return tables


def _cell(row: pd.Series) -> str:
    """Return the text of one cell of a table for publication."""
    if row["undefined"] == row["scores"]:
        return f"undefined\n({row['scores']:.0f} of {row['scores']:.0f})"
    if not row["tiles"]:
        return "no tile in which all are defined"
    if np.isnan(row["mean"]):
        return f"fails\n({row['undefined']:.0f} of {row['scores']:.0f})"
    lines = [number(row["mean"]), f"(± {number(row['std'])})"]
    if row["seeds"] > 1:
        lines.append(f"{row['seeds']:.0f} seeds: ± {number(row['spread'])}")
    if row["tiles"] * row["seeds"] < row["scores"] - row["undefined"]:
        lines.append(f"{row['tiles']:.0f} common tiles")
    if row["undefined"]:
        lines.append(f"{row['undefined']:.0f} of {row['scores']:.0f} undefined")
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
    """Return a text as part of a file name: other characters than letters, digits, "_", "." and "-" become "_"."""
    return re.sub(r"[^\w.-]", "_", text)


def html(table: pd.DataFrame) -> str:
    """Return a table as HTML for a notebook, with the line breaks of its cells."""
    formatted = table.to_html(na_rep="-", float_format=number, border=0)
    return formatted.replace("\\n", "<br>").replace("&lt;NA&gt;", "-")
