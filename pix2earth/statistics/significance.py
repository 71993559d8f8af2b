"""Tests of paired differences: sign flips of block means, Wilcoxon's signed-rank test, and Holm's correction."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

import numpy as np

RESAMPLES = 9999
EXACT = 13
"""Up to so many blocks all combinations are tried."""
ROUNDING = 1e-12
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
    count = means.shape[-1]
    if count < FEWEST:
        return np.full(means.shape[:-1], np.nan)
    signs = _signs(count)
    observed = np.abs(means.sum(axis=-1))
    flipped = np.abs(means.reshape(-1, count) @ signs.T)  # as of scipy.stats.permutation_test, for all rows at once
    as_large = (flipped >= observed.reshape(-1, 1) * (1 - ROUNDING)).sum(axis=1).reshape(observed.shape)
    drawn = count > EXACT
    return (as_large + drawn) / (len(signs) + drawn)


@functools.lru_cache(maxsize=16)
def _signs(count: int) -> np.ndarray:
    """Return combinations of signs (combination, block): all, or ``RESAMPLES`` that are drawn."""
    if count <= EXACT:
        return np.array(list(itertools.product((-1.0, 1.0), repeat=count)))
    return np.random.default_rng([SEED, count]).choice((-1.0, 1.0), (RESAMPLES, count))


def signed_rank(means: np.ndarray) -> np.ndarray:
    """Return the two-sided p of Wilcoxon's signed-rank test, shapes as of ``sign_flips``."""
    from scipy import stats

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
