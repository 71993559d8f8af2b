"""Step 10: which tiles there are products of, and how many of each."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from experiment import Environment
from pix2earth.settings.errors import reports_errors
from preprocessing.scenes.inventory import product_root
from preprocessing.scenes.observations import tile_code

SHOWN = 5
"""So many of the names that state no tile are printed."""


def count(names: Iterable[str]) -> tuple[Counter[str], list[str]]:
    """Return how many names state each tile code, and the names that state none."""
    codes: Counter[str] = Counter()
    unread = []
    for name in names:
        code = tile_code(name)
        if code:
            codes[code] += 1
        else:
            unread.append(name)
    return codes, unread


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the number of products of every tile code."""
    arguments = argparse.ArgumentParser(
        prog="preprocessing/10_identify_unique_tilecodes.py",
        description="Count the Sentinel-2 products of every tile in s2_root, by their names.",
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for its s2_root")
    arguments.add_argument("--seed", type=int, default=0, help="taken by every step; this one draws nothing")
    options = arguments.parse_args(argv)
    root = product_root(Environment(options.env), "s2_root")
    from sensors import sentinel2

    paths = sentinel2.products(root)
    strangers = (entry for entry in root.iterdir() if not any(path.is_relative_to(entry) for path in paths))
    codes, unread = count([path.name for path in paths] + sorted(entry.name for entry in strangers))
    print("tile    products")
    for code, number in sorted(codes.items(), key=lambda entry: (-entry[1], entry[0])):
        print(f"{code:6s}  {number:8d}")
    print(f"{codes.total()} products of {len(codes)} tiles in {root}; {len(unread)} names could not be read")
    for name in unread[:SHOWN]:
        shown = name if name.isprintable() else repr(name)
        print(f"{shown}: states no tile", file=sys.stderr)
    if len(unread) > SHOWN:
        print(f"... and {len(unread) - SHOWN} more", file=sys.stderr)
    return 0
