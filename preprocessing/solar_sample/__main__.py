"""Command: write the dataset ``<data_root>/solar/64`` from the image of the Sun in ``samples/``, and its average."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiment import Environment
from pix2earth.console.arguments import CommandArguments
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.settings.errors import reports_errors
from preprocessing.solar_sample.image import DEGRADATION, FACTOR, GSD, SEED, TILESIZE, averaged, image, tiles

DESCRIPTION = (
    "The corona at 171 A, 1998-05-19 22:21:43: one image of TRACE, a NASA Small Explorer mission; digital numbers with"
    " a pedestal of about 85. Inputs are averages of the targets. Source: samples/trace_171/README.md."
)


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Write the dataset and the averaged image."""
    arguments = CommandArguments(
        prog="python -m preprocessing.solar_sample",
        description="Write a dataset of the image of the Sun in samples/: its average over 4 x 4 pixels is the input,"
        " the image itself the target, split by spatial blocks.",
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for its data_root")
    arguments.add_argument("--dataset", default="solar", help="name of the dataset (default solar)")
    arguments.add_argument("--replace", action="store_true", help="write an existing dataset again")
    options: Any = arguments.parse_args(argv)
    data_root = Path(Environment(options.env).DATA_ROOT)
    write_dataset(data_root, options.dataset, replace=options.replace)
    print(write_average(data_root / options.dataset / "trace_171_average.fits"))
    return 0


def manifest(name: str) -> Manifest:
    """Return the manifest of the dataset, without counts and fingerprint."""
    # log10, as loops are a hundred times brighter than what lies between them; the range clips nothing of this image.
    about: dict[str, Any] = {
        "bands": ["171"], "units": "DN", "valid_range": (50.0, 3000.0), "transform": {"kind": "log10"}, "rgb": ["171"],
    }  # fmt: skip
    side = TILESIZE // FACTOR
    fields = {
        "input_image": Field(dtype="float32", shape=[side, side, 1], gsd=GSD * FACTOR, **about),
        "target": Field(dtype="int16", shape=[TILESIZE, TILESIZE, 1], gsd=GSD, **about),
    }
    detail = (
        "Blocks of 2 x 2 tiles; of about 7 neighbouring blocks the seed draws one for val, one for test. They adjoin."
    )
    return Manifest(
        name=name, tilesize=TILESIZE, description=DESCRIPTION, fields=fields, degradation=DEGRADATION,
        first_row="bottom", split=Split(method="spatial block", seed=SEED, detail=detail),
    )  # fmt: skip


def write_dataset(data_root: Path, name: str, *, replace: bool = False) -> None:
    """Write the tiles, or what is missing of them; print what was done.

    Raises:
        UserError: the image is missing, or the folder holds another dataset.
    """
    from pix2earth.console.quiet import quieten_tensorflow
    from pix2earth.records.resuming import open_dataset
    from pix2earth.records.splitting.leaks import check_for_leaks

    file = image()
    planned = tiles(file.size)
    quieten_tensorflow()
    folder = data_root / name / str(TILESIZE)
    writer = open_dataset(
        data_root, manifest(name), [(tile.split, tile.name) for tile in planned], replace=replace, complete=False
    )
    if writer is None:
        print(f"{folder}: is complete already; --replace writes it again")
        return
    coarse, side = averaged(file.array), TILESIZE // FACTOR
    with writer:
        for tile in planned:
            if writer.valid(tile.split, tile.name):
                continue
            row, column = tile.row // FACTOR, tile.column // FACTOR
            arrays = {
                "input_image": coarse[row : row + side, column : column + side],
                "target": file.array[tile.row : tile.row + TILESIZE, tile.column : tile.column + TILESIZE],
            }
            writer.write(tile.split, tile.name, arrays, acquired=file.times)
        print(check_for_leaks(writer.folder, writer.manifest))
    print(f"{folder}: {', '.join(f'{count} {split}' for split, count in writer.manifest.records.items())}")


def write_average(path: Path) -> Path:
    """Write the whole image averaged as FITS, the input of ``predict.py``, and return the path."""
    from pix2earth.image_files.writing import NewImage, write_image_file

    file = image()
    history = [f"average of {FACTOR} x {FACTOR} pixels of {file.path.name}"]
    average = NewImage(averaged(file.array), ["171"], "DN", file, 1 / FACTOR, file.times, history=history)
    write_image_file(path, average)
    return path


if __name__ == "__main__":
    main()
