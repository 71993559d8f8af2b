"""Step 10: count the Sentinel-2 products of each tile, for the command and the notebook."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiment import Environment
from pix2earth.console.arguments import CommandArguments
from pix2earth.settings.errors import UserError, reports_errors
from preprocessing.scenes.inventory import product_root
from preprocessing.scenes.observations import time_in_name
from sensors.archives import open_members
from sensors.locating.finding import find, unread_lines
from sensors.sentinel2_layout import KIND, tile_code, tiles_in

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 5
"""Number of names without a tile that are printed."""


def count(paths: Iterable[Path]) -> tuple[Counter[str], list[str]]:
    """Return the number of products of each tile, and the names of products without one.

    Products of before December 2016 have no tile in their names, and several in them.
    """
    codes: Counter[str] = Counter()
    without_code = []
    for path in paths:
        tiles = _tiles(path)
        codes.update(tiles)
        if not tiles:
            without_code.append(path.name)
    return codes, without_code


def passes(paths: Iterable[Path]) -> pd.DataFrame:
    """Return one row for each product and tile: ``tile``, and ``time``, the start of sensing in UTC, by the names.

    The time of a name without one is missing (NaT). Products without a tile are left out.
    """
    import pandas as pd

    rows = [(tile, time_in_name(path.name)) for path in paths for tile in sorted(_tiles(path))]
    table = pd.DataFrame(rows, columns=["tile", "time"])
    return table.assign(time=pd.to_datetime(table["time"], utc=True))


def overview(passes: pd.DataFrame) -> pd.DataFrame:
    """Return ``products``, ``first`` and ``last`` (ISO dates) of each tile, those with most products first.

    Args:
        passes: as the function of that name returns them.
    """
    table = passes.groupby("tile")["time"].agg(products="size", first="min", last="max")
    for column in ("first", "last"):
        table[column] = table[column].dt.strftime("%Y-%m-%d")
    return table.rename_axis("tile").sort_values(["products", "tile"], ascending=[False, True])


def by_month(passes: pd.DataFrame) -> pd.DataFrame:
    """Return the number of products of each tile (row) in each month (columns 1 to 12) of all years together.

    Args:
        passes: as the function of that name returns them.
    """
    import pandas as pd

    return pd.crosstab(passes["tile"], passes["time"].dt.month).reindex(columns=range(1, 13), fill_value=0)


def _tiles(path: Path) -> set[str]:
    """Return the tile in a product's name, else the tiles in the product, none where it cannot be opened."""
    if code := tile_code(path.name):
        return {code}
    try:
        return tiles_in(open_members(path))
    except UserError:
        return set()


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the number of products of every tile code."""
    arguments = CommandArguments(
        prog="preprocessing/10_identify_unique_tilecodes.py",
        description="Count the Sentinel-2 products of every tile in s2_root.",
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for its s2_root")
    arguments.add_argument("--seed", type=int, default=0, help="accepted by every step; this one draws nothing")
    options = arguments.parse_args(argv)
    root = product_root(Environment(options.env), "s2_root")
    products, unread = find(root, KIND)
    codes, without_code = count(products)
    print("tile    products")
    for code, number in sorted(codes.items(), key=lambda entry: (-entry[1], entry[0])):
        print(f"{code:6s}  {number:8d}")
    print(f"{len(products)} products of {len(codes)} tiles in {root}; {len(without_code)} have no tile")
    for name in without_code[:SHOWN]:
        shown = name if name.isprintable() else repr(name)
        print(f"{shown}: has no tile", file=sys.stderr)
    if len(without_code) > SHOWN:
        print(f"... and {len(without_code) - SHOWN} more", file=sys.stderr)
    print(*unread_lines(root, unread), sep="\n", end="\n" if unread else "", file=sys.stderr)
    return 0
