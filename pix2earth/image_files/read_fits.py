"""FITS by astropy: rows as stored (the first one is the lowest of the picture), header with its WCS kept."""

from __future__ import annotations

import functools
import re
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pix2earth.image_files.image_file import (
    Box,
    ImageFile,
    Pixels,
    arranged_shape,
    checked_axes,
    part_of,
)
from pix2earth.settings.errors import UserError, nearest

AXES = {2: "HW", 3: "CHW", 4: "TCHW"}
"""Axes of arrays as NumPy has them, by their number of dimensions, where nothing else is stated."""
TIMES = ("DATE-OBS", "DATE_OBS", "T_OBS", "DATE-BEG")
"""Keywords with the time of acquisition; the first one that holds a time counts."""
UNSIGNED = {("int16", 32768.0): "uint16", ("int32", 2147483648.0): "uint32", ("uint8", -128.0): "int8"}
"""Types that FITS stores with an offset, by the stored type and BZERO."""


def read_fits(path: Path, names: Sequence[str], axes: str | None) -> ImageFile:
    """Return an image of a FITS file; see ``read_image_file``.

    BSCALE and BZERO become ``scale`` and ``offset``, BLANK becomes ``nodata``; unsigned integers are such. Files that
    are compressed by tiles or by gzip are read like others.

    Raises:
        UserError: it is damaged, or holds no such image.
    """
    with _opened(path) as hdus:
        number = _chosen(path, hdus, names)
        hdu = hdus[number]
        header = hdu.header.copy()
        shape = tuple(int(side) for side in hdu.shape)
        stored = _stored_type(path, int(header["BITPIX"]))
        scale, zero, blank = float(header.get("BSCALE", 1)), float(header.get("BZERO", 0)), header.get("BLANK")
    unsigned = UNSIGNED.get((stored, zero)) if scale == 1.0 else None
    letters = checked_axes(axes, AXES.get(len(shape), ""), len(shape), path)
    arranged, sizes = arranged_shape(shape, letters)
    nodata = None if blank is None or "float" in stored else float(blank) + (zero if unsigned else 0.0)
    return ImageFile(
        path, "FITS", arranged, sizes, unsigned or stored,
        functools.partial(_load, path, number, letters, unsigned, zero),
        nodata=nodata, scale=scale, offset=0.0 if unsigned else zero, units=str(header.get("BUNIT", "")).strip(),
        transform=_transform(header), times=_times(header), keywords=_keywords(header), header=header,
    )  # fmt: skip


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a FITS file with its numbers as stored.

    Raises:
        UserError: it is damaged, also where that is found inside of the block.
    """
    from astropy.io import fits
    from astropy.io.fits import VerifyError
    from astropy.utils.exceptions import AstropyWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyWarning)
            with fits.open(path, do_not_scale_image_data=True, memmap=not path.name.endswith(".gz")) as hdus:
                yield hdus
    except (OSError, EOFError, ValueError, TypeError, IndexError, KeyError, VerifyError, zlib.error) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: is a damaged FITS file ({reason}); copy it again") from None


def _chosen(path: Path, hdus: Any, names: Sequence[str]) -> int:
    """Return the number of the HDU with the image.

    Raises:
        UserError: there is none.
    """
    images = {number: hdu.name for number, hdu in enumerate(hdus) if hdu.is_image and len(hdu.shape) >= 2}
    if not images:
        raise UserError(f"{path}: holds no image of at least two dimensions (tables are not read)")
    if len(names) > 1:
        raise UserError(f"{path}: one image of a FITS file can be read, not {len(names)}")
    if not names:
        return min(images)
    by_name = {str(number): number for number in images}
    by_name |= {name: number for number, name in images.items() if name}
    if names[0] not in by_name:
        raise UserError(f"{path}: has no image '{names[0]}'{nearest(names[0], by_name)}")
    return by_name[names[0]]


def _stored_type(path: Path, bits: int) -> str:
    types = {8: "uint8", 16: "int16", 32: "int32", 64: "int64", -32: "float32", -64: "float64"}
    if bits not in types:
        raise UserError(f"{path}: BITPIX {bits} is no type of FITS; write the file again")
    return types[bits]


def _load(
    path: Path, number: int, letters: str, unsigned: str | None, zero: float, sample: int | None, box: Box | None
) -> Pixels:
    with _opened(path) as hdus:
        data = hdus[number].data
        if data is None:
            raise UserError(f"{path}: its image is empty")
        part = part_of(data, letters, sample, box)
    return Pixels((part.astype("int64") + int(zero)).astype(unsigned) if unsigned else part, None)


def _transform(header: Any) -> tuple[float, ...] | None:
    """Return the affine transform of a header's linear coordinates, from the corner of pixels, or None without them."""
    steps = [header.get(f"CDELT{axis}") for axis in (1, 2)]
    references = [header.get(key) for key in ("CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2")]
    numbers = [*steps, *references]
    matrix = [[header.get(f"CD{i}_{j}") for j in (1, 2)] for i in (1, 2)]
    if all(isinstance(value, (int, float)) for row in matrix for value in row):
        (a, b), (d, e) = matrix
        numbers = [1.0, 1.0, *references]
    else:
        turned = [[header.get(f"PC{i}_{j}", float(i == j)) for j in (1, 2)] for i in (1, 2)]
        if not all(isinstance(value, (int, float)) for value in (*steps, *turned[0], *turned[1])):
            return None
        (a, b), (d, e) = ([value * steps[i] for value in row] for i, row in enumerate(turned))
    if not all(isinstance(value, (int, float)) for value in numbers) or a * e == b * d:
        return None
    column, row, x, y = references
    # CRPIX counts the centre of the first pixel as 1, a transform its corner as 0.
    column, row = column - 0.5, row - 0.5
    return (float(a), float(b), float(x - a * column - b * row), float(d), float(e), float(y - d * column - e * row))


def _times(header: Any) -> tuple[str, ...]:
    """Return the time of acquisition, ISO 8601, where the header states one."""
    from datetime import datetime

    for key in TIMES:
        text = str(header.get(key, "")).strip()
        if key == "DATE-OBS" and re.fullmatch(r"\d{4}-\d\d-\d\d", text) and header.get("TIME-OBS"):
            text = f"{text}T{str(header['TIME-OBS']).strip()}"
        # HMI writes 2014.03.01_00:00:27_TAI.
        text = re.sub(r"^(\d{4})\.(\d\d)\.(\d\d)_", r"\1-\2-\3T", text).removesuffix("_TAI").removesuffix("Z")
        try:
            datetime.fromisoformat(text)
        except ValueError:
            continue
        return (text,)
    return ()


def _keywords(header: Any) -> dict[str, Any]:
    """Return the cards of a header by keyword; comments and history are in the header alone."""
    return {key: header[key] for key in header if key and key not in ("COMMENT", "HISTORY")}
