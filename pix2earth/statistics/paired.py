"""The difference between two methods that were scored on the same tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pix2earth.statistics.autocorrelation import morans_i
from pix2earth.statistics.blocks import Blocks
from pix2earth.statistics.bootstrap import interval
from pix2earth.statistics.significance import holm, sign_flips, signed_rank

SIGNIFICANT = 0.05
BETTER, WORSE, EQUAL, OPEN = "better", "worse", "equal", "open"


class PairedDifference(NamedTuple):
    """Scores of a first method minus those of a second one, over the tiles that both have.

    Attributes:
        mean: over tiles.
        low: lower end of its 95 % interval; NaN with too few blocks.
        high: upper end.
        p: of the sign-flip permutation of block means; NaN with too few blocks.
        wilcoxon: p of the signed-rank test of block means.
        corrected: ``p`` after Holm's correction over all differences that are stated together; NaN before it.
        wins: share of the tiles on which the first method is better; equal ones count half.
        block_wins: the same of blocks, by their means.
        moran: Moran's I of the differences; NaN where positions are not known.
        seeds: standard deviation between means of seeds, pooled over both methods; NaN without several seeds.
        tiles: number of tiles.
        blocks: number of blocks.
        lower_is_better: of the metric.
    """

    mean: float
    low: float
    high: float
    p: float
    wilcoxon: float
    corrected: float
    wins: float
    block_wins: float
    moran: float
    seeds: float
    tiles: int
    blocks: int
    lower_is_better: bool

    @property
    def decision(self) -> str:
        """The first method in relation to the second one: "better", "worse", "equal" or "open".

        Equal is what differs by less than seeds of one method do. Open is what the scores do not decide: the interval
        has 0 in it, or the corrected p is not below 0.05, or there is none.
        """
        if abs(self.mean) < self.seeds:
            return EQUAL
        p = self.p if np.isnan(self.corrected) else self.corrected
        if not (self.low > 0 or self.high < 0) or not p < SIGNIFICANT:
            return OPEN
        return BETTER if (self.mean < 0) == self.lower_is_better else WORSE


def differences(
    first: np.ndarray,
    second: np.ndarray,
    blocks: Blocks,
    lower_is_better: Sequence[bool],
    positions: np.ndarray | None = None,
) -> list[PairedDifference]:
    """Return the difference of each metric, without correction for their number.

    Args:
        first: finite scores (seed, tile, metric).
        second: finite scores (seed, tile, metric) of the same tiles; their seeds are others.
        blocks: of the tiles.
        lower_is_better: for each metric.
        positions: x and y of the tiles (tile, 2), NaN where not known.
    """
    low, high = interval(first, second, blocks)
    of_tiles = (first.mean(axis=0) - second.mean(axis=0)).T  # (metric, tile)
    of_blocks = blocks.means(of_tiles)
    p, wilcoxon = sign_flips(of_blocks), signed_rank(of_blocks)
    spread = _spread_of_seeds(first, second)
    found = []
    for index, lower in enumerate(lower_is_better):
        values = of_tiles[index]
        moran = float("nan") if positions is None else morans_i(values, positions)
        one = PairedDifference(
            mean=float(values.mean()),
            low=float(low[index]),
            high=float(high[index]),
            p=float(p[index]),
            wilcoxon=float(wilcoxon[index]),
            corrected=float("nan"),
            wins=_wins(values, lower),
            block_wins=_wins(of_blocks[index], lower),
            moran=moran,
            seeds=float(spread[index]),
            tiles=len(values),
            blocks=blocks.total,
            lower_is_better=lower,
        )
        found.append(one)
    return found


def corrected(found: Sequence[PairedDifference]) -> list[PairedDifference]:
    """Return differences that are stated together, with Holm's correction for their number."""
    values = holm([each.p for each in found])
    return [each._replace(corrected=float(value)) for each, value in zip(found, values, strict=True)]


def _wins(values: np.ndarray, lower_is_better: bool) -> float:
    """Return the share of differences in favour of the first method; zeros count half."""
    favourable = values < 0 if lower_is_better else values > 0
    return float(favourable.mean() + (values == 0).mean() / 2)


def _spread_of_seeds(*methods: np.ndarray) -> np.ndarray:
    """Return the standard deviation (metric,) between the means of seeds, pooled over methods with several seeds."""
    several = [scores.mean(axis=1) for scores in methods if len(scores) > 1]  # (seed, metric)
    if not several:
        return np.full(methods[0].shape[-1], np.nan)
    squares = sum(((means - means.mean(axis=0)) ** 2).sum(axis=0) for means in several)
    return np.sqrt(squares / sum(len(means) - 1 for means in several))
