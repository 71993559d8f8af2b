"""Means of an evaluation as a small JSON file beside its CSV, as ``dvc metrics`` and ``dvc exp show`` read it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pix2earth.settings import atomic


def path_beside(csv: Path) -> Path:
    """Return the path of the file of a CSV of scores: ``<run>.metrics.json``."""
    return csv.with_suffix(".metrics.json")


def write(csv: Path, split: str, summary: Iterable[Mapping[str, Any]], baseline: str | None) -> Path:
    """Write the means of a split, ``{split: {metric: mean}}``; those of other splits are kept.

    Means of the baseline are named as its columns in the CSV, such as ``PSNR_bicubic``. A mean that is not finite is
    null.

    Args:
        csv: of the scores.
        split: of the samples.
        summary: a row for each metric, as `pix2earth.scoring.evaluation_summary.summary` returns them.
        baseline: name of the first baseline.
    """
    means: dict[str, float | None] = {}
    for row in summary:
        of_baseline = {f"{row['metric']}_{baseline}": row[baseline]} if baseline else {}
        for name, mean in ({row["metric"]: row["mean"]} | of_baseline).items():
            means[name] = mean if math.isfinite(mean) else None
    path = path_beside(csv)
    atomic.write_json(path, _existing(path) | {split: means})
    return path


def _existing(path: Path) -> dict[str, Any]:
    """Return the means that are there; none where the file is damaged, since each evaluation writes them again."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
