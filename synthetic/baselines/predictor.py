"""What a set of baselines is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from synthetic.baselines.stored import Sample

Predictor = Callable[[Sample], np.ndarray]
"""From a sample, of which it must not look at the target, to the target (in physical units)."""


class Baselines(NamedTuple):
    """Predictors by name, and how to score them.

    Attributes:
        predictors: in the order of the table.
        bands: positions of the target's bands that are predicted; None: all.
        regions: title in the table -> (inside or outside, mask field); what to score besides the whole image.
        notes: what a reader of the table has to know.
    """

    predictors: Mapping[str, Predictor]
    bands: list[int] | None = None
    regions: Mapping[str, tuple[str, str]] = {}
    notes: str = ""
