"""Readers of satellite products, used by ``preprocessing`` and by georeferenced inference.

Each product has one module (``sentinel2``, ``sentinel3``, ``hls``). Its bands, calibration, file names and metadata
elements are tables at the top of the module (for Sentinel-2 of ``sentinel2_layout``). Readers return physical values:
reflectance (1) and radiance (mW m-2 sr-1 nm-1). A new sensor is one more module; where it has a function ``granule``,
as ``hls`` has, its products are inputs of ``predict.py``. It is built on these:

=================== ==========================================================================
module              content
=================== ==========================================================================
locating            finding products below a folder
archives            the files of a product in a folder or .zip
product_xml         metadata in XML
image_grids         opening images, and resampling them onto another grid
netcdf_variables    opening variables of untrusted netCDF files
swath_files         windows of the netCDF files of a swath
collocation         the swath pixel at each pixel of a map grid
footprints          the ground of a tile, and the share of a scene that a frame covers
vector_masks        polygons of KML and other vector files, projected to a scene's grid
lexicon             what is known of bands by their names: wavelength, quantity, unit (``bands.yaml``)
=================== ==========================================================================
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np


class GranuleReader(Protocol):
    """One product on a map grid, as a module of a sensor opens it.

    Attributes:
        path: of its folder or file.
        name: for messages.
        crs: rasterio's CRS.
        transform: from (column, row) to coordinates.
        size: (height, width) in pixels.
        acquired: time of acquisition (UTC).
        has_clouds: whether it states where clouds are.
    """

    path: Path
    name: str
    crs: Any
    transform: Any
    size: tuple[int, int]
    acquired: datetime
    has_clouds: bool

    def named(self, bands: Sequence[str]) -> list[str]:
        """Return the product's own names of bands of a dataset, which may have other ones.

        Raises:
            UserError: it lacks one.
        """

    def remark(self, bands: Sequence[str]) -> str:
        """Return what a user should know of these names of bands, in one line, or an empty text."""

    def read(self, bands: Sequence[str], row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return physical values of a window, float64 ``(height, width, band)``, NaN where nothing was measured.

        Raises:
            UserError: a band is missing, or its file damaged.
        """

    def clouds(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return where the ground is hidden by clouds or shadows, or not measured, bool ``(height, width)``.

        Raises:
            UserError: the file is damaged.
        """


def granule_at(path: Path) -> GranuleReader | None:
    """Return the product at a path, opened by the first module of this package that knows it, or None.

    A module knows products by its function ``granule(path)``, which returns None for all else.

    Raises:
        UserError: it is such a product and cannot be read.
    """
    for module in pkgutil.iter_modules(__path__):
        opened = getattr(importlib.import_module(f"{__name__}.{module.name}"), "granule", None)
        if opened is not None and (found := opened(path)) is not None:
            return found
    return None
