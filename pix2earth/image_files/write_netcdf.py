"""NetCDF by xarray, after the CF conventions: a variable for each band, with the axes time, y and x."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import numpy as np

from pix2earth.image_files.writing import NewImage
from pix2earth.settings import atomic


def write_netcdf(path: Path, image: NewImage) -> None:
    """Write an image as NetCDF, NaN where missing; arguments as of ``write_image_file``.

    Coordinates are centres of pixels where the source has a transform without rotation; a CRS is the variable
    ``spatial_ref``, as GDAL and rioxarray read it. A series has the coordinate ``time`` where all its times are known.
    """
    import xarray

    axes = ("time", "y", "x") if image.time_steps else ("y", "x")
    about = {"units": image.units} if image.units else {}
    about |= {"grid_mapping": "spatial_ref"} if image.crs else {}
    names = variable_names(image.bands)
    known = [*image.about_bands, *[{}] * len(names)]
    variables = {
        name: (
            axes,
            np.asarray(image.values[..., number], np.float32),
            {**about, **_lower(known[number]), "band": band},
        )
        for number, (name, band) in enumerate(zip(names, image.bands, strict=True))
    }
    made_by = {name.lower(): text for name, text in image.made_by.items()}
    dataset = xarray.Dataset(
        variables,
        coords=_coordinates(image),
        attrs={"Conventions": "CF-1.10", **made_by, "history": "\n".join(image.history)},
    )
    encoding: dict[str, Any] = {
        name: {"zlib": True, "complevel": 1, "_FillValue": np.float32(np.nan)} for name in names
    }
    if "time" in dataset.coords:
        encoding["time"] = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    with atomic.replacing(path) as temporary:
        dataset.to_netcdf(temporary, engine="h5netcdf", encoding=encoding)


def variable_names(bands: Any) -> list[str]:
    """Return a name for the variable of each band: letters, digits and "_", beginning with a letter, all different."""
    names: list[str] = []
    for band in bands:
        name = re.sub(r"\W", "_", str(band)) or "band"
        name = name if name[0].isalpha() else f"band_{name}"
        names.append(name if name not in (*names, "time", "x", "y", "spatial_ref") else f"{name}_{len(names) + 1}")
    return names


def _lower(statements: Any) -> dict[str, str]:
    return {name.lower(): text for name, text in statements.items() if name != "UNIT"}


def _coordinates(image: NewImage) -> dict[str, Any]:
    """Return the coordinates that are known."""
    found: dict[str, Any] = {}
    if image.time_steps and len(image.times) == image.time_steps:
        found["time"] = ("time", np.array([_utc(time) for time in image.times], "datetime64[ns]"))
    height, width = image.values.shape[-3:-1]
    kinds = _axes_of(image.crs)
    if image.transform is not None:
        a, b, c, d, e, f = image.transform
        if b == d == 0:
            found["x"] = ("x", c + a * (np.arange(width) + 0.5), kinds["x"])
            found["y"] = ("y", f + e * (np.arange(height) + 0.5), kinds["y"])
        if image.crs:
            numbers = " ".join(repr(float(number)) for number in (c, a, b, f, d, e))
            found["spatial_ref"] = ((), 0, {"crs_wkt": _wkt(image.crs), "GeoTransform": numbers})
    elif image.crs:
        found["spatial_ref"] = ((), 0, {"crs_wkt": _wkt(image.crs)})
    return found


def _axes_of(crs: str | None) -> dict[str, dict[str, str]]:
    """Return the CF attributes of the coordinates of a CRS."""
    from rasterio.crs import CRS

    if crs is None:
        return {"x": {}, "y": {}}
    if CRS.from_user_input(crs).is_geographic:
        return {
            "x": {"standard_name": "longitude", "units": "degrees_east"},
            "y": {"standard_name": "latitude", "units": "degrees_north"},
        }
    return {axis: {"standard_name": f"projection_{axis}_coordinate", "units": "m"} for axis in "xy"}


def _wkt(crs: str) -> str:
    from rasterio.crs import CRS

    return str(CRS.from_user_input(crs).to_wkt())


def _utc(time: str) -> np.datetime64:
    """Return a time of ISO 8601 in UTC; one without a zone is UTC."""
    moment = datetime.datetime.fromisoformat(time)
    if moment.tzinfo is not None:
        moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(moment, "ns")
