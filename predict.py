"""Command: a trained generator over a whole scene, as a GeoTIFF on the map."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dataset import open_folder
from evaluate import open_run, restored, trained
from experiment import Environment, Experiment
from pix2earth.records.listing import Listing
from pix2earth.records.manifest import FILE, SPLITS
from pix2earth.settings.errors import Mistake, reports_mistakes

if TYPE_CHECKING:
    from pix2earth.mapping.inference import Network
    from pix2earth.mapping.scene import Scene


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line's options.

    Raises:
        Mistake: a number is out of its range.
    """
    arguments = argparse.ArgumentParser(prog="predict.py", description="Apply a trained network to a scene.")
    arguments.add_argument("--exp", required=True, metavar="NAME", help="experiment below the experiment root")
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    arguments.add_argument("--timestamp", help="the run (default: the newest one that has a checkpoint)")
    arguments.add_argument("--step", default="last", help="best, last (default) or a number")
    arguments.add_argument(
        "--input", required=True, metavar="PATH",
        help="a GeoTIFF with the bands of the network's input, a folder with one raster a band, a Sentinel-2 product"
        " (.SAFE or .zip), or a dataset",
    )  # fmt: skip
    arguments.add_argument("--s3", metavar="SEN3", help="the Sentinel-3 product, for networks that read OLCI")
    arguments.add_argument("--output", required=True, metavar="PATH", help="the GeoTIFF; of a dataset, the folder")
    arguments.add_argument("--overwrite", action="store_true", help="replace an output that exists")
    arguments.add_argument(
        "--bbox", nargs=4, type=float, metavar=("W", "S", "E", "N"), help="only this box of the scene, in degrees"
    )
    arguments.add_argument(
        "--overlap", type=float, default=0.5, help="of neighbouring windows, 0 to 0.5 of a window (default 0.5)"
    )
    arguments.add_argument(
        "--degrade", action="store_true",
        help="the scene is as fine as the network's target: average it to the input that the network learnt from",
    )  # fmt: skip
    arguments.add_argument("--split", choices=SPLITS, help="of a dataset: test where it has one (default), else val")
    options = arguments.parse_args(argv)
    # argparse takes nan for a number.
    if options.bbox and not all(map(math.isfinite, options.bbox)):
        raise Mistake("--bbox: takes four finite numbers, west south east north in degrees")
    if not 0 <= options.overlap <= 0.5:
        raise Mistake(f"--overlap {options.overlap:g}: must be between 0 and 0.5 of a window")
    return options


@reports_mistakes
def main(argv: Sequence[str] | None = None) -> None:
    """Predict from the command line."""
    options = parse(argv)
    source, output = Path(options.input), Path(options.output)
    if not source.exists() and not options.input.startswith("/vsi"):
        raise Mistake(f"--input {source}: there is no such file or folder")
    experiment = open_run(Environment(options.env), options.exp, options.timestamp)
    if is_dataset(source):
        map_dataset(source, experiment, options)
        return
    check_output(output, overwrite=options.overwrite)
    from pix2earth.mapping.opening import open_scene
    from pix2earth.mapping.scene import clipped

    swath = Path(options.s3) if options.s3 else None
    if swath and not swath.exists():
        raise Mistake(f"--s3 {swath}: there is no such file or folder")
    scene, geometry = open_scene(source, swath, experiment, degrade=options.degrade)
    if options.bbox:
        scene = clipped(scene, tuple(options.bbox))
    gan, plugin, step = restored(experiment, options.step)
    from pix2earth.mapping.inference import Network

    map_scene(Network(experiment, gan, plugin, geometry), scene, step, options.overlap, output)


def check_output(path: Path, *, overwrite: bool) -> None:
    """Make sure that the output can be written.

    Raises:
        Mistake: it exists, is a folder or no GeoTIFF.
    """
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise Mistake(f"--output {path}: must end with .tif")
    if path.is_dir():
        raise Mistake(f"--output {path}: is a folder; name a file in it")
    if path.exists() and not overwrite:
        raise Mistake(f"--output {path}: exists; --overwrite replaces it")


def tags(experiment: Experiment, step: int) -> dict[str, str]:
    """Return what a GeoTIFF says of its origin."""
    return {
        "EXPERIMENT": experiment.NAME, "RUN": experiment.TIMESTAMP, "STEP": str(step), "MODEL": experiment.MODEL_NAME,
        "SOFTWARE": "pix2earth",
    }  # fmt: skip


def map_scene(network: Network, scene: Scene, step: int, overlap: float, output: Path) -> None:
    """Write the prediction of a scene, going on where an earlier process was stopped.

    Args:
        network: what predicts.
        scene: what it reads.
        step: of the checkpoint.
        overlap: of neighbouring windows, part of a window.
        output: the GeoTIFF.
    """
    import rasterio
    from affine import Affine

    from pix2earth.console.progress import tracked
    from pix2earth.mapping.dataset_maps import band_names
    from pix2earth.mapping.inference import Plan
    from pix2earth.mapping.raster_writer import Description, RasterWriter

    experiment, factor, target = network.experiment, network.geometry.factor, network.target
    plan = Plan(network, scene, round(overlap * network.geometry.side))
    shape = (plan.rows.length, plan.columns.length, network.geometry.bands)
    checkpoint = (experiment.output.checkpoints / f"ckpt-{step}.json").stat().st_mtime_ns
    about = {"run": experiment.output.run_name, "step": step, "checkpoint": checkpoint, "overlap": overlap}
    with RasterWriter(output, shape, {**about, **scene.identity()}) as writer, rasterio.Env(GDAL_CACHEMAX=CACHE):
        if writer.done:
            print(f"{output}: goes on after row {writer.done} of {shape[0]}")
        left = (len(plan.rows) - writer.strips) * len(plan.columns)
        predictions = tracked(plan.predictions(writer.strips), "predict", left, "windows")
        for strip, carried in plan.strips(predictions, writer.strips, writer.carried):
            writer.write(strip, carried)
        next(predictions, None)  # the bar arrives
        transform = scene.transform @ Affine.scale(1 / factor) if not scene.transform.is_identity else None
        overviews = "AVERAGE" if target.kind == "image" else "NEAREST"
        bands, facts = band_names(target.bands, target.dates), {**tags(experiment, step), **scene.tags}
        writer.finish(Description(scene.crs, transform, bands, target.units, facts, overviews))
    print(f"{output}: {shape[1]} x {shape[0]} pixels, {', '.join(bands)}")


def is_dataset(path: Path) -> bool:
    """Tell whether a path is a dataset, with or without its tile size."""
    folders = [path, *(child for child in path.iterdir() if child.name.isdecimal())] if path.is_dir() else []
    return any((folder / FILE).is_file() or any((folder / split).is_dir() for split in SPLITS) for folder in folders)


def map_dataset(path: Path, experiment: Experiment, options: argparse.Namespace) -> None:
    """Write one GeoTIFF a sample into the folder ``--output``.

    Raises:
        Mistake: the dataset is not like the one that the network learnt from, or an option means nothing here.
    """
    for option in ("bbox", "degrade", "s3"):
        if getattr(options, option):
            raise Mistake(f"--{option}: means nothing for a dataset; leave it out")
    folder = Path(options.output)
    if folder.exists() and not folder.is_dir():
        raise Mistake(f"--output {folder}: is a file; a dataset needs a folder")
    listing = listing_of(path, experiment)
    # The run may be led over any dataset whose samples are alike: same network, other places.
    experiment.DATA_ROOT, experiment.manifest = str(listing.folder), listing.manifest
    scorer, split, step = trained(experiment, options.split, options.step)
    from pix2earth.mapping.dataset_maps import predict_dataset

    count = predict_dataset(scorer, split, folder, tags(experiment, step), overwrite=options.overwrite)
    print(f"{folder}: {count} GeoTIFFs")


def listing_of(path: Path, experiment: Experiment) -> Listing:
    """Return the listing of a dataset that an experiment's network can read.

    Raises:
        Mistake: its samples differ.
    """
    sized = path / str(experiment.TILESIZE)
    listing = open_folder(str(sized if sized.is_dir() else path))
    mine, other = experiment.manifest, listing.manifest
    if (mine.input, mine.target, mine.fields) != (other.input, other.target, other.fields):
        differing = [
            name for name in {**mine.fields, **other.fields} if mine.fields.get(name) != other.fields.get(name)
        ]
        raise Mistake(
            f"--input {listing.folder}: {', '.join(differing) or 'input and target'} differ from those of"
            f" {experiment.DATA_ROOT}, from which '{experiment.NAME}' learnt"
        )
    return listing


CACHE = 512 * 2**20
"""Bytes of decoded blocks that GDAL keeps; its own default is a part of the machine's memory."""


if __name__ == "__main__":
    main()
