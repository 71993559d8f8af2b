"""Means over scores where some are undefined (NaN) or infinite, such as the PSNR of equal images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def mean_of_finite(values: Sequence[float] | np.ndarray) -> float:
    """Return the mean of the finite values in float64, or NaN where there is none."""
    array = np.asarray(values, np.float64)
    finite = array[np.isfinite(array)]
    return float(finite.mean()) if finite.size else float("nan")
