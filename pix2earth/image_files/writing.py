"""Writing of an image as a file in any format, with what its source states about place, time and instrument."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from pix2earth.image_files.image_file import ImageFile

WRITERS = {
    ".fits": "pix2earth.image_files.write_fits:write_fits",
    ".png": "pix2earth.image_files.write_png:write_png",
    ".npy": "pix2earth.image_files.write_npy:write_npy",
    ".tif": "pix2earth.image_files.write_geotiff:write_geotiff",
    ".nc": "pix2earth.image_files.write_netcdf:write_netcdf",
}
"""Ending of files -> "module:function" of what writes them."""
ALSO = {".tiff": ".tif", ".fts": ".fits", ".fit": ".fits", ".cdf": ".nc"}
"""Other endings of these formats."""
NOT_WRITTEN = (".jpg", ".jpeg", ".jp2", ".npz", ".zarr", ".gif", ".bmp", ".webp", ".h5", ".hdf", ".gz")
"""Endings of files, not of folders, that nothing writes."""
SUFFIX_OF = {
    "GeoTIFF": ".tif", "TIFF": ".tif", "JPEG 2000": ".tif", "PNG": ".png", "JPEG": ".png", "FITS": ".fits",
    "NPY": ".npy", "NPZ": ".npy", "NetCDF": ".nc", "Zarr": ".nc",
}  # fmt: skip
"""Ending of the files in which images go out that came in a format. JPEG loses values, hence PNG."""


@dataclasses.dataclass(frozen=True)
class NewImage:
    """An image to be written.

    Attributes:
        values: float32, (height, width, band) or (time step, height, width, band), physical values, NaN where missing.
        bands: their names.
        units: of the values; "" or "1" where they have none.
        source: the file that it was made from, whose place, time and header it inherits; None: there is none.
        factor: its pixels per pixel of the source, along each axis; below 1 where it is coarser.
        times: of acquisition, ISO 8601: one, or one for each time step; empty where they are not known.
        limits: lowest and highest value of the range that an image of integers shows, one or one for each band; None:
            those of the values.
        made_by: what made it, by name: the run, the step.
        history: sentences on what made it, for headers that people read.
        about_bands: further statements on each band by name.
    """

    values: np.ndarray
    bands: Sequence[str]
    units: str = ""
    source: ImageFile | None = None
    factor: float = 1
    times: Sequence[str] = ()
    limits: tuple[Sequence[float], Sequence[float]] | None = None
    made_by: Mapping[str, str] = dataclasses.field(default_factory=dict)
    history: Sequence[str] = ()
    about_bands: Sequence[Mapping[str, str]] = ()

    @property
    def transform(self) -> tuple[float, ...] | None:
        """a, b, c, d, e, f from (column, row) to coordinates; None where the source states none."""
        if self.source is None or self.source.transform is None:
            return None
        a, b, c, d, e, f = self.source.transform
        return a / self.factor, b / self.factor, c, d / self.factor, e / self.factor, f

    @property
    def crs(self) -> str | None:
        """That of the source."""
        return self.source.crs if self.source else None

    @property
    def time_steps(self) -> int | None:
        """Number of time steps; None without that axis."""
        return len(self.values) if self.values.ndim == 4 else None


def write_image_file(path: Path, image: NewImage) -> None:
    """Write an image in the format that the ending of its name states; the file is replaced as a whole.

    Raises:
        UserError: no format has this ending, or the format cannot hold the image.
        OSError: it cannot be written.
    """
    suffix = ALSO.get(path.suffix.lower(), path.suffix.lower())
    if suffix not in WRITERS:
        raise UserError(f"{path}: '{path.suffix}' is no ending of a format that is written: {', '.join(WRITERS)}")
    module, function = WRITERS[suffix].split(":")
    getattr(importlib.import_module(module), function)(path, image)
