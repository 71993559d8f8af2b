"""Intervals of means and of their differences by a bootstrap over blocks, and over seeds where there are several."""

from __future__ import annotations

import functools

import numpy as np

from pix2earth.statistics.blocks import Blocks

RESAMPLES = 4000
SEED = 2718
LEVEL = 0.95
FEWEST = 5
"""With fewer blocks there is no interval: from the smallest to the largest of n block means covers 1 - 2^(1 - n)."""


def interval(first: np.ndarray, second: np.ndarray | None, blocks: Blocks) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of a mean over tiles, or of the difference of two means over the same tiles.

    Blocks are drawn with replacement, for both sides the same ones, and for each side its seeds. The percentiles are
    those of the "expanded percentile interval" (Hesterberg 2015), which allows for few blocks; deviations of the seeds
    from their mean are enlarged by sqrt(S / (S - 1)) for S seeds (Rao and Wu 1988), which allows for few seeds.

    Args:
        first: scores (seed, tile, column), finite.
        second: scores (seed, tile, column) that are subtracted; None: there are none.
        blocks: of the tiles.

    Returns:
        Lower and upper ends, each (column,); NaN with fewer than ``FEWEST`` blocks.
    """
    if blocks.total < FEWEST:
        nothing = np.full(first.shape[-1], np.nan)
        return nothing, nothing
    random = np.random.default_rng(SEED)
    weights = _draws(blocks.total)
    means = _resampled(first, blocks, weights, random)
    if second is not None:
        means = means - _resampled(second, blocks, weights, random)
    outside = _tail(blocks.total)
    low, high = np.quantile(means, [outside, 1 - outside], axis=0)
    return low, high


@functools.lru_cache(maxsize=16)
def _draws(count: int) -> np.ndarray:
    """Return how often each block is drawn, float (resample, block)."""
    random = np.random.default_rng([SEED, count])
    return random.multinomial(count, np.full(count, 1 / count), RESAMPLES).astype(float)


def _resampled(scores: np.ndarray, blocks: Blocks, weights: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the mean over drawn seeds and blocks, (resample, column)."""
    seeds = scores.shape[0]
    sums = blocks.sums(np.moveaxis(scores, 1, -1))  # (seed, column, block)
    tiles = weights @ blocks.sizes
    if seeds == 1:
        return weights @ sums[0].T / tiles[:, None]
    centre = sums.mean(axis=0)
    enlarged = centre + (sums - centre) * np.sqrt(seeds / (seeds - 1))
    drawn = random.multinomial(seeds, np.full(seeds, 1 / seeds), len(weights)) / seeds
    by_seed = np.stack([weights @ of_seed.T for of_seed in enlarged])  # (seed, resample, column)
    return np.einsum("rs,src->rc", drawn, by_seed) / tiles[:, None]


def _tail(count: int) -> float:
    """Return the share of the bootstrap distribution below the lower end for a number of blocks."""
    from scipy import stats

    quantile = stats.t.ppf((1 + LEVEL) / 2, count - 1)
    return float(stats.norm.cdf(-np.sqrt(count / (count - 1)) * quantile))
