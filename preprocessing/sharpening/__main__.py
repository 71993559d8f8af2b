"""Command: write a dataset for sharpening, from Sentinel-2 products, folders of band files, or two rasters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pix2earth.console.arguments import CommandArguments
from pix2earth.records.splitting.splits import Shares
from pix2earth.settings.errors import reports_errors
from preprocessing.sharpening.options import check, open_scenes
from preprocessing.sharpening.recipe import SharpeningRecipe, manifest, plan


def parse(argv: Sequence[str] | None) -> Any:
    """Return the options of the command line."""
    arguments = CommandArguments(
        prog="python -m preprocessing.sharpening",
        description="Write a dataset from which a network learns to sharpen coarse bands by fine ones, such as the 20 m"
        " bands of Sentinel-2 by those of 10 m.",
        epilog="docs/sharpening.md explains the protocol and the files.",
    )
    arguments.add_argument(
        "--input", nargs="+", default=[], metavar="PRODUCT",
        help="Sentinel-2 products, L1C or L2A (.SAFE or .zip), or folders with one raster per band",
    )  # fmt: skip
    arguments.add_argument("--fine", metavar="TIF", help="instead: a raster with the fine bands")
    arguments.add_argument("--coarse", metavar="TIF", help="and one with the coarse bands, of the same extent")
    arguments.add_argument("--dataset", required=True, metavar="NAME", help="name of the dataset")
    arguments.add_argument("--tilesize", type=int, default=96, help="side of a target in coarse pixels (default 96)")
    arguments.add_argument("--tiles", type=int, default=400, help="at most so many from each scene (default 400)")
    arguments.add_argument(
        "--valid", type=float, default=0.95, metavar="SHARE", help="of a tile's pixels must be measured (default 0.95)"
    )
    arguments.add_argument(
        "--train_ratio", "--train-ratio", type=float, default=0.65, metavar="SHARE", help="of the tiles (default 0.65)"
    )
    arguments.add_argument(
        "--test_ratio", "--test-ratio", type=float, default=0.25, metavar="SHARE",
        help="of the tiles (default 0.25); what is left is val",
    )  # fmt: skip
    arguments.add_argument(
        "--only_test", "--only-test", action="store_true", help="all tiles are for testing: a scene to evaluate on"
    )
    arguments.add_argument("--seed", type=int, default=0, help="of the split (default 0)")
    arguments.add_argument("--scale", type=float, help="physical value of a step of the numbers, for rasters")
    arguments.add_argument("--offset", type=float, help="physical value of the number 0, for rasters")
    arguments.add_argument(
        "--valid_range", "--valid-range", nargs=2, type=float, metavar=("LOW", "HIGH"),
        help="of the physical values (default: 0 1 for reflectance, else as measured)",
    )  # fmt: skip
    arguments.add_argument("--replace", action="store_true", help="write an existing dataset again")
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for data_root")
    return arguments.parse_args(argv)


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Write a dataset for sharpening."""
    options = parse(argv)
    check(options)
    shares = None if options.only_test else Shares(options.train_ratio, options.test_ratio)
    recipe = SharpeningRecipe(
        options.dataset, options.tilesize, shares,
        options.seed, options.tiles, options.valid, tuple(options.valid_range) if options.valid_range else None,
    )  # fmt: skip
    recipe.check()
    from experiment import Environment
    from pix2earth.console.quiet import quieten_tensorflow
    from pix2earth.records.resuming import open_dataset

    data_root = Path(Environment(options.env).DATA_ROOT)
    scenes = open_scenes(options)
    tiles, stated = plan(recipe, scenes), manifest(recipe, scenes)
    quieten_tensorflow()
    planned = [(tile.split, tile.name) for tile in tiles]
    writer = open_dataset(data_root, stated, planned, replace=options.replace, complete=False)
    folder = data_root / stated.name / str(stated.tilesize)
    if writer is None:
        print(f"{folder}: is complete already; --replace writes it again")
        return 0
    from preprocessing.sharpening.writing import write

    written = write(writer, tiles, recipe.valid)
    print(f"{folder}: {', '.join(f'{count} {split}' for split, count in written.records.items() if count)}")
    return 0


if __name__ == "__main__":
    main()
