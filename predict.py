"""Command: georeferenced inference, which applies a trained network to a scene and writes a GeoTIFF."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

from experiment import Environment, Experiment
from pix2earth.mapping.scene_maps import check_output, map_scene
from pix2earth.plugins import finding
from pix2earth.records.listing import is_dataset, listing_of
from pix2earth.records.manifest import SPLITS
from pix2earth.settings.errors import UserError, reports_errors
from pix2earth.training.trained import open_run, restored_network, restored_scorer


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line's options.

    Raises:
        UserError: a number is out of its range.
    """
    arguments = argparse.ArgumentParser(
        prog="predict.py", description="Apply a trained network to a scene in overlapping windows, or to a dataset."
    )
    arguments.add_argument("--exp", required=True, metavar="NAME", help="experiment below the experiment root")
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    arguments.add_argument("--timestamp", help="the run (default: the newest one that has a checkpoint)")
    arguments.add_argument("--step", default="last", help="checkpoint: best, last (default) or a number")
    arguments.add_argument(
        "--input", required=True, nargs="+", metavar="PATH",
        help="a GeoTIFF with the bands of the network's input, a folder with one raster per band, a Sentinel-2 product"
        " (.SAFE or .zip), or a dataset; for a network with time steps also one of them for each, in their order",
    )  # fmt: skip
    arguments.add_argument(
        "--field", action="append", default=[], metavar="NAME=FILE[,FILE...]",
        help="a further field that the network reads, such as cloud_mask: a raster on the grid of the input, or one for"
        " each time step; once for each field",
    )  # fmt: skip
    arguments.add_argument("--s3", metavar="SEN3", help="the Sentinel-3 product, for networks that read OLCI")
    arguments.add_argument("--output", required=True, metavar="PATH", help="the GeoTIFF; for a dataset, the folder")
    arguments.add_argument("--overwrite", action="store_true", help="replace an output that exists")
    arguments.add_argument(
        "--bbox", nargs=4, type=float, metavar=("W", "S", "E", "N"), help="predict only this box, in degrees"
    )
    arguments.add_argument(
        "--overlap",
        type=float,
        default=0.5,
        help="overlap of neighbouring windows, as part of a window, 0 to 0.5 (default 0.5)",
    )
    arguments.add_argument(
        "--degrade", action="store_true",
        help="the scene has the pixel size of the network's target: average it to the pixel size of the input",
    )  # fmt: skip
    arguments.add_argument(
        "--split", choices=SPLITS, help="split of a dataset (default: test where it has one, else val)"
    )
    arguments.add_argument(
        "--force", action="store_true", help="predict although plug-in or dataset differ from those of the training"
    )
    options = arguments.parse_args(argv)
    # argparse takes nan for a number.
    if options.bbox and not all(map(math.isfinite, options.bbox)):
        raise UserError("--bbox: takes four finite numbers, west south east north in degrees")
    if not 0 <= options.overlap <= 0.5:
        raise UserError(f"--overlap {options.overlap:g}: must be between 0 and 0.5 of a window")
    return options


@reports_errors
def main(argv: Sequence[str] | None = None) -> None:
    """Predict from the command line."""
    options = parse(argv)
    sources, output = [Path(path) for path in options.input], Path(options.output)
    for source, text in zip(sources, options.input, strict=True):
        if not source.exists() and not text.startswith("/vsi"):
            raise UserError(f"--input {source}: there is no such file or folder")
    experiment = open_run(Environment(options.env), options.exp, options.timestamp, options.step)
    datasets = [source for source in sources if is_dataset(source)]
    if datasets and len(sources) > 1:
        raise UserError(f"--input {datasets[0]}: is a dataset, which holds all time steps; name it alone")
    if datasets:
        map_dataset(datasets[0], experiment, options)
    else:
        map_scenes(sources, output, experiment, options)


def map_scenes(sources: list[Path], output: Path, experiment: Experiment, options: argparse.Namespace) -> None:
    """Write the GeoTIFF of one scene, whose time steps may be in several files.

    Raises:
        UserError: the scene or a further field does not fit the network, or the output cannot be written.
    """
    from pix2earth.mapping import fields
    from pix2earth.mapping.opening import open_scene
    from pix2earth.mapping.scene import crop

    files = fields.files_of(options.field)
    rasters = [(f"--field {name}", path) for name, paths in files.items() for path in paths]
    check_output(output, [*(("--input", source) for source in sources), *rasters], overwrite=options.overwrite)
    files |= fields.in_input(sources, files, experiment.manifest)
    fields.check_names(files, experiment, finding.find(experiment))
    swath = Path(options.s3) if options.s3 else None
    if swath and not swath.exists():
        raise UserError(f"--s3 {swath}: there is no such file or folder")
    scene, geometry = open_scene(sources, swath, experiment, degrade=options.degrade)
    further = fields.open_fields(files, scene, experiment, geometry)
    if options.bbox:
        scene = crop(scene, tuple(options.bbox), fields.blocks(files, experiment.manifest, geometry))
        further = fields.cropped(further, scene, experiment.manifest, geometry)
    gan, plugin, origin = restored_network(experiment, options.step, force=options.force)
    from pix2earth.mapping.inference import Network

    network = Network(experiment, gan, plugin, geometry, further)
    map_scene(network, scene, further, origin, options.overlap, output)


def map_dataset(path: Path, experiment: Experiment, options: argparse.Namespace) -> None:
    """Write one GeoTIFF for each sample of a dataset into the folder ``--output``.

    Raises:
        UserError: the dataset's fields differ from those that the network was trained on, or an option does not apply.
    """
    for option in ("bbox", "degrade", "s3", "field"):
        if getattr(options, option):
            raise UserError(f"--{option}: does not apply to a dataset; leave it out")
    folder = Path(options.output)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--output {folder}: is a file; a dataset needs a folder")
    listing = listing_of(path, experiment)
    if listing.folder.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise UserError(f"--output {folder}: is the folder of --input; name another folder")
    trained_on_it = listing.folder.resolve() == Path(experiment.DATA_ROOT).resolve()
    other = None if trained_on_it else listing
    scorer, split, _ = restored_scorer(experiment, options.split, options.step, force=options.force, other=other)
    from pix2earth.mapping.dataset_maps import predict_dataset

    count = predict_dataset(scorer, split, folder, overwrite=options.overwrite)
    print(f"{folder}: {count} GeoTIFFs")


if __name__ == "__main__":
    main()
