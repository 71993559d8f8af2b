"""Step 40: cut GeoTIFF tiles from the selected scenes and their OLCI frames.

python preprocessing/40_create_tifs.py --selection NAME [--masks land,fjord] [--tilesize 256] [--quantity 5]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Put the project's folder on the path instead of this script's folder.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from pix2earth.console.arguments import CommandArguments
from pix2earth.settings.errors import reports_errors
from preprocessing import parallel


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Cut the tiles of a selection and print a line for each pair."""
    arguments = CommandArguments(
        prog="python preprocessing/40_create_tifs.py",
        description="Cut tiles of 26 bands (flags, Sentinel-2 reflectance, collocated OLCI radiance) from the selected"
        " pairs.",
        epilog="docs/preprocessing-reference.md explains folders, names and bands.",
    )  # fmt: skip
    arguments.add_argument("--selection", required=True, metavar="NAME", help="<data_root>/_inventory/NAME.json")
    arguments.add_argument("--masks", metavar="A,B", help="KML files in <data_root>/_masks (default: none)")
    arguments.add_argument("--tilesize", type=int, default=256, metavar="N", help="side in 10 m pixels (default 256)")
    arguments.add_argument("--quantity", type=int, default=5, metavar="N", help="tiles a scene (default 5)")
    arguments.add_argument(
        "--overlap", type=float, default=0.5, metavar="SHARE",
        help="of the Sentinel-2 footprint that the OLCI frame must cover (default 0.5)",
    )  # fmt: skip
    arguments.add_argument(
        "--max-tile-overlap", type=float, default=0.0, metavar="SHARE",
        help="of a tile that another tile of its scene may cover (default 0: none)",
    )  # fmt: skip
    arguments.add_argument(
        "--visible", type=float, default=0.95, metavar="SHARE",
        help="of a tile that must lie in both footprints, and have valid pixels of both sensors (default 0.95)",
    )  # fmt: skip
    arguments.add_argument("--method", choices=("nearest", "bilinear"), default="nearest", help="collocation")
    arguments.add_argument("--seed", type=int, default=0, help="of the draw of tiles' positions (default 0)")
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for data_root, s2_root and s3_root")
    parallel.add_options(arguments)
    options: Any = arguments.parse_args(argv)

    from experiment import Environment
    from preprocessing.tiles.cutting import cut
    from preprocessing.tiles.cutting_jobs import Draw
    from preprocessing.tiles.cutting_plan import CutRequest, plan

    masks = tuple(sorted({name.strip() for name in (options.masks or "").split(",") if name.strip()}))
    draw = Draw(options.tilesize, options.seed, options.max_tile_overlap, options.visible, masks, options.method)
    request = CutRequest(options.selection, draw, options.quantity, options.overlap)
    jobs, failures = plan(Environment(options.env), request)
    outcomes, failed = parallel.each(
        cut, jobs, title=options.selection, unit="scenes", workers=options.workers, scheduler=options.scheduler
    )
    for outcome in outcomes:
        print(outcome.line)
    if jobs:
        print(f"{jobs[0].tiles}: {sum(len(outcome.windows) for outcome in outcomes)} tiles of this selection")
    return parallel.report(failures + failed, "scenes")


if __name__ == "__main__":
    main()
