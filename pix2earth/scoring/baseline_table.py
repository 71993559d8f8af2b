"""Scores of baselines as Markdown tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from metrics import UNITS

if TYPE_CHECKING:
    from pix2earth.scoring.baseline_scores import ScoreRow

DIGITS = {"PSNR": "%.2f", "SSIM": "%.4f", "SAM": "%.4f", "RMSE": "%.5f"}


def table(rows: Sequence[ScoreRow]) -> list[str]:
    """Return the lines of a Markdown table, one for each region and baseline."""
    metrics = list(rows[0].scores)
    titles = [f"{name} ({UNITS[name]})" if UNITS.get(name, "data") != "data" else name for name in metrics]
    lines = [f"| region | baseline | {' | '.join(titles)} | samples |", f"|---|---|{'---:|' * (len(metrics) + 1)}"]
    for row in rows:
        numbers = [DIGITS[name] % row.scores[name] for name in metrics]
        lines.append(f"| {row.region} | {row.baseline} | {' | '.join(numbers)} | {row.samples} |")
    return lines
