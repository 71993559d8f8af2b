"""Paired statistics of a group of runs: gains over the baseline, and differences between all pairs of methods."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from metrics import LOWER_IS_BETTER, WITHOUT_DIRECTION
from pix2earth.scoring.tables.columns import base_of
from pix2earth.scoring.tables.comparison import Group, SharedScores, shared_scores
from pix2earth.scoring.tables.methods import Method, methods_of
from pix2earth.scoring.tiles import places
from pix2earth.scoring.tiles.tile_folder import tile_folder
from pix2earth.statistics.blocks import Blocks, of_labels
from pix2earth.statistics.bootstrap import interval
from pix2earth.statistics.paired import PairedDifference, corrected, differences

PAIRS = 12
"""Of more methods, the best so many are compared in pairs."""
UNKNOWN = "not known: no evaluation has recorded where the samples lie; evaluate a run again"


class TileBlocks(NamedTuple):
    """What is known of the places of samples.

    Attributes:
        unit: what a block is, in words.
        labels: name of the block of each sample; None where it is not known.
        positions: x and y (sample, 2), NaN where not known.
        hidden: share of hidden pixels (sample,), NaN where not known.
    """

    unit: str
    labels: np.ndarray | None
    positions: np.ndarray
    hidden: np.ndarray

    def of(self, defined: np.ndarray) -> Blocks:
        """Return the blocks of some samples, bool (sample,); all in one where nothing is known."""
        return of_labels(["" for _ in range(int(defined.sum()))] if self.labels is None else self.labels[defined])


class MethodPair(NamedTuple):
    """Differences between two methods, the first minus the second, by score."""

    first: str
    second: str
    differences: dict[str, PairedDifference]


class Statistics(NamedTuple):
    """Paired statistics of a group.

    Attributes:
        shared: the scores.
        methods: baselines first.
        blocks: of the samples.
        baseline: name of the baseline over which gains are stated, the best one by the measure; None: there is none.
        means: mean, lower and upper end of its interval by method and score.
        gains: differences to the baseline by method and score.
        pairs: of the methods without baselines.
        tested: number of p values among which Holm's correction was made.
    """

    shared: SharedScores
    methods: list[Method]
    blocks: TileBlocks
    baseline: str | None
    means: dict[str, dict[str, tuple[float, float, float]]]
    gains: dict[str, dict[str, PairedDifference]]
    pairs: list[MethodPair]
    tested: int


def tile_blocks(root: Path, group: Group, tiles: Sequence[str]) -> TileBlocks:
    """Return what is recorded of the places of the samples of a group.

    Args:
        root: the experiment root.
        group: the runs.
        tiles: names of the samples.

    Raises:
        UserError: a file is damaged.
    """
    nothing = TileBlocks(UNKNOWN, None, np.full((len(tiles), 2), np.nan), np.full(len(tiles), np.nan))
    for folder in dict.fromkeys(tile_folder(root, run.basis) for run in group.runs):
        table = places.load(folder) if folder else None
        if table is None or not set(tiles) <= set(table.index):
            continue
        rows = table.loc[list(tiles)]
        units = dict.fromkeys(rows["unit"])
        words = " and ".join(places.UNITS.get(unit, unit) for unit in units)
        labels = (rows["unit"] + " " + rows["block"]).to_numpy(str)
        positions = rows[["x", "y"]].to_numpy(float)
        usual = rows["crs"].mode().iloc[0]  # coordinates of two systems have no distance
        positions[(rows["crs"] != usual).to_numpy()] = np.nan
        return TileBlocks(words, labels, positions, rows["hidden"].to_numpy(float))
    return nothing


def statistics_of(root: Path, group: Group, scores: Sequence[str], measure: str | None) -> Statistics:
    """Return the paired statistics of a group.

    Args:
        root: the experiment root.
        group: the runs.
        scores: to compare.
        measure: the score that decides which baseline is the hardest, and which methods are the best ones, where there
            are too many for all pairs.

    Raises:
        UserError: a file with places is damaged.
    """
    shared = shared_scores(group)
    methods, blocks = methods_of(group, shared), tile_blocks(root, group, shared.tiles)
    usable = {method.name: _usable(method, shared, scores) for method in methods}
    means: dict[str, dict[str, tuple[float, float, float]]] = {method.name: {} for method in methods}
    for method in methods:
        for names, defined in _together(shared, usable[method.name]):
            values = method.scores(shared, names, defined)
            low, high = interval(values, None, blocks.of(defined))
            ends = zip(names, values.mean(axis=(0, 1)), low, high, strict=True)
            means[method.name] |= {name: (float(mean), float(one), float(two)) for name, mean, one, two in ends}
    best, baseline = _best(methods, means, measure)[:PAIRS], _hardest(methods, means, measure)
    wanted = [(method, baseline) for method in methods if baseline and not method.baseline]
    wanted += list(itertools.combinations(best, 2))
    found = [_differences(first, second, shared, blocks, usable) for first, second in wanted]
    flat = corrected([difference for each in found for difference in each.values()])
    again = iter(flat)
    found = [{name: next(again) for name in each} for each in found]
    count = sum(baseline is not None and not method.baseline for method in methods)
    gains = {first.name: each for (first, _), each in zip(wanted[:count], found[:count], strict=True)}
    pairs = [
        MethodPair(one.name, two.name, each) for (one, two), each in zip(wanted[count:], found[count:], strict=True)
    ]
    tested = sum(bool(np.isfinite(each.p)) for each in flat)
    return Statistics(shared, methods, blocks, baseline.name if baseline else None, means, gains, pairs, tested)


def _usable(method: Method, shared: SharedScores, scores: Sequence[str]) -> list[str]:
    """Return the scores that a method has, all finite where they are averaged."""
    found = []
    for score in scores:
        defined = shared.defined[score]
        has = all(score in shared.tables[run] for run in method.runs) and defined.any()
        if has and np.isfinite(method.scores(shared, [score], defined)).all():
            found.append(score)
    return found


def _together(shared: SharedScores, scores: Sequence[str]) -> list[tuple[list[str], np.ndarray]]:
    """Return scores in lists with the same defined samples, and these samples."""
    parts: dict[bytes, tuple[list[str], np.ndarray]] = {}
    for score in scores:
        defined = shared.defined[score]
        parts.setdefault(defined.tobytes(), ([], defined))[0].append(score)
    return list(parts.values())


def _best(
    methods: Sequence[Method], means: dict[str, dict[str, tuple[float, float, float]]], measure: str | None
) -> list[Method]:
    """Return the methods that are no baselines and do not fail, best first."""
    sign = 1 if base_of(measure or "") in LOWER_IS_BETTER else -1
    sound = [method for method in methods if not method.baseline and not method.failed]
    return sorted(sound, key=lambda method: sign * means[method.name].get(measure or "", (sign * np.inf,))[0])


def _hardest(
    methods: Sequence[Method], means: dict[str, dict[str, tuple[float, float, float]]], measure: str | None
) -> Method | None:
    """Return the baseline that is the hardest to exceed; the first one where none has the measure."""
    sign = 1 if base_of(measure or "") in LOWER_IS_BETTER else -1
    baselines = [method for method in methods if method.baseline]
    return min(
        baselines, key=lambda method: sign * means[method.name].get(measure or "", (sign * np.inf,))[0], default=None
    )


def _differences(
    first: Method, second: Method, shared: SharedScores, blocks: TileBlocks, usable: dict[str, list[str]]
) -> dict[str, PairedDifference]:
    """Return the differences of two methods by score, without correction."""
    found: dict[str, PairedDifference] = {}
    compared = [score for score in usable[first.name] if base_of(score) not in WITHOUT_DIRECTION]
    common = [score for score in compared if score in usable[second.name]]
    for names, defined in _together(shared, common):
        lower = [base_of(name) in LOWER_IS_BETTER for name in names]
        one, two = (method.scores(shared, names, defined) for method in (first, second))
        each = differences(one, two, blocks.of(defined), lower, blocks.positions[defined])
        found |= dict(zip(names, each, strict=True))
    return {name: found[name] for name in common}


def by_measure(statistics: Statistics, measure: str) -> list[Method]:
    """Return the methods without baselines, best first by a score; those that fail are the last."""
    sound = _best(statistics.methods, statistics.means, measure)
    return sound + [method for method in statistics.methods if not method.baseline and method.failed]


def worst_tiles(statistics: Statistics, method: Method, score: str, count: int = 5) -> list[tuple[str, float]]:
    """Return the samples on which a method is worst by a score, the worst first, with the mean of its seeds."""
    defined = statistics.shared.defined[score]
    values = method.scores(statistics.shared, [score], defined)[..., 0].mean(axis=0)
    names = np.array(statistics.shared.tiles)[defined]
    order = np.argsort(values if base_of(score) not in LOWER_IS_BETTER else -values, kind="stable")
    return [(str(names[index]), float(values[index])) for index in order[:count] if np.isfinite(values[index])]
