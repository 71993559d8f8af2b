"""Which files are predicted, with which further fields, and what the user chose about it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.image_files.image_file import ImageFile
from pix2earth.image_files.reading import is_image_file, read_image_file
from pix2earth.mapping.files.outputs import stem_of
from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from experiment import Experiment

ACCOMPANYING = (".json", ".xml", ".csv", ".txt", ".md", ".prj", ".tfw", ".pgw", ".jgw", ".ovr", ".hdr", ".html")
"""Endings of files that lie beside images and are left out without a word."""


@dataclass(frozen=True)
class FileOptions:
    """What a user chooses about the prediction of files of images.

    Attributes:
        output: a file for a single input, else a folder.
        format: of the outputs; None: that of each input, NetCDF of a series.
        fields: files or folders of the further fields that the network reads, by name.
        mask: folder, or file, with the masks of a series, not 0 where pixels are hidden and to be filled.
        dates: how dates are written in names, in letters of strftime; None: as usual.
        position: which of the network's time steps the target shows: "first", "middle" or "last".
        overlap: of neighbouring windows, as part of a window.
        degrade: inputs have the pixel size of the target.
        overwrite: replace outputs that exist.
        step: "last", "best" or a number.
        force: predict although plug-in or dataset differ from those of the training.
        variable: name of the array in the input's files, where they hold several.
        axes: letters of the axes of the input's arrays, such as "NCHW"; None: as the files state, or as usual.
    """

    output: Path
    format: str | None = None
    fields: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    mask: Path | None = None
    dates: str | None = None
    position: str | None = None
    overlap: float = 0.5
    degrade: bool = False
    overwrite: bool = False
    step: str = "last"
    force: bool = False
    variable: str | None = None
    axes: str | None = None


@dataclass(frozen=True)
class Job:
    """One image to be predicted.

    Attributes:
        file: that holds it.
        sample: its index, where the file holds several.
        name: of the output, without its ending.
        fields: the files of the further fields.
    """

    file: ImageFile
    sample: int | None
    name: str
    fields: Mapping[str, ImageFile]


def image_files(source: Path, option: str, *, variable: str | None = None, axes: str | None = None) -> list[ImageFile]:
    """Return the files of images in a folder by their names, or the one file that a path names.

    Folders below it are not searched. Other files are left out; one line says so.

    Args:
        source: a file, the folder of a Zarr store, or a folder with files.
        option: words that name it on the command line, for messages.
        variable: name of the array in each file, where it holds several.
        axes: letters of the axes of arrays.

    Raises:
        UserError: there is none, or one is damaged.
    """
    if not source.exists():
        raise UserError(f"{option}{source}: there is no such file or folder")
    if not source.is_dir() or is_image_file(source):
        return [_read(source, variable, axes)]
    entries = sorted(path for path in source.iterdir() if not path.name.startswith(".") and path.suffix != ".part")
    known = [path for path in entries if is_image_file(path)]
    others = [
        path.name
        for path in entries
        if path not in known and path.is_file() and path.suffix.lower() not in ACCOMPANYING
    ]
    if not known:
        raise UserError(f"{option}{source}: holds no file of images, nor is it a dataset or a product")
    if others:
        print(f"{source}: {len(others)} files are left out, which hold no images, such as {others[0]}", file=sys.stderr)
    return [_read(path, variable, axes) for path in known]


def _read(path: Path, variable: str | None, axes: str | None) -> ImageFile:
    """Return a file.

    Raises:
        UserError: it cannot be read; where it holds several arrays, the line names the option that chooses one.
    """
    try:
        return read_image_file(path, variable=variable, axes=axes)
    except UserError as error:
        option = "name one: --variable NAME"
        raise UserError(*(line.replace("name one (variable)", option) for line in error.lines)) from None


def jobs_of(files: Sequence[ImageFile], options: FileOptions, experiment: Experiment) -> list[Job]:
    """Return the images to be predicted.

    Args:
        files: of the input.
        options: of the user.
        experiment: of the run.

    Raises:
        UserError: a further field has no file for one of them.
    """
    names = experiment.manifest.fields
    found = {name: _field_files(name, paths) for name, paths in options.fields.items() if name in names}
    jobs = []
    for file in files:
        stem = stem_of(file.path)
        fields = {name: _of_image(name, of_field, file, stem) for name, of_field in found.items()}
        if file.samples is None:
            jobs.append(Job(file, None, stem, fields))
        jobs += [Job(file, number, f"{stem}_{number:04d}", fields) for number in range(file.samples or 0)]
    return jobs


def _field_files(name: str, paths: Sequence[Path]) -> dict[str, ImageFile]:
    """Return the files of a further field by their names without ending."""
    if len(paths) > 1:
        listed = ", ".join(map(str, paths))
        raise UserError(f"--field {name}={listed}: takes one file or folder where the input is files of images")
    return {stem_of(file.path): file for file in image_files(paths[0], f"--field {name}=")}


def _of_image(name: str, files: Mapping[str, ImageFile], image: ImageFile, stem: str) -> ImageFile:
    """Return the file of a further field that belongs to an image: of its name, or the only one."""
    if stem in files:
        return files[stem]
    first = next(iter(files.values()))
    if len(files) == 1:
        return first
    raise UserError(
        f"--field {name}={first.path.parent}: has no file that is named as {image.path.name}{nearest(stem, files)}"
    )
