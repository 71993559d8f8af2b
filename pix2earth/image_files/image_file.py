"""What a file of images holds: its pixels as stored, and what it states about them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import numpy as np

LETTERS = "NTHWC"
"""Letters of axes in the order of arrays: sample, time step, height, width, band."""
SUPPORTED = ("uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "float16", "float32", "float64")


class Box(NamedTuple):
    """A window of an image in pixels."""

    row: int
    column: int
    height: int
    width: int


class Pixels(NamedTuple):
    """Pixels as stored, and where they are measured.

    Attributes:
        array: (height, width, band) or (time step, height, width, band), in native byte order.
        mask: bool (height, width), True where measured, as an alpha band or a mask of the file states; None: the file
            has neither. Nodata and NaN are in ``array``.
    """

    array: np.ndarray
    mask: np.ndarray | None


Loader = Callable[[int | None, Box | None], Pixels]


@dataclasses.dataclass(frozen=True)
class ImageFile:
    """A file of images. What it states is known; pixels are read when they are asked for, and then kept.

    Physical values are ``array * scale + offset``.

    Attributes:
        path: of the file, or of the folder of a Zarr store.
        format: such as "GeoTIFF", "PNG" or "FITS".
        axes: letters of ``LETTERS`` that the pixels have: "HWC", "THWC", and with "N" before them where the file holds
            several samples.
        shape: number of elements along ``axes``.
        dtype: name of the type of the stored numbers, one of ``SUPPORTED``.
        load: reads pixels; use ``read``.
        bands: their names; None where the file names none.
        nodata: stored number of pixels without a measurement; NaN always is one.
        scale: physical value of a step of the stored numbers.
        offset: physical value of the stored number 0.
        units: of the physical values; "" where it is not stated.
        crs: as "EPSG:32618" or WKT; None where there is none.
        transform: a, b, c, d, e, f from (column, row) to coordinates (x = a*column + b*row + c); None: not stated.
        times: of acquisition, ISO 8601: one, or one for each time step; empty where they are not known.
        keywords: other statements by their names: tags, text, attributes, the cards of a FITS header.
        header: the ``astropy.io.fits.Header`` of a FITS image; else None.
    """

    path: Path
    format: str
    axes: str
    shape: tuple[int, ...]
    dtype: str
    load: Loader = dataclasses.field(repr=False, compare=False)
    bands: tuple[str, ...] | None = None
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    units: str = ""
    crs: str | None = None
    transform: tuple[float, ...] | None = None
    times: tuple[str, ...] = ()
    keywords: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    header: Any = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.shape[self.axes.index("H")], self.shape[self.axes.index("W")]

    @property
    def band_count(self) -> int:
        """Number of bands."""
        return self.shape[self.axes.index("C")]

    @property
    def time_steps(self) -> int | None:
        """Number of time steps; None without that axis."""
        return self.shape[self.axes.index("T")] if "T" in self.axes else None

    @property
    def samples(self) -> int | None:
        """Number of samples; None where the file holds one image or series."""
        return self.shape[0] if self.axes.startswith("N") else None

    def read(self, box: Box | None = None, sample: int | None = None) -> Pixels:
        """Return the pixels of a window, or all.

        Args:
            box: the window, inside of the image.
            sample: index of the sample, in a file with several.

        Raises:
            UserError: the file is damaged, or it holds several samples and ``sample`` does not choose one.
        """
        if self.samples is not None and (sample is None or not 0 <= sample < self.samples):
            raise UserError(f"{self.path}: holds {self.samples} samples, from 0 on; there is no sample {sample}")
        return self.load(sample, box)

    @functools.cached_property
    def pixels(self) -> Pixels:
        """All pixels; see ``read``."""
        return self.read()

    @property
    def array(self) -> np.ndarray:
        """All pixels as stored, (height, width, band) or (time step, height, width, band); see ``read``."""
        return self.pixels.array

    @property
    def mask(self) -> np.ndarray | None:
        """Where pixels are measured by an alpha band or mask of the file, bool (height, width), or None."""
        return self.pixels.mask

    def missing(self, pixels: Pixels) -> np.ndarray:
        """Return where pixels of this file are no measurement: nodata, NaN, or hidden; bool, the shape of the array."""
        import numpy as np

        array = pixels.array
        found = ~np.isfinite(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
        if self.nodata is not None:
            found |= array == self.nodata
        if pixels.mask is not None:
            found |= ~pixels.mask[..., None]
        return found


def supported(dtype: np.dtype, path: Path) -> str:
    """Return the name of a type of numbers, in native byte order; truth values are stored as uint8.

    Raises:
        UserError: such numbers are not supported.
    """
    name = dtype.newbyteorder("=").name
    if name == "bool":
        return "uint8"
    if name not in SUPPORTED:
        remedy = (
            "save amplitude or real part" if dtype.kind == "c" else f"convert them to one of {', '.join(SUPPORTED)}"
        )
        raise UserError(f"{path}: holds numbers of type {name}; {remedy}")
    return name


def checked_axes(axes: str | None, default: str, dimensions: int, path: Path) -> str:
    """Return the letters of an array's axes in its own order.

    Args:
        axes: as the user states them; None: ``default``.
        default: for this format.
        dimensions: of the array.
        path: for messages.

    Raises:
        UserError: they do not fit the array.
    """
    letters = default if axes is None else axes.upper()
    if len(letters) != dimensions:
        stated = f"axes {letters} name {len(letters)}" if letters else "no layout of them is known"
        raise UserError(f"{path}: holds an array of {dimensions} dimensions; {stated}; state axes, such as NHWC")
    if set(letters) - set(LETTERS) or len(set(letters)) != len(letters) or not {"H", "W"} <= set(letters):
        raise UserError(
            f"{path}: axes {letters}: must be different letters of N (sample), T (time step), H, W and C (band), with H"
            " and W"
        )
    return letters


def arranged_shape(shape: tuple[int, ...], letters: str) -> tuple[str, tuple[int, ...]]:
    """Return axes and shape of an array in the order of ``LETTERS``, with one band where it has no axis of bands."""
    sizes = dict(zip(letters, map(int, shape), strict=True))
    sizes.setdefault("C", 1)
    axes = "".join(letter for letter in LETTERS if letter in sizes)
    return axes, tuple(sizes[letter] for letter in axes)


def part_of(array: Any, letters: str, sample: int | None, box: Box | None) -> np.ndarray:
    """Return a part of an array that may lie on the disk, (height, width, band) or with time steps before them.

    Args:
        array: anything that is indexed as NumPy arrays are.
        letters: its axes.
        sample: index along N.
        box: window along H and W.
    """
    import numpy as np

    index: list[Any] = []
    for letter in letters:
        if letter == "N":
            index.append(sample)
        elif box and letter in "HW":
            start, length = (box.row, box.height) if letter == "H" else (box.column, box.width)
            index.append(slice(start, start + length))
        else:
            index.append(slice(None))
    part = np.asarray(array[tuple(index)])
    left = letters.replace("N", "")
    if "C" not in left:
        part, left = part[..., None], f"{left}C"
    part = part.transpose([left.index(letter) for letter in LETTERS if letter in left])
    native = part.astype("uint8") if part.dtype == bool else part.astype(part.dtype.newbyteorder("="), copy=False)
    return np.ascontiguousarray(native)
