"""Splits of tiles that lie anywhere: by groups, such as dates, by blocks of ground, or at random."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from pix2earth.records.manifest import SPLITS
from pix2earth.settings.errors import UserError

BLOCK = 4
"""Side of a spatial block in tiles: large enough that most tiles of a block lie wholly inside."""


class Shares(NamedTuple):
    """The share of the tiles in each split; the rest is val."""

    train: float
    test: float = 0.0

    def check(self) -> None:
        """Check that the shares are possible.

        Raises:
            UserError: one line.
        """
        if not (0 < self.train <= 1 and 0 <= self.test < 1 and self.train + self.test <= 1 + 1e-9):
            raise UserError(
                f"--train_ratio {self.train:g}, --test_ratio {self.test:g}: must be shares that add up to at most 1;"
                " the rest is val"
            )

    def held_out(self, count: int) -> dict[str, float]:
        """Return how many of ``count`` tiles val and test should have."""
        numbers = {"val": (1 - self.train - self.test) * count, "test": self.test * count}
        return {split: number for split, number in numbers.items() if number > 1e-6}


def by_group(groups: Mapping[str, str], shares: Shares, seed: int) -> dict[str, str] | None:
    """Split tiles so that those of one group stay together.

    Groups are drawn by the seed as long as they fit into the share; where the first is too large already, the
    smallest one is taken.

    Args:
        groups: the group (a date, a place, or its own name) of every tile.
        shares: how much goes where.
        seed: what the draw depends on.

    Returns:
        The split of every group, or None where there are too few groups for the splits that are held out.
    """
    sizes: dict[str, int] = defaultdict(int)
    for group in groups.values():
        sizes[group] += 1
    held_out = shares.held_out(len(groups))
    if len(sizes) <= len(held_out):
        return None
    drawn = sorted(sizes, key=lambda group: hashlib.sha256(f"{seed} {group}".encode()).digest())
    result: dict[str, str] = {}
    for position, (split, number) in enumerate(held_out.items()):
        left = [group for group in drawn if group not in result]
        spare = len(left) - (len(held_out) - position)  # the other splits, and train, need one each
        chosen: list[str] = []
        for group in left:
            if len(chosen) < spare and sizes[group] + sum(sizes[other] for other in chosen) <= number + 1e-6:
                chosen.append(group)
        for group in chosen or [min(left, key=lambda group: sizes[group])]:
            result[group] = split
    return {group: result.get(group, SPLITS[0]) for group in drawn}


def by_block(
    bounds: Mapping[str, tuple[float, float, float, float]], side: float, shares: Shares, seed: int
) -> dict[str, str] | None:
    """Split tiles by blocks of ground, whatever their dates.

    Args:
        bounds: left, bottom, right, top of every tile in one CRS.
        side: of a block, in its units; blocks begin at the multiples of it.
        shares: how much goes where.
        seed: what the draw depends on.

    Returns:
        The split of every tile that lies within blocks of one split; those that cross a border are left out.
        None where too few blocks hold whole tiles.
    """
    touched = {name: _blocks(box, side) for name, box in bounds.items()}
    whole = {name: blocks[0] for name, blocks in touched.items() if len(blocks) == 1}
    splits = by_group(whole, shares, seed) if whole else None
    if splits is None:
        return None
    found = {name: {splits.get(block, SPLITS[0]) for block in blocks} for name, blocks in touched.items()}
    return {name: candidates.pop() for name, candidates in found.items() if len(candidates) == 1}


def _blocks(box: Sequence[float], side: float) -> list[str]:
    """Return the blocks that a tile lies in; a hair's breadth does not count."""
    left, bottom, right, top = box
    hair = side * 1e-6
    columns = range(math.floor((left + hair) / side), math.floor((right - hair) / side) + 1)
    rows = range(math.floor((bottom + hair) / side), math.floor((top - hair) / side) + 1)
    return [f"{column} {row}" for column in columns for row in rows]


def counts(splits: Iterable[str]) -> str:
    """Return the number of tiles in each split as a text."""
    found = list(splits)
    return ", ".join(f"{found.count(split)} {split}" for split in SPLITS if split in found)
