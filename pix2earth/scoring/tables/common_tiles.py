"""Tiles over which runs are compared: those that all have, with a score that is defined in all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd


def overlapping(tiles_of: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the runs in parts that have tiles in common, the part with the largest run first.

    Args:
        tiles_of: tiles of each run by its name.
    """
    parts: list[tuple[set[str], list[str]]] = []
    for run in sorted(tiles_of, key=lambda name: -len(tiles_of[name])):
        for number, (common, members) in enumerate(parts):
            if common & tiles_of[run]:
                parts[number] = (common & tiles_of[run], [*members, run])
                break
        else:
            parts.append((tiles_of[run], [run]))
    return [[run for run in tiles_of if run in members] for _, members in parts]


def compared(scores: pd.DataFrame) -> pd.Series:
    """Return for each score whether means use it: its tile is that of all runs, and defined in all with this metric.

    Runs and baselines of one dataset and mask are compared. A run with predictions that fail does not decide, unless
    all do: its failures would choose the tiles of the others.

    Args:
        scores: of ``pix2earth.scoring.tables.evaluations.load``, without this column.
    """
    result = pd.Series(False, scores.index)
    for _, of_table in scores.groupby(["dataset", "mask"]):
        sound = of_table[of_table["failed"] == ""] if (of_table["failed"] == "").any() else of_table
        common = set.intersection(*(set(tiles) for _, tiles in of_table.groupby(["label", "run"])["tile"]))
        for metric, of_metric in of_table.groupby("metric"):
            values = sound.loc[sound["metric"] == metric]
            undefined = set(values.loc[~np.isfinite(values["value"].to_numpy(float)), "tile"])
            result[of_metric.index] = of_metric["tile"].isin(common - undefined)
    return result
