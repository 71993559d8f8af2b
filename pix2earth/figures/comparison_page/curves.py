"""Training curves of a run as the page shows them: few points of its journal."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

POINTS = 120
"""Points of a curve; those of losses are means of neighbouring steps."""
LINES = 1200
"""Lines of losses that are read, evenly chosen, of longer journals."""


def curves(path: Path) -> dict[str, list[list[float]]]:
    """Return steps and values of every loss and of every validation, ``{name: [steps, values]}``.

    Lines that are no JSON are left out: the run may be training.

    Args:
        path: the run's ``train.jsonl``; a file that is not there has no curves.
    """
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    of_validation = [line for line in lines if '"validation"' in line]
    of_losses = [line for line in lines if '"validation"' not in line]
    every = max(1, -(-len(of_losses) // LINES))
    found: dict[str, list[tuple[float, float]]] = {}
    for line in [*of_losses[::every], *of_validation]:
        entry = _entry(line)
        for kind, prefix in (("losses", ""), ("validation", "validation ")):
            for name, value in (entry.get(kind) or {}).items():
                if isinstance(value, int | float) and math.isfinite(value):
                    found.setdefault(prefix + name, []).append((entry["step"], value))
    return {name: _thinned(points) for name, points in found.items()}


def _entry(line: str) -> dict[str, Any]:
    """Return a line of the journal, or nothing where it is damaged or not yet complete."""
    try:
        entry = json.loads(line)
        return entry if isinstance(entry["step"], int) else {}
    except (ValueError, TypeError, KeyError):
        return {}


def _thinned(points: Sequence[tuple[float, float]]) -> list[list[float]]:
    """Return steps and values of at most ``POINTS`` points, each the mean of neighbours."""
    ordered = np.array(sorted(points), float)
    parts = np.array_split(ordered, min(POINTS, len(ordered)))
    means = [part.mean(axis=0) for part in parts]
    return [[round(float(step), 1) for step, _ in means], [float(f"{value:.5g}") for _, value in means]]
