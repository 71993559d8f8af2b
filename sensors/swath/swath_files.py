"""Read windows of the netCDF files of an OLCI product, decoded by their attributes.

h5py reads the windows; xarray decodes them, because it handles scale, offset, fill and ``_Unsigned``. xarray does not
open the files itself: it reads every variable's attributes each time and warns of the one in instrument_data.nc that
has a dimension twice, and a file that h5netcdf cannot open leaves a traceback on stderr when it is garbage-collected.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pix2earth.settings.errors import UserError
from sensors.archives import Members
from sensors.swath.netcdf_variables import open_variable

if TYPE_CHECKING:
    import h5py
    import numpy as np

PACKING = ("scale_factor", "add_offset", "_FillValue", "_Unsigned")
"""The attributes that describe how numbers are stored."""


class SwathFiles:
    """The arrays of a frame, or of a rectangle of it, which then caches the arrays that it has read."""

    def __init__(self, members: Members, frame_size: tuple[int, int], tie_step: int) -> None:
        """Cover the whole frame.

        Args:
            members: the product's files.
            frame_size: (rows, columns) of the frame.
            tie_step: number of columns from one tie point to the next.
        """
        self._members, self._frame_size, self._tie_step = members, frame_size, tie_step
        self._rows, self._columns = slice(0, frame_size[0]), slice(0, frame_size[1])
        self._cache: dict[tuple[str, str, bool], np.ndarray] | None = None

    def __contains__(self, file: str) -> bool:
        """Return whether the product has a file."""
        return file in self._members

    @property
    def is_part(self) -> bool:
        """Whether this is a rectangle that caches the arrays that it has read."""
        return self._cache is not None

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns) of the frame, or of its part."""
        return self._rows.stop - self._rows.start, self._columns.stop - self._columns.start

    def part(self, rows: slice, columns: slice) -> SwathFiles:
        """Return a rectangle that caches its arrays; ``rows`` and ``columns`` count from the corner of this one."""
        inner = copy.copy(self)
        inner._rows, inner._columns = self.within_frame(rows, columns)
        inner._cache = {}
        return inner

    def within_frame(self, rows: slice | None, columns: slice | None) -> tuple[slice, slice]:
        """Return slices of this part (None: all) as slices of the frame."""
        return _within(self._rows, rows), _within(self._columns, columns)

    def decoded(self, file: str, variable: str, rows: slice | None, columns: slice | None) -> np.ndarray:
        """Return a window of a variable with a value for every pixel, in physical units, NaN where fill.

        Raises:
            UserError: the file is missing or damaged.
        """
        return self._window(file, variable, rows, columns, True)

    def stored(self, file: str, variable: str, rows: slice | None, columns: slice | None) -> np.ndarray:
        """Return a window of a variable with a value for every pixel, as it is stored, for bits and indices.

        Raises:
            UserError: the file is missing or damaged.
        """
        return self._window(file, variable, rows, columns, False)

    def tie_points(self, file: str, variable: str, rows: slice | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the columns of the tie points, and a variable at the tie points, float64 (rows, tie columns).

        Columns count from the corner of the frame; the last tie point may lie beyond the last column.

        Raises:
            UserError: the file is missing or damaged.
        """
        import numpy as np

        shape = (self._frame_size[0], None)
        values = self._read(file, variable, (self.within_frame(rows, None)[0], slice(None)), shape=shape)
        return np.arange(values.shape[1]) * self._tie_step, values.astype(np.float64)

    def table(self, file: str, variable: str, rows: int) -> np.ndarray:
        """Return a whole variable that is no image, float64 (rows, columns), NaN where fill.

        Raises:
            UserError: the file is missing or damaged.
        """
        import numpy as np

        return self._read(file, variable, ..., shape=(rows, None)).astype(np.float64)

    def attribute(self, file: str, variable: str, name: str) -> Any:
        """Return an attribute of a variable.

        Raises:
            UserError: the file is missing or damaged, or there is no such attribute.
        """
        with self._variable(file, variable) as opened:
            value = _attribute(opened, name)
        if value is None:
            raise UserError(f"{self._members.label(file)}: {variable} has no {name}; download the product again")
        return value

    def _window(self, file: str, variable: str, rows: slice | None, columns: slice | None, decode: bool) -> np.ndarray:
        """Return a window, from the cache where this is a part."""
        if self._cache is None:
            return self._read(file, variable, self.within_frame(rows, columns), decode, shape=self._frame_size)
        key = (file, variable, decode)
        if key not in self._cache:
            self._cache[key] = self._read(file, variable, (self._rows, self._columns), decode, shape=self._frame_size)
        return self._cache[key][rows or slice(None), columns or slice(None)]

    def _read(
        self, file: str, variable: str, key: Any, decode: bool = True, *, shape: tuple[int | None, ...]
    ) -> np.ndarray:
        """Return ``variable[key]``; the variable must have this shape (None: any length)."""
        from xarray import Variable
        from xarray.conventions import decode_cf_variable

        with self._variable(file, variable) as opened:
            if not _fits(opened.shape, shape):
                label, expected = self._members.label(file), " x ".join(str(length or "any") for length in shape)
                raise UserError(
                    f"{label}: {variable} has {' x '.join(map(str, opened.shape))} pixels, the manifest states"
                    f" {expected}; download the product again"
                )
            numbers = opened[key]
            if not decode:
                return numbers
            packing = {name: value for name in PACKING if (value := _attribute(opened, name)) is not None}
            return decode_cf_variable(
                variable, Variable(range(numbers.ndim), numbers, packing), decode_times=False
            ).values

    @contextmanager
    def _variable(self, file: str, variable: str) -> Iterator[h5py.Dataset]:
        """Open a file and yield a variable of it; errors while it is open become a UserError that names the file."""
        import h5py

        source, label = self._members.netcdf(file), self._members.label(file)
        try:
            # Network file systems cannot lock, and a file that another program has open is as good.
            with h5py.File(source, "r", locking=False) as opened:
                yield open_variable(opened, variable, label)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{label}: is damaged or no netCDF file ({error}); download the product again") from None


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    """Return whether a shape is the expected one, where None stands for any length."""
    return len(shape) == len(expected) and all(
        length in (None, actual) for actual, length in zip(shape, expected, strict=True)
    )


def _attribute(variable: h5py.Dataset, name: str) -> Any:
    """Return an attribute as a string, a number or an array; None where it does not exist."""
    value = variable.attrs.get(name)
    if getattr(value, "shape", None) == (1,):
        value = value[0]
    return value.decode() if isinstance(value, bytes) else value


def _within(outer: slice, inner: slice | None) -> slice:
    """Return the slice of the frame that ``inner``, counted from the start of ``outer``, selects."""
    start, stop, _ = (inner or slice(None)).indices(outer.stop - outer.start)
    return slice(outer.start + start, outer.start + max(start, stop))
