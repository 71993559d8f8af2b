"""Scenes: the files of all fields that belong together. A scene becomes one sample, or many tiles."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pix2earth.image_files.image_file import ImageFile
from pix2earth.image_files.reading import ZARR, read_image_file
from pix2earth.settings.errors import UserError
from preprocessing.sources.description import Layer, SourceDescription, SourceField
from preprocessing.sources.patterns import matched

Roots = Mapping[str, Sequence[Path]]
"""Input folders by their names; "" are those of ``--input``."""


BESIDE = ("thumbs.db", "desktop.ini", "__macosx")
"""Names, in lower case, of what operating systems write beside files."""
SIDECARS = (".aux.xml", ".ovr", ".msk", ".tfw", ".tifw", ".pgw", ".jgw", ".j2w", ".wld", ".npy.json")
"""Ends of names of files that belong to an image beside them: statistics, overviews, masks, corners, facts."""


class BandSource(NamedTuple):
    """Some bands from one file.

    Attributes:
        file: its path.
        layer: which bands and piece.
        sample: index in a file with several samples, else None.
    """

    file: Path
    layer: Layer
    sample: int | None = None


Steps = tuple[tuple[BandSource, ...], ...]
"""The layers of each time step of a field."""


class ImportScene(NamedTuple):
    """Files that belong together.

    Attributes:
        name: of the scene.
        parts: named parts of the files' names.
        fields: the sources of each field.
        acquired: times of acquisition by field, where something other than the files states them.
        split: where it goes, as far as something other than the rule of the description has decided it.
    """

    name: str
    parts: Mapping[str, str]
    fields: Mapping[str, Steps]
    acquired: Mapping[str, tuple[str, ...]] = {}
    split: str = ""

    @property
    def files(self) -> list[Path]:
        """All files, each once."""
        return list(dict.fromkeys(source.file for steps in self.fields.values() for one in steps for source in one))


def refuse_images_as_masks(description: SourceDescription, scenes: Sequence[ImportScene]) -> None:
    """Make sure that no file is read as an image and, in the same bands, as a mask: all but black would be masked.

    Raises:
        UserError: one is, as where the folder of the images was named twice.
    """
    for scene in scenes:
        kinds: dict[tuple[Any, ...], tuple[str, str]] = {}
        for name, steps in scene.fields.items():
            kind = description.fields[name].kind
            for source in (source for step in steps for source in step):
                key = source.file, source.sample, str(source.layer)
                other, former = kinds.setdefault(key, (name, kind))
                if {kind, former} == {"image", "mask"}:
                    raise UserError(f"{source.file}: is {other} and {name} at once; name other files for the mask")


class Found(NamedTuple):
    """A file below an input folder."""

    name: str
    """Path relative to the folder, with "/"."""
    path: Path


def files_below(folders: Sequence[Path]) -> list[Found]:
    """Return all files below some folders, sorted; a Zarr store counts as one file.

    Hidden files are left out, and those that operating systems and GDAL write beside images.

    Raises:
        UserError: a folder does not exist, or a file is in two of them.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: is no folder" if folder.exists() else f"{folder}: there is no such folder")
        if any((folder / name).is_file() for name in ZARR):
            raise UserError(f"{folder}: is a Zarr store; name the folder that it lies in")
        for place, folders_below, files in os.walk(folder, followlinks=True):
            stores = [name for name in folders_below if any(Path(place, name, one).is_file() for one in ZARR)]
            folders_below[:] = [name for name in folders_below if name not in stores and not _beside(name)]
            for name in (*files, *stores):
                if _beside(name):
                    continue
                path = Path(place, name)
                relative = path.relative_to(folder).as_posix()
                if relative in found:
                    raise UserError(f"{path}: is {found[relative]} too; name one of the folders")
                found[relative] = path
    return [Found(name, found[name]) for name in sorted(found)]


def _beside(name: str) -> bool:
    """Return whether a file or folder is hidden, or only belongs to others."""
    return name.startswith(".") or name.lower() in BESIDE or name.lower().endswith(SIDECARS)


def matching(pattern: str, files: Sequence[Found]) -> list[tuple[dict[str, str], Found]]:
    """Return the files that match a pattern, with their parts."""
    return [(parts, file) for file in files if (parts := matched(pattern, file.name)) is not None]


def opened(source: BandSource, field: SourceField) -> ImageFile:
    """Return the file of a source.

    Raises:
        UserError: it is damaged, or has not what the field says.
    """
    variable = source.layer.variable
    state = source.file.stat() if source.file.exists() else None
    version = (state.st_mtime_ns, state.st_size) if state else None
    return _opened(source.file, tuple(variable) if isinstance(variable, list) else variable, field.axes, version)


@functools.lru_cache(maxsize=4096)
def _opened(
    path: Path, variable: str | tuple[str, ...] | None, axes: str | None, version: tuple[int, int] | None
) -> ImageFile:
    """Return a file; what it states is kept while it is the same, because many tiles come from one file."""
    return read_image_file(path, variable=list(variable) if isinstance(variable, tuple) else variable, axes=axes)
