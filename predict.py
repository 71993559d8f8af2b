"""Command: inference, which applies a trained network to a scene, a dataset, or files of images in any format."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiment import Environment, Experiment
from pix2earth.console.arguments import CommandArguments
from pix2earth.mapping.scene_maps import check_output, map_scene
from pix2earth.mapping.sources import Source, source_of
from pix2earth.plugins import finding
from pix2earth.records.listing import is_dataset, listing_of
from pix2earth.records.manifest import SPLITS
from pix2earth.settings.errors import UserError, reports_errors
from pix2earth.training.trained import open_run, restored_network, restored_scorer

if TYPE_CHECKING:
    from pix2earth.mapping.raster_scene import Chosen


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line's options.

    Raises:
        UserError: a number is out of its range.
    """
    arguments = CommandArguments(
        prog="predict.py",
        description="Apply a trained network to a scene in overlapping windows, to files of images, or to a dataset.",
    )
    arguments.add_argument("--exp", required=True, metavar="NAME", help="experiment below the experiment root")
    arguments.add_argument("--env", metavar="PATH", help="environment.json (default: PIX2EARTH_ENV, ./, ../)")
    arguments.add_argument("--timestamp", help="the run (default: the newest one that has a checkpoint)")
    arguments.add_argument("--step", default="last", help="checkpoint: best, last (default) or a number")
    arguments.add_argument(
        "--input", required=True, nargs="+", metavar="PATH",
        help="a GeoTIFF with the bands of the network's input, a folder with one raster per band, a Sentinel-2 product"
        " (.SAFE or .zip), the folder of an HLS granule, a file or folder of images in any format, or a dataset; for a"
        " network with time steps also one of them for each, in their order, or the folder of a series",
    )  # fmt: skip
    arguments.add_argument(
        "--field", action="append", default=[], metavar="NAME=FILE[,FILE...]",
        help="a further field that the network reads, such as cloud_mask: a raster on the grid of the input, or one for"
        " each time step; once for each field",
    )  # fmt: skip
    arguments.add_argument(
        "--output", required=True, metavar="PATH",
        help="the GeoTIFF; for a dataset and for files of images, the folder",
    )  # fmt: skip
    arguments.add_argument("--overwrite", action="store_true", help="replace an output that exists")
    arguments.add_argument(
        "--split", choices=SPLITS, help="split of a dataset (default: test where it has one, else val)"
    )
    arguments.add_argument(
        "--force", action="store_true", help="predict although plug-in or dataset differ from those of the training"
    )
    arguments.add_argument(
        "--overlap", type=float, default=0.5,
        help="overlap of neighbouring windows, as part of a window, 0 to 0.5 (default 0.5)",
    )  # fmt: skip
    arguments.add_argument(
        "--degrade", action="store_true",
        help="the scene has the pixel size of the network's target: average it to the pixel size of the input",
    )  # fmt: skip
    add_scene_options(arguments)
    add_file_options(arguments)
    options = arguments.parse_args(argv)
    check(options)
    return options


def add_scene_options(arguments: argparse.ArgumentParser) -> None:
    """Add the options of rasters and products."""
    scenes = arguments.add_argument_group("scenes")
    scenes.add_argument(
        "--bands", metavar="N,N...",
        help="numbers of the bands of each raster, in the order of the network's input (default: by their names, or in"
        " order where they have none)",
    )  # fmt: skip
    scenes.add_argument(
        "--scale", type=float, metavar="X",
        help="of numbers in rasters: physical value = X * number + offset (default: as the raster and the dataset say)",
    )  # fmt: skip
    scenes.add_argument("--offset", type=float, metavar="Y", help="the same, added; default 0 with --scale")
    scenes.add_argument("--s3", metavar="SEN3", help="the Sentinel-3 product, for networks that read OLCI")
    scenes.add_argument(
        "--bbox", nargs=4, type=float, metavar=("W", "S", "E", "N"), help="predict only this box, in degrees"
    )


def add_file_options(arguments: argparse.ArgumentParser) -> None:
    """Add the options of files of images and of series."""
    files = arguments.add_argument_group("files of images and series")
    files.add_argument(
        "--format", metavar="NAME",
        help="of outputs of files of images: fits, png, npy, tif or nc (default: that of each file; nc of a series)",
    )  # fmt: skip
    files.add_argument("--variable", metavar="NAME", help="the array to be read, where files hold several")
    files.add_argument("--axes", metavar="LETTERS", help="of arrays, such as NCHW (N: sample, T: time step, C: band)")
    files.add_argument(
        "--mask", metavar="PATH", help="folder with the masks of a series, not 0 where pixels are hidden and filled"
    )
    files.add_argument(
        "--dates",
        metavar="FORM",
        help="how names of a series write dates, such as %%Y%%j (default: 20240131 and so on)",
    )
    files.add_argument(
        "--position", choices=("first", "middle", "last"),
        help="which of its input's time steps the network shows, for a series (default: last)",
    )  # fmt: skip


def check(options: argparse.Namespace) -> None:
    """Check the numbers among the options, of which argparse takes nan for one.

    Raises:
        UserError: one is out of its range.
    """
    if options.bbox and not all(map(math.isfinite, options.bbox)):
        raise UserError("--bbox: takes four finite numbers, west south east north in degrees")
    for name in ("scale", "offset"):
        value = getattr(options, name)
        if value is not None and (not math.isfinite(value) or (name, value) == ("scale", 0)):
            raise UserError(f"--{name} {value:g}: must be a finite number, and a scale not 0")
    if not 0 <= options.overlap <= 0.5:
        raise UserError(f"--overlap {options.overlap:g}: must be between 0 and 0.5 of a window")


@reports_errors
def main(argv: Sequence[str] | None = None) -> None:
    """Predict from the command line."""
    options = parse(argv)
    sources, output = [source_of(text, "--input ") for text in options.input], Path(options.output)
    experiment = open_run(Environment(options.env), options.exp, options.timestamp, options.step)
    datasets = [source for source in sources if isinstance(source, Path) and is_dataset(source)]
    if datasets and len(sources) > 1:
        raise UserError(f"--input {datasets[0]}: is a dataset, which holds all time steps; name it alone")
    if datasets:
        map_dataset(datasets[0], experiment, options)
    elif len(sources) == 1 and isinstance(sources[0], Path) and holds_images(sources[0], output):
        map_files(sources[0], experiment, options)
    else:
        map_scenes(sources, output, experiment, options)


def holds_images(source: Path, output: Path) -> bool:
    """Return whether an input is read as files of images: those that GDAL does not read, and all for other outputs.

    Args:
        source: of ``--input``.
        output: of ``--output``.
    """
    from pix2earth.image_files.reading import is_image_file, recognised
    from pix2earth.mapping.products import is_product
    from sensors import granule_at

    if is_product(source) or granule_at(source) is not None:
        return False
    if output.suffix.lower() not in (".tif", ".tiff"):
        return source.is_dir() or is_image_file(source)
    by_gdal = ("TIFF", "PNG", "JPEG", "JPEG 2000")
    return is_image_file(source) and recognised(source) not in by_gdal


def map_files(source: Path, experiment: Experiment, options: argparse.Namespace) -> None:
    """Write the predictions of a file of images, or of all in a folder, in their format.

    Raises:
        UserError: a file does not fit the network, an output cannot be written, or an option does not apply.
    """
    from pix2earth.mapping import fields
    from pix2earth.mapping.files.choosing import predict_files
    from pix2earth.mapping.files.jobs import FileOptions
    from pix2earth.mapping.sources import paths_of

    refuse(options, (*FOR_RASTERS, "bbox", "s3", "split"), "files of images")
    files = paths_of(fields.files_of(options.field))
    chosen = FileOptions(
        Path(options.output), options.format, files, options.mask and Path(options.mask),
        options.dates, options.position, options.overlap, options.degrade, options.overwrite, options.step,
        options.force, options.variable, options.axes,
    )  # fmt: skip
    predict_files(source, experiment, chosen)


FOR_FILES = ("format", "mask", "dates", "position", "variable", "axes")
FOR_RASTERS = ("bands", "scale", "offset")


def refuse(options: argparse.Namespace, names: Sequence[str], source: str) -> None:
    """Refuse options that do not apply to a kind of input.

    Raises:
        UserError: one of them is given.
    """
    for name in names:
        if getattr(options, name) not in (None, False, []):
            raise UserError(f"--{name}: does not apply to {source}; leave it out")


def map_scenes(sources: list[Source], output: Path, experiment: Experiment, options: argparse.Namespace) -> None:
    """Write the GeoTIFF of one scene, whose time steps may be in several files.

    Raises:
        UserError: the scene or a further field does not fit the network, or the output cannot be written.
    """
    from pix2earth.mapping import fields
    from pix2earth.mapping.opening import open_scene
    from pix2earth.mapping.scene import crop
    from pix2earth.mapping.sequences.dated_scenes import reads_sequences

    refuse(options, FOR_FILES, "a scene that becomes a GeoTIFF")
    files = fields.files_of(options.field)
    rasters = [(f"--field {name}", path) for name, paths in files.items() for path in paths]
    check_output(output, [*(("--input", source) for source in sources), *rasters], overwrite=options.overwrite)
    plugin = finding.find(experiment)
    if reads_sequences(experiment, plugin):
        map_sequence(sources, output, experiment, options)
        return
    files |= fields.in_input(sources, files, experiment, plugin)
    fields.check_names(files, experiment, plugin)
    swath = Path(options.s3) if options.s3 else None
    if swath and not swath.exists():
        raise UserError(f"--s3 {swath}: there is no such file or folder")
    scene, geometry = open_scene(sources, swath, experiment, degrade=options.degrade, chosen=chosen_by(options))
    further = fields.open_fields(files, scene, experiment, geometry)
    if options.bbox:
        scene = crop(scene, tuple(options.bbox), fields.blocks(files, experiment.manifest, geometry))
        further = fields.cropped(further, scene, experiment.manifest, geometry)
    gan, plugin, origin = restored_network(experiment, options.step, force=options.force)
    from pix2earth.mapping.inference import Network

    network = Network(experiment, gan, plugin, geometry, further)
    map_scene(network, scene, further, origin, options.overlap, output)


def chosen_by(options: argparse.Namespace) -> Chosen | None:
    """Return what the command line states of rasters, or None."""
    from pix2earth.mapping.bands.finding import numbers_of
    from pix2earth.mapping.raster_scene import Chosen

    stated = options.scale is not None or options.offset is not None
    conversion = (1.0 if options.scale is None else options.scale, options.offset or 0.0) if stated else None
    return Chosen(numbers_of(options.bands), conversion) if stated or options.bands is not None else None


def map_sequence(sources: list[Source], output: Path, experiment: Experiment, options: argparse.Namespace) -> None:
    """Write a GeoTIFF for each date of a sequence, by a network that carries a state from one to the next.

    Raises:
        UserError: a scene has no date or does not fit, an option does not apply, or an output cannot be written.
    """
    from pix2earth.mapping.scene import crop
    from pix2earth.mapping.sequences.dated_scenes import open_sequence, outputs_of

    refuse(options, ("s3", "field"), "a network that reads sequences")
    dates = open_sequence(sources, experiment, degrade=options.degrade, chosen=chosen_by(options))
    paths = outputs_of(output, dates.times)
    for path in paths:
        check_output(path, [("--input", source) for source in sources], overwrite=options.overwrite)
    scene = crop(dates.scene, tuple(options.bbox)) if options.bbox else dates.scene
    gan, plugin, origin = restored_network(experiment, options.step, force=options.force)
    from pix2earth.mapping.sequences.recurrent import RecurrentNetwork

    network = RecurrentNetwork(experiment, gan, plugin, dates.geometry, len(paths))
    maps = {path: {"ACQUIRED": time.isoformat()} for path, time in zip(paths, dates.times, strict=True)}
    map_scene(network, scene, {}, origin, options.overlap, output, maps)


def map_dataset(path: Path, experiment: Experiment, options: argparse.Namespace) -> None:
    """Write one GeoTIFF for each sample of a dataset into the folder ``--output``.

    Raises:
        UserError: the dataset's fields differ from those that the network was trained on, or an option does not apply.
    """
    refuse(options, (*FOR_RASTERS, "bbox", "degrade", "s3", "field", *FOR_FILES), "a dataset")
    folder = Path(options.output)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--output {folder}: is a file; a dataset needs a folder")
    listing = listing_of(path, experiment)
    if listing.folder.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise UserError(f"--output {folder}: is the folder of --input; name another folder")
    trained_on_it = listing.folder.resolve() == Path(experiment.DATA_ROOT).resolve()
    other = None if trained_on_it else listing
    place = experiment, options.split, options.step
    scorer, split, _ = restored_scorer(*place, force=options.force, other=other, baseline=False)
    from pix2earth.mapping.dataset_maps import predict_dataset

    count = predict_dataset(scorer, split, folder, overwrite=options.overwrite)
    print(f"{folder}: {count} GeoTIFFs")


if __name__ == "__main__":
    main()
