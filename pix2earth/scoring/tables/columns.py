"""Columns of a CSV that hold scores: of a metric, over whole images or in a region, of the model or a baseline."""

from __future__ import annotations

import re
from collections.abc import Iterable

from metrics import ALL_METRICS

REGIONS = ("inside", "outside", "disk")
PARTS = re.compile(rf"(?:(?:{'|'.join(REGIONS)})\.)?(?:band|time_step)\[[^\[\]]+\]")
"""The end of a column of one band or time step, such as "band[B04]" or "inside.time_step[2]"."""


def base_of(score: str) -> str:
    """Return the metric of a score: "PSNR" of "PSNR.inside"."""
    return score.partition(".")[0]


def is_score(column: str) -> bool:
    """Return whether a column holds scores of the model: "PSNR", "PSNR.inside" (region), "PSNR.band[B4]" (part)."""
    metric, dot, region = str(column).partition(".")
    return metric in ALL_METRICS and (not dot or region in REGIONS or bool(PARTS.fullmatch(region)))


def score_and_baseline(column: str) -> tuple[str, str] | None:
    """Return score and baseline ("" for the model) of a column, such as "PSNR.inside_median"; None without scores."""
    if is_score(column):
        return column, ""
    score, _, baseline = str(column).rpartition("_")  # a metric's own name may have an underscore
    return (score, baseline) if is_score(score) else None


def ordered_scores(names: Iterable[str]) -> list[str]:
    """Return the scores among names: in the order of the table of all metrics, then of regions, bands, time steps."""
    found = dict.fromkeys(name for name in names if is_score(name))
    whole = [
        score
        for region in ("", *REGIONS)
        for metric in ALL_METRICS
        if (score := f"{metric}.{region}" if region else metric) in found
    ]
    return [*whole, *(name for name in found if name not in set(whole))]
