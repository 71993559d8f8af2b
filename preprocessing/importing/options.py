"""Options of the command line, and what they say."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.console.arguments import CommandArguments
from pix2earth.settings.errors import UserError, nearest
from preprocessing import parallel

if TYPE_CHECKING:
    from preprocessing.sources.description import SourceDescription

OF_PAIRS = ("target", "pattern", "pairs", "side_by_side", "unpaired", "axes")
OF_SERIES = ("dates", "mask_pattern", "classes", "steps", "position", "clear", "cloudy", "val_from", "test_from")
SPELLED = {"side_by_side": "--side-by-side", "mask_pattern": "--mask-pattern", "val_from": "--val-from",
           "test_from": "--test-from"}  # fmt: skip


def parse(argv: Sequence[str] | None) -> Any:
    """Return the options of the command line."""
    arguments = CommandArguments(
        prog="python -m preprocessing.importing",
        description="Import files of any format as a dataset: GeoTIFF, TIFF, PNG, JPEG, JPEG 2000, FITS, NPY, NPZ,"
        " NetCDF, Zarr.",
        epilog="docs/importing.md explains sources and descriptions.",
    )
    arguments.add_argument(
        "source", metavar="SOURCE", nargs="?",
        help="pairs, series, the name of a description in preprocessing/sources/, or the path of one of your own",
    )  # fmt: skip
    arguments.add_argument("--list", action="store_true", help="list the shipped descriptions")
    arguments.add_argument("--schema", action="store_true", help="print the JSON Schema of descriptions, for editors")
    arguments.add_argument("--input", nargs="+", type=Path, metavar="DIR", help="folder with the files")
    arguments.add_argument("--dataset", metavar="NAME", help="name of the dataset")
    arguments.add_argument("--tilesize", type=parallel.positive_integer, metavar="N", help="side of a target in pixels")
    arguments.add_argument(
        "--size", choices=("tile", "crop", "pad", "resize"),
        help="what to do with images of another size: cut into tiles, crop to their middle, pad with nodata, resize",
    )  # fmt: skip
    arguments.add_argument(
        "--valid", type=float, metavar="SHARE", help="of a target's pixels must be measured (default: none)"
    )
    arguments.add_argument(
        "--split", metavar="CSV", type=Path, help="file with a column split, and others that are named parts"
    )
    arguments.add_argument("--seed", type=int, help="of a split that is drawn")
    arguments.add_argument(
        "--leave_out", "--leave-out", nargs="+", choices=("missing", "odd"), default=[],
        help="leave out samples of which a file is missing, or is damaged or not as described",
    )  # fmt: skip
    arguments.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="FIELD.KEY=VALUE",
        help="keys of a description, such as target.scale=0.0001 input_image.bands='[B04, B08]' split.train=0.7",
    )  # fmt: skip
    arguments.add_argument("--dry_run", "--dry-run", action="store_true", help="print what is found, and write nothing")
    arguments.add_argument(
        "--write_experiment", "--write-experiment", metavar="NAME",
        help="write <experiment_root>/NAME/experiment.json to begin with",
    )  # fmt: skip
    arguments.add_argument("--replace", action="store_true", help="write an existing dataset again")
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for data_root")
    parallel.add_options(arguments)
    _add_pairs(arguments)
    _add_series(arguments)
    return arguments.parse_args(argv)


def _add_pairs(arguments: argparse.ArgumentParser) -> None:
    """Add the options of the source ``pairs``."""
    group = arguments.add_argument_group("pairs: two folders of images, or two files")
    group.add_argument("--target", type=Path, metavar="DIR", help="folder with the images to be generated")
    group.add_argument("--mask", type=Path, metavar="DIR", help="masks: for pairs 1 is valid, for series 1 is cloud")
    group.add_argument(
        "--pattern", nargs="+", metavar="PATTERN",
        help='of the files of all folders, or of each, such as "in_{name}.png" "out_{name}.png" (default: equal names)',
    )  # fmt: skip
    group.add_argument("--pairs", type=Path, metavar="CSV", help="file with columns input, target (mask, split, name)")
    group.add_argument(
        "--side_by_side", "--side-by-side", metavar="AB",
        help="one folder --input, with input (A) and target (B) side by side in each image",
    )  # fmt: skip
    group.add_argument("--unpaired", action="store_true", help="the folders are two domains without pairs")
    group.add_argument("--axes", metavar="LETTERS", help="of arrays, such as NHWC (N: sample, T: time step, C: band)")


def _add_series(arguments: argparse.ArgumentParser) -> None:
    """Add the options of the source ``series``."""
    group = arguments.add_argument_group("series: dated rasters of one or many places")
    group.add_argument(
        "--dates", metavar="PATTERN", help='of the files, such as "{place}/ndvi_{date:date}.tif"; {place} may be absent'
    )
    group.add_argument("--mask_pattern", "--mask-pattern", metavar="PATTERN", help="of masks (default: as --dates)")
    group.add_argument("--classes", type=Path, metavar="DIR", help="folder or file with classes of land cover")
    group.add_argument(
        "--steps", type=parallel.positive_integer, metavar="N", help="time steps of the input (default 3)"
    )
    group.add_argument(
        "--position", choices=("last", "middle", "any"),
        help="date of the target: after all inputs, between them, or anywhere (default any)",
    )  # fmt: skip
    group.add_argument("--clear", type=float, metavar="SHARE", help="most clouds in a target (default 0.02)")
    group.add_argument(
        "--cloudy", type=float, nargs=2, metavar=("LOW", "HIGH"), help="clouds in an input (default 0.02 0.95)"
    )
    group.add_argument("--val_from", "--val-from", metavar="DAY", help="first day of val (default: 70 %% of targets)")
    group.add_argument("--test_from", "--test-from", metavar="DAY", help="first day of test (default: 85 %%)")


def check(options: Any) -> None:
    """Check that options fit the source and each other.

    Raises:
        UserError: one line.
    """
    if options.source is None:
        raise UserError("name a source: pairs, series, a shipped description (--list), or a YAML file of your own")
    for source, names in (("pairs", OF_PAIRS), ("series", OF_SERIES)):
        for name in names:
            if options.source != source and getattr(options, name) not in (None, False):
                raise UserError(f"{SPELLED.get(name, f'--{name}')}: is for the source {source}, not {options.source}")
    if options.mask is not None and options.source not in ("pairs", "series"):
        raise UserError(f"--mask: is for pairs and series; {options.source} describes its masks itself")
    if not options.input and not (options.source == "pairs" and options.pairs):
        raise UserError("--input: is missing; name the folder with the files")
    if not options.dataset:
        raise UserError("--dataset: is missing; name the dataset to be written")
    if options.source in ("pairs", "series") and len(options.input or []) > 1:
        raise UserError(f"--input: {options.source} take one folder, not {len(options.input)}")
    if options.valid is not None and not 0 <= options.valid <= 1:
        raise UserError(f"--valid {options.valid:g}: must be a share from 0 to 1")


def settings(options: Any) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Return the keys of a description that options state: its own, and those of its fields.

    Raises:
        UserError: ``--set`` has no key or value.
    """
    own: dict[str, Any] = {}
    for key in ("tilesize", "size", "valid"):
        if getattr(options, key) is not None:
            own[key] = getattr(options, key)
    own |= {key: "leave_out" for key in options.leave_out}
    fields: dict[str, dict[str, Any]] = {}
    for text in options.set:
        name, equals, value = text.partition("=")
        first, dot, key = name.partition(".")
        if not equals or not name:
            raise UserError(f"--set {text}: must be FIELD.KEY=VALUE, such as target.scale=0.0001")
        if first == "split" and dot:
            own.setdefault("split", {})[key] = _value(text, value)
        elif dot:
            fields.setdefault(first, {})[key] = _value(text, value)
        else:
            own[name] = _value(text, value)
    return own, fields


def _value(text: str, value: str) -> Any:
    """Return a value of YAML as plain Python.

    Raises:
        UserError: it is none.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load(value)
    except YAMLError:
        raise UserError(f"--set {text}: '{value}' is no value; lists are written '[B04, B08]'") from None
    # A template such as {place} is a mapping without values in YAML.
    return value if isinstance(found, dict) and not any(found.values()) else found


def described(content: dict[str, Any]) -> SourceDescription:
    """Return a description that options have made.

    Raises:
        UserError: one line for each key that is unknown or wrong.
    """
    from pix2earth.settings.commented_json import Document
    from pix2earth.settings.validation import check as checked
    from preprocessing.sources.description import SourceDescription

    try:
        return checked(Document("--set", content, {}, {}), SourceDescription)
    except UserError as error:
        raise UserError(*(line.replace("--set:1:1: ", "--set: ", 1) for line in error.lines)) from None


def known_fields(fields: Mapping[str, Any], stated: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that ``--set`` names fields that there are.

    Raises:
        UserError: it does not.
    """
    for name in stated:
        if name not in fields:
            raise UserError(
                f"--set {name}.{next(iter(stated[name]))}: there is no field '{name}'{nearest(name, fields)}"
            )
