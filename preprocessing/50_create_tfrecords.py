"""Step 50: write the datasets of an inventory's tiles, all with the same split.

python preprocessing/50_create_tfrecords.py --inventory NAME --dataset NAME [--tilesize 256] [--train_ratio 0.95]
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# The modules are beside the folder of this script, whose own name cannot be imported.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from pix2earth.console.arguments import CommandArguments
from pix2earth.settings.errors import reports_errors
from preprocessing import parallel


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Write the datasets."""
    arguments = CommandArguments(
        prog="python preprocessing/50_create_tfrecords.py",
        description="Write cur_NAME (OLCI to Sentinel-2) and alt3_, alt6_, alt12_, alt20_, alt30_NAME (Sentinel-2"
        " averaged over so many pixels to itself), all with the same split.",
        epilog="docs/preprocessing-reference.md explains datasets and splits.",
    )  # fmt: skip
    arguments.add_argument("--inventory", required=True, metavar="NAME", help="tiles in <data_root>/_tif/NAME")
    arguments.add_argument("--dataset", required=True, metavar="NAME", help="of the datasets, after cur_ and alt3_")
    arguments.add_argument("--tilesize", type=int, default=256, metavar="N", help="side of the tiles (default 256)")
    arguments.add_argument(
        "--train_ratio", "--train-ratio", type=float, default=0.95, metavar="SHARE", help="of the tiles (default 0.95)"
    )
    arguments.add_argument(
        "--test_ratio", "--test-ratio", type=float, default=0.0, metavar="SHARE",
        help="of the tiles, for a third split (default 0); what is left is val",
    )  # fmt: skip
    arguments.add_argument(
        "--split", choices=("scene", "block", "random"), default="scene",
        help="what stays together: dates (default), blocks of ground, or nothing",
    )  # fmt: skip
    arguments.add_argument("--seed", type=int, default=0, help="of the split (default 0)")
    arguments.add_argument("--replace", action="store_true", help="write existing datasets again")
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for data_root")
    parallel.add_options(arguments)
    options: Any = arguments.parse_args(argv)

    from experiment import Environment
    from pix2earth.records.splitting.splits import Shares, counts
    from preprocessing.tiles import records_plan

    environment = Environment(options.env)
    shares = Shares(options.train_ratio, options.test_ratio)
    request = records_plan.DatasetRequest(
        options.inventory, options.dataset, options.tilesize, shares, options.split, options.seed
    )
    request.check()
    tiles = records_plan.tiles_of(environment, request)
    splits = records_plan.split_tiles(tiles, request)
    print(records_plan.check(tiles, splits, request))
    sources = records_plan.sources(tiles, splits)
    if len(sources) < len(tiles):
        print(f"{len(tiles) - len(sources)} tiles that cross a border between splits are left out")

    from pix2earth.console.quiet import quieten_tensorflow

    quieten_tensorflow()
    from preprocessing.tiles.tile_datasets import manifests, open_writers
    from preprocessing.tiles.tile_records import write_samples

    data_root = Path(environment.DATA_ROOT)
    planned = manifests(options.dataset, options.tilesize, request.split(), records_plan.description(tiles, request))
    writers = open_writers(data_root, planned, sources, replace=options.replace)
    if not writers:
        print(f"{data_root}: all {len(planned)} datasets are complete already; --replace writes them again")
        return 0
    _, failures = parallel.each(
        functools.partial(write_samples, writers), sources, title=options.dataset, unit="tiles",
        workers=options.workers, scheduler=options.scheduler,
    )  # fmt: skip
    if not failures:
        for writer in writers.values():
            writer.finish()
            print(f"{writer.folder}: {counts(source.split for source in sources)}")
    return parallel.report(failures, "tiles")


if __name__ == "__main__":
    main()
