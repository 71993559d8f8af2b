"""Variables of NetCDF files and Zarr stores by xarray, as stored, with the coordinates that they have."""

from __future__ import annotations

import functools
import warnings
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
    supported,
)
from pix2earth.settings.errors import UserError, nearest

DIMENSIONS = {
    "N": ("n", "sample", "samples", "item", "index", "patch", "tile"),
    "T": ("t", "time", "date", "dates", "times"),
    "H": ("y", "lat", "latitude", "row", "rows", "height", "h"),
    "W": ("x", "lon", "longitude", "column", "columns", "width", "w"),
    "C": ("band", "bands", "channel", "channels", "c", "wavelength"),
}
"""Names of dimensions, in small letters, by the axes that they are."""
OTHERWISE = {2: "HW", 3: "CHW", 4: "TCHW", 5: "NTCHW"}
"""Axes of variables whose dimensions have other names; a Zarr array without names has those of NPY."""


def read_variables(path: Path, kind: str, names: Sequence[str], axes: str | None) -> ImageFile:
    """Return one variable, or several of one shape as bands; see ``read_image_file``.

    Scale, offset and fill value are those that the file states by the CF conventions.

    Raises:
        UserError: the file is damaged, or has no such variables.
    """
    with _opened(path, kind) as dataset:
        names = _chosen(path, dataset, names)
        variables = [dataset[name] for name in names]
        first = variables[0]
        for other in variables[1:]:
            if (other.dims, other.shape, _numbers(other)) != (first.dims, first.shape, _numbers(first)):
                raise UserError(f"{path}: {other.name} has another shape, type or scale than {first.name}")
        letters = checked_axes(axes, _letters(first), first.ndim, path)
        if len(names) > 1 and "C" in letters:
            raise UserError(f"{path}: {first.name} has bands already; name one variable, not {len(names)}")
        arranged, shape = arranged_shape(first.shape, letters)
        crs, transform = _place(dataset, first, letters)
        stated: dict[str, Any] = {
            "bands": _bands(first, letters, names), "nodata": _nodata(first),
            "scale": float(first.attrs.get("scale_factor", 1)), "offset": float(first.attrs.get("add_offset", 0)),
            "units": str(first.attrs.get("units", "")), "crs": crs, "transform": transform,
            "times": _times(first, letters),
            "keywords": {key: str(value) for key, value in {**dataset.attrs, **first.attrs}.items()},
        }  # fmt: skip
        dtype = supported(first.dtype, path)
    shape = (*shape[:-1], shape[-1] * len(names))
    return ImageFile(path, kind, arranged, shape, dtype, functools.partial(_load, path, kind, names, letters), **stated)


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[Any]:
    """Open a file or store as an ``xarray.Dataset`` with its numbers as stored.

    Raises:
        UserError: it is damaged, also where that is found inside of the block.
    """
    import xarray

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Scale and fill value are not applied: the numbers stay as stored.
            if kind == "Zarr":
                opened = _zarr(path)
            else:
                with path.open("rb") as file:
                    classic = file.read(3) == b"CDF"
                # Network file systems cannot lock, and a file that another program has open is as good.
                options: dict[str, Any] = (
                    {"engine": "scipy"} if classic else {"engine": "h5netcdf", "driver_kwds": {"locking": False}}
                )
                opened = xarray.open_dataset(path, mask_and_scale=False, **options)
            with opened as dataset:
                yield dataset
    except UserError:
        raise
    # These libraries raise errors of any kind for damaged files, some of them only they have.
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(f"{path}: is a damaged {kind} {'store' if kind == 'Zarr' else 'file'} ({reason})") from None


def _zarr(path: Path) -> Any:
    """Return a Zarr store as a dataset; a single array without names of dimensions becomes the variable "array"."""
    import xarray
    import zarr

    node = zarr.open(path, mode="r")
    if isinstance(node, zarr.Array):
        return xarray.Dataset({"array": ([f"axis{axis}" for axis in range(node.ndim)], node)})
    try:
        return xarray.open_zarr(path, mask_and_scale=False, consolidated=None, chunks=None)
    except (KeyError, ValueError, TypeError):  # arrays of a group that xarray has not written have no such names
        arrays = dict(node.arrays())
        return xarray.Dataset(
            {name: ([f"{name}{axis}" for axis in range(one.ndim)], one) for name, one in arrays.items()}
        )


def _chosen(path: Path, dataset: Any, names: Sequence[str]) -> list[str]:
    """Return the names of variables.

    Raises:
        UserError: there is no such variable, or none is named and there is not exactly one.
    """
    images = [str(name) for name, one in dataset.data_vars.items() if one.ndim >= 2 and one.dtype.kind in "biufc"]
    for name in names:
        if name not in dataset.variables:
            raise UserError(f"{path}: has no variable '{name}'{nearest(name, images)}")
    if names:
        return list(names)
    if len(images) != 1:
        found = f"several variables: {', '.join(images)}; name one (variable)" if images else "no variable of an image"
        raise UserError(f"{path}: has {found}")
    return images


def _letters(variable: Any) -> str:
    """Return the axes of a variable by the names of its dimensions, or as is usual where they say nothing."""
    found = []
    for name in variable.dims:
        plain = str(name).lower()
        found.append(next((letter for letter, names in DIMENSIONS.items() if plain in names), "?"))
    letters = "".join(found)
    # One dimension of any other name beside height and width is that of the bands.
    if letters.count("?") == 1 and "C" not in letters:
        letters = letters.replace("?", "C")
    if "?" not in letters and {"H", "W"} <= set(letters):
        return letters
    unnamed = all(str(name)[-1:].isdigit() for name in variable.dims)
    return {2: "HW", 3: "HWC", 4: "THWC"}.get(variable.ndim, "") if unnamed else OTHERWISE.get(variable.ndim, "")


def _numbers(variable: Any) -> tuple[Any, ...]:
    keys = ("scale_factor", "add_offset", "_FillValue", "missing_value")
    # As text, because a fill value that is NaN equals no other.
    return (variable.dtype, *(str(variable.attrs.get(key)) for key in keys))


def _nodata(variable: Any) -> float | None:
    """Return the fill value, None where there is none or it is NaN."""
    for key in ("_FillValue", "missing_value"):
        value = variable.attrs.get(key, variable.encoding.get(key))
        if value is not None:
            number = float(value)
            return None if number != number else number
    return None


def _bands(variable: Any, letters: str, names: Sequence[str]) -> tuple[str, ...] | None:
    """Return names of bands: those of several variables, or the coordinate of the bands."""
    if "C" not in letters:
        return tuple(names)
    dimension = variable.dims[letters.index("C")]
    coordinate = variable.coords.get(dimension)
    return None if coordinate is None else tuple(str(value) for value in coordinate.values)


def _times(variable: Any, letters: str) -> tuple[str, ...]:
    """Return the times of the steps, or of the image, from the coordinate of time."""
    import numpy as np

    name = variable.dims[letters.index("T")] if "T" in letters else "time"
    coordinate = variable.coords.get(name)
    if coordinate is None or coordinate.dtype.kind != "M":
        return ()
    return tuple(str(time) for time in np.atleast_1d(coordinate.values.astype("datetime64[s]")))


def _place(dataset: Any, variable: Any, letters: str) -> tuple[str | None, tuple[float, ...] | None]:
    """Return CRS and transform, None each where the file does not state it or its coordinates are not regular."""
    import numpy as np

    y, x = (variable.coords.get(variable.dims[letters.index(letter)]) for letter in "HW")
    if y is None or x is None or min(y.size, x.size) < 2 or {y.dtype.kind, x.dtype.kind} - set("iuf"):
        return None, None
    steps = [np.diff(one.values.astype(np.float64)) for one in (x, y)]
    if any(not np.allclose(step, step[0], rtol=1e-3) or step[0] == 0 for step in steps):
        return None, None
    across, down = (float((one.values[-1] - one.values[0]) / (one.size - 1)) for one in (x, y))
    transform = (across, 0.0, float(x.values[0]) - across / 2, 0.0, down, float(y.values[0]) - down / 2)
    mapping = dataset.variables.get(variable.attrs.get("grid_mapping", variable.encoding.get("grid_mapping", "")))
    attributes = mapping.attrs if mapping is not None else {}
    text = attributes.get("crs_wkt") or attributes.get("spatial_ref") or variable.attrs.get("crs")
    if not text and str(x.name).lower() in ("lon", "longitude"):
        text = "EPSG:4326"
    return _crs(text), transform


def _crs(text: Any) -> str | None:
    """Return a CRS as "EPSG:32618" or WKT, None where the text is none."""
    from rasterio.crs import CRS
    from rasterio.errors import CRSError

    if not text:
        return None
    try:
        crs = CRS.from_user_input(str(text))
    except CRSError:
        return None
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else crs.to_wkt()


def _load(path: Path, kind: str, names: Sequence[str], letters: str, sample: int | None, box: Box | None) -> Pixels:
    import numpy as np

    with _opened(path, kind) as dataset:
        # The variable's own array, which is read where it is indexed.
        parts = [part_of(dataset[name].variable, letters, sample, box) for name in names]
    return Pixels(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1), None)
