"""Tests of paired differences: sign flips of block means, Wilcoxon's signed-rank test, and Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

RESAMPLES = 9999
SEED = 2718
FEWEST = 8
"""With fewer blocks there is no p: the smallest possible one of a two-sided test, 2^(1 - n), would not survive any
correction, and symmetry of so few means cannot be judged."""


def sign_flips(means: np.ndarray) -> np.ndarray:
    """Return the two-sided p that the means of blocks are symmetric about 0.

    All combinations of signs are tried up to 13 blocks, else 9999 that are drawn.

    Args:
        means: differences (..., block).

    Returns:
        (...); NaN with fewer than ``FEWEST`` blocks.
    """
    if means.shape[-1] < FEWEST:
        return np.full(means.shape[:-1], np.nan)
    result = stats.permutation_test(
        (means,), np.mean, permutation_type="samples", vectorized=True, axis=-1, n_resamples=RESAMPLES,
        rng=np.random.default_rng(SEED),
    )  # fmt: skip
    return np.asarray(result.pvalue)


def signed_rank(means: np.ndarray) -> np.ndarray:
    """Return the two-sided p of Wilcoxon's signed-rank test, shapes as of ``sign_flips``."""
    if means.shape[-1] < FEWEST:
        return np.full(means.shape[:-1], np.nan)
    flat = means.reshape(-1, means.shape[-1])
    # Where no mean differs from 0 there are no ranks.
    found = [stats.wilcoxon(each).pvalue if np.any(each) else 1.0 for each in flat]
    return np.array(found).reshape(means.shape[:-1])


def holm(values: Sequence[float]) -> np.ndarray:
    """Return p values that are corrected for their number by Holm's method; NaN stays, and does not count."""
    from statsmodels.stats.multitest import multipletests

    found = np.asarray(values, float)
    known = np.isfinite(found)
    corrected = np.full(found.shape, np.nan)
    if known.any():
        corrected[known] = multipletests(found[known], method="holm")[1]
    return corrected
