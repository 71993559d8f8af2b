"""Reading of a file of images in any format, which its first bytes tell; its name does not matter."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

from pix2earth.image_files.image_file import ImageFile
from pix2earth.settings.errors import UserError

FORMATS = "GeoTIFF, TIFF, PNG, JPEG, JPEG 2000, FITS, NPY, NPZ, NetCDF and Zarr"
BEGINNINGS = (
    ("TIFF", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    ("PNG", (b"\x89PNG\r\n\x1a\n",)),
    ("JPEG", (b"\xff\xd8\xff",)),
    ("JPEG 2000", (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")),
    ("FITS", (b"SIMPLE  =",)),
    ("NPY", (b"\x93NUMPY",)),
    ("NPZ", (b"PK\x03\x04", b"PK\x05\x06")),
    ("NetCDF", (b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF\r\n\x1a\n")),
)
"""First bytes of files by format."""
OTHERS = (
    ((b"version https://git-lfs",), "is a pointer of Git LFS, not the file itself; run `git lfs pull`"),
    ((b"<!DOCTYPE", b"<!doctype", b"<html", b"<HTML"), "is a web page: the download failed; fetch the file again"),
    ((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), "is a pickle, which could run any code; save it as NPY"),
)
"""First bytes of files that users take for images, and what to say."""
ZARR = ("zarr.json", ".zgroup", ".zarray", ".zmetadata")


def read_image_file(
    path: str | Path, *, variable: str | Sequence[str] | None = None, axes: str | None = None
) -> ImageFile:
    """Return a file of images; its pixels are read when they are asked for.

    Args:
        path: of the file, or of the folder of a Zarr store.
        variable: name of the array in an NPZ, NetCDF or Zarr file, or name or number of the HDU of a FITS file; several
            of one shape become bands. None: the only one, or the first image of a FITS file.
        axes: letters of the stored array's axes in their order, of N (sample), T (time step), H, W, C (band); None: as
            the file states, or as is usual for its format.

    Raises:
        UserError: one line: there is no such file, no reader for its format, it is damaged, or it does not hold what is
            asked for.
    """
    path = Path(path)
    kind = recognised(path)
    names = [variable] if isinstance(variable, str) else list(variable or [])
    if kind in ("TIFF", "JPEG 2000", "PNG", "JPEG"):
        if names:
            raise UserError(f"{path}: is a {kind} file, which has no variable '{names[0]}'; leave it out")
        if kind in ("PNG", "JPEG"):
            from pix2earth.image_files.read_picture import read_picture

            return read_picture(path, kind)
        from pix2earth.image_files.read_raster import read_raster

        return read_raster(path, kind, axes)
    if kind == "FITS":
        from pix2earth.image_files.read_fits import read_fits

        return read_fits(path, names, axes)
    if kind in ("NPY", "NPZ"):
        from pix2earth.image_files.read_numpy import read_numpy

        return read_numpy(path, kind, names, axes)
    from pix2earth.image_files.read_variables import read_variables

    return read_variables(path, kind, names, axes)


def recognised(path: Path) -> str:
    """Return the format of a file by its content: a name in ``BEGINNINGS``, or "Zarr" for a folder.

    Raises:
        UserError: it cannot be read, or its format is not known.
    """
    if path.is_dir():
        if any((path / name).is_file() for name in ZARR):
            return "Zarr"
        raise UserError(f"{path}: is a folder without {ZARR[0]} or {ZARR[1]}, thus no Zarr store; name a file")
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if not start:
        raise UserError(f"{path}: is empty; copy it again")
    if start.startswith(b"\x1f\x8b"):
        start = _unpacked(path)
        if not start.startswith(BEGINNINGS[4][1]):
            raise UserError(f"{path}: is packed by gzip, and no FITS file; unpack it")
    for kind, beginnings in BEGINNINGS:
        if start.startswith(beginnings):
            return kind
    for beginnings, fault in OTHERS:
        if start.startswith(beginnings):
            raise UserError(f"{path}: {fault}")
    raise UserError(f"{path}: is no image of a known format: {FORMATS}")


def is_image_file(path: Path) -> bool:
    """Return whether a file, or a folder, has a format that ``read_image_file`` knows; it may yet be damaged."""
    try:
        recognised(path)
    except UserError:
        return False
    return True


def _unpacked(path: Path) -> bytes:
    """Return the first bytes of a file that is packed by gzip.

    Raises:
        UserError: it is damaged.
    """
    try:
        with gzip.open(path) as file:
            return file.read(64)
    except (OSError, EOFError, zlib.error):
        raise UserError(f"{path}: is packed by gzip and damaged; copy it again") from None
