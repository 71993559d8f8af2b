"""Command: write the demo dataset, ``<data_root>/demo/96``, from the imagery in ``samples/``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiment import Environment
from pix2earth.console.arguments import CommandArguments
from pix2earth.settings.errors import reports_errors
from preprocessing.demo_dataset import DemoRecipe, make


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Write the demo dataset."""
    arguments = CommandArguments(
        prog="python -m preprocessing.samples",
        description="Write the demo dataset from the imagery in samples/.",
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for its data_root")
    arguments.add_argument("--dataset", default="demo", help="name of the dataset (default demo)")
    arguments.add_argument("--tilesize", type=int, default=96, help="side of a target in pixels (default 96)")
    arguments.add_argument("--factor", type=int, default=3, help="how much coarser the input is (default 3)")
    arguments.add_argument(
        "--fwhm", type=float, metavar="PIXELS",
        help="filter targets by a Gaussian of this full width at half maximum before they are averaged (default: none)",
    )  # fmt: skip
    arguments.add_argument("--seed", type=int, default=0, help="seed of the split (default 0)")
    arguments.add_argument(
        "--suffix", default="", help="end every tile's name with _SUFFIX, for experiments with enforce_suffix"
    )
    arguments.add_argument("--replace", action="store_true", help="write an existing dataset again")
    options: Any = arguments.parse_args(argv)
    recipe = DemoRecipe(options.dataset, options.tilesize, options.factor, options.seed, options.suffix, options.fwhm)
    make(recipe, Path(Environment(options.env).DATA_ROOT), replace=options.replace)
    return 0


if __name__ == "__main__":
    main()
