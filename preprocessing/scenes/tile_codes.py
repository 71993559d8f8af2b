"""Step 10: count the Sentinel-2 products of each tile by their names."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from experiment import Environment
from pix2earth.settings.errors import reports_errors
from preprocessing.scenes.inventory import product_root
from sensors.sentinel2_layout import tile_code

SHOWN = 5
"""Number of names without a tile code that are printed."""


def count(names: Iterable[str]) -> tuple[Counter[str], list[str]]:
    """Return the number of names with each tile code, and the names without one."""
    codes: Counter[str] = Counter()
    without_code = []
    for name in names:
        code = tile_code(name)
        if code:
            codes[code] += 1
        else:
            without_code.append(name)
    return codes, without_code


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the number of products of every tile code."""
    arguments = argparse.ArgumentParser(
        prog="preprocessing/10_identify_unique_tilecodes.py",
        description="Count the Sentinel-2 products of every tile in s2_root, by their names.",
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for its s2_root")
    arguments.add_argument("--seed", type=int, default=0, help="accepted by every step; this one draws nothing")
    options = arguments.parse_args(argv)
    root = product_root(Environment(options.env), "s2_root")
    from sensors import sentinel2

    paths = sentinel2.products(root)
    others = (entry for entry in root.iterdir() if not any(path.is_relative_to(entry) for path in paths))
    codes, without_code = count([path.name for path in paths] + sorted(entry.name for entry in others))
    print("tile    products")
    for code, number in sorted(codes.items(), key=lambda entry: (-entry[1], entry[0])):
        print(f"{code:6s}  {number:8d}")
    print(f"{codes.total()} products of {len(codes)} tiles in {root}; {len(without_code)} names have no tile code")
    for name in without_code[:SHOWN]:
        shown = name if name.isprintable() else repr(name)
        print(f"{shown}: has no tile code", file=sys.stderr)
    if len(without_code) > SHOWN:
        print(f"... and {len(without_code) - SHOWN} more", file=sys.stderr)
    return 0
