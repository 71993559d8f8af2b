"""Splits of a regular grid of tiles, by blocks: neighbouring tiles stay together."""

from __future__ import annotations

import hashlib

from pix2earth.records.manifest import SPLITS

BLOCK = 2
"""Side of a split's blocks in tiles: neighbours stay together, and enough blocks are left to choose from."""
GROUP = 7
"""Of so many neighbouring blocks one goes to val and one to test: 14 % each."""


def block_splits(rows: int, columns: int, seed: int) -> dict[tuple[int, int], str]:
    """Assign a grid of tiles to splits, by blocks of neighbouring tiles.

    Blocks are visited from west to east, down and up in turn, and of each group of about ``GROUP`` successive
    ones the seed draws one for val and one for test: so fields, towns and marsh get into every split.

    Args:
        rows: tiles from north to south.
        columns: tiles from west to east; with ``rows`` at least 3 tiles.
        seed: what the draw depends on.

    Returns:
        The split of every (row, column), in reading order.
    """
    side = BLOCK if -(-rows // BLOCK) * -(-columns // BLOCK) >= len(SPLITS) else 1
    down, across = -(-rows // side), -(-columns // side)
    path = []
    for column in range(across):
        path += [(row, column) for row in (range(down) if column % 2 == 0 else reversed(range(down)))]
    count = max(1, round(len(path) / GROUP))
    held_out: dict[tuple[int, int], str] = {}
    for index in range(count):
        group = path[index * len(path) // count : (index + 1) * len(path) // count]
        # A hash, because the order that random generators draw in may change between versions.
        drawn = sorted(group, key=lambda block: hashlib.sha256(f"{seed} {block}".encode()).digest())
        held_out |= {drawn[0]: "val", drawn[1]: "test"}
    return {
        (row, column): held_out.get((row // side, column // side), "train")
        for row in range(rows)
        for column in range(columns)
    }
