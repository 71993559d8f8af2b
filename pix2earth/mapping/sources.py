"""Names of rasters on the command line: paths, and names that GDAL alone understands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeGuard

from pix2earth.settings.errors import UserError

OF_GDAL = re.compile(r"/vsi|[A-Za-z][A-Za-z0-9+.-]+://|[A-Za-z][A-Za-z0-9_]+:")
"""Beginnings of such names: virtual file systems, addresses, and drivers that name a subdataset."""


class GdalName(str):
    """A raster that is no file of its own: ``/vsizip/a.zip/b.tif``, ``https://...``, ``NETCDF:"a.nc":B02``.

    It is no path, which would lose a slash of ``https://`` and of ``/vsizip//data``.
    """

    __slots__ = ()

    @property
    def files(self) -> list[Path]:
        """The files on this machine that the name contains."""
        return [Path(part) for part in re.split(r"[:\"]+", self) if part and Path(part).exists()]


Source = Path | GdalName


def source_of(text: str, option: str) -> Source:
    """Return what a text on the command line names; a file of that name comes first.

    Args:
        text: of the user.
        option: words before it on the command line, for the message.

    Raises:
        UserError: it is no such name, and there is no such file or folder.
    """
    if Path(text).exists():
        return Path(text)
    if OF_GDAL.match(text):
        return GdalName(text)
    raise UserError(f"{option}{text}: there is no such file or folder")


def is_folder(source: Source) -> TypeGuard[Path]:
    """Return whether a source is a folder."""
    return isinstance(source, Path) and source.is_dir()


def paths_of(files: Mapping[str, Sequence[Source]]) -> dict[str, list[Path]]:
    """Return the files of each further field as paths.

    Raises:
        UserError: one is a name that GDAL alone understands.
    """
    for name, sources in files.items():
        if odd := next((source for source in sources if isinstance(source, GdalName)), None):
            raise UserError(f"--field {name}={odd}: must be a file or folder here; copy it to this machine")
    return {name: [Path(source) for source in sources] for name, sources in files.items()}
