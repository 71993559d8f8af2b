"""Sentinel-2 products as scenes, and Sentinel-3 OLCI products resampled to their grid window by window."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from affine import Affine
from rasterio.windows import Window

from experiment import Experiment
from pix2earth.mapping.geometry import Geometry, geometry_of
from pix2earth.mapping.scene import Scene, as_stored
from pix2earth.mapping.sources import Source
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError
from sensors.collocation import Collocation, part_near
from sensors.locating.finding import is_product_folder
from sensors.sentinel2 import Safe
from sensors.sentinel2_layout import KIND, band_name
from sensors.sentinel3 import Sen3

RESOLUTIONS = (10, 20, 60)
OLCI_BAND = re.compile(r"Oa\d\d")


def is_product(path: Source) -> TypeGuard[Path]:
    """Return whether a source looks like a Sentinel-2 product: a SAFE folder or a .zip."""
    if not isinstance(path, Path):
        return False
    if path.is_dir():
        return path.suffix.upper() == ".SAFE" or is_product_folder(path, KIND)
    return path.suffix.lower() == ".zip"


def open_product(
    path: Path, swath: Path | None, source: Field, experiment: Experiment, *, degrade: bool
) -> tuple[Scene, Geometry]:
    """Open a product as the input of a network, or as one time step of it.

    Args:
        path: SAFE folder or .zip.
        swath: SEN3 folder or .zip, for networks that read OLCI; else None.
        source: the dataset's input field, or one time step of it.
        experiment: of the trained run.
        degrade: average the pixels; always done where the input is coarser than the target.

    Returns:
        The scene, and the geometry of the network's windows.

    Raises:
        UserError: a product cannot be read, lacks bands, or does not fit the network.
    """
    manifest = experiment.manifest
    target = manifest.fields[manifest.target]
    if source.time_steps:
        raise UserError(
            f"--input {path}: is one time step, and the network reads {source.time_steps}: name as many products in"
            " their order, a dataset, or a GeoTIFF with the bands of all time steps"
        )
    olci = all(OLCI_BAND.fullmatch(band) for band in source.bands)
    if olci and swath is None:
        raise UserError(f"--input {path}: the network reads OLCI ({source.bands[0]}, ...); name its product by --s3")
    if not olci and swath is not None:
        raise UserError(f"--s3 {swath}: the network reads {', '.join(source.bands)} and no band of OLCI; leave it out")
    coarser = manifest.degradation is not None or bool(source.gsd and target.gsd and source.gsd > target.gsd)
    geometry = geometry_of(experiment, degrade=degrade or (coarser and not manifest.reduced and not olci))
    resolution = _resolution(path, geometry.pixel or RESOLUTIONS[0])
    safe = Safe.open(path)
    for remark in safe.remarks:
        print(remark)
    summary = f"{safe.name}: {safe.level} of {safe.sensing_time:%Y-%m-%d %H:%M}"
    scene = ReflectanceScene(safe, source, resolution)
    if swath is None:
        scene.check_bands()
        print(f"{summary}, {', '.join(source.bands)}")
        return scene, geometry
    sen3 = Sen3.open(swath)
    radiance = RadianceScene(scene, sen3, source)
    hours = abs(sen3.start - safe.sensing_time).total_seconds() / 3600
    print(f"{summary}, the grid")
    print(f"{sen3.name}: {hours:.1f} hours apart, {', '.join(source.bands)}")
    return radiance, geometry


def open_guide(path: Path, name: str, experiment: Experiment, geometry: Geometry) -> ReflectanceScene:
    """Open the guide of a network in the product that is its input.

    Args:
        path: SAFE folder or .zip.
        name: of the guide's field.
        experiment: of the trained run.
        geometry: of the network's windows.

    Raises:
        UserError: the product lacks bands, or is not read at the guide's pixel size.
    """
    field = experiment.manifest.fields[name]
    scene = ReflectanceScene(Safe.open(path), field, _resolution(path, (field.gsd or 0) / geometry.reduced))
    scene.check_bands()
    print(f"{scene.name}: {', '.join(field.bands)}, the {name}")
    return scene


def _resolution(path: Path, metres: float) -> int:
    """Return a pixel size as one at which products are read.

    Raises:
        UserError: they are not.
    """
    if int(metres) not in RESOLUTIONS:
        raise UserError(
            f"--input {path}: the network was trained for pixels of {metres:g} m; products are read at"
            f" {', '.join(map(str, RESOLUTIONS))} m: prepare a GeoTIFF"
        )
    return int(metres)


class ReflectanceScene:
    """The reflectance of a Sentinel-2 product as a scene."""

    def __init__(self, safe: Safe, field: Field, resolution: int) -> None:
        """Prepare to read a product.

        Args:
            safe: the open product.
            field: the dataset's input field, which states bands and scaling.
            resolution: 10, 20 or 60 metres.
        """
        self.safe, self.field, self.resolution = safe, field, resolution
        factor = resolution / 10
        self.name, self.crs = safe.name, safe.crs
        self.size = (int(safe.size[0] / factor), int(safe.size[1] / factor))
        self.transform = safe.transform @ Affine.scale(factor)
        self.tags = {"ACQUIRED": safe.sensing_time.isoformat()}

    def check_bands(self) -> None:
        """Check that the product has the bands of the field.

        Raises:
            UserError: it lacks some.
        """
        missing = [band for band in self.field.bands if band_name(band) not in self.safe.bands]
        if missing:
            raise UserError(f"{self.safe.path}: lacks {', '.join(missing)}; it has {', '.join(self.safe.bands)}")

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``."""
        window = Window(column, row, width, height)
        resampling = "nearest" if self.resolution == RESOLUTIONS[0] else "average"
        return as_stored(self.safe.read(self.field.bands, window, self.resolution, resampling), self.field)

    def identity(self) -> dict[str, Any]:
        """Return the product and the resolution, for JSON."""
        return {"safe": str(self.safe.path.resolve()), "resolution": self.resolution}


class RadianceScene:
    """The radiance of OLCI as a scene on the grid of a Sentinel-2 product, by nearest neighbour."""

    def __init__(self, grid: ReflectanceScene, sen3: Sen3, field: Field) -> None:
        """Read the part of the swath that covers the grid.

        Args:
            grid: the Sentinel-2 product.
            sen3: the OLCI product.
            field: the dataset's input field.

        Raises:
            UserError: the products do not overlap, or a band is missing.
        """
        missing = [band for band in field.bands if band not in sen3.bands]
        if missing:
            raise UserError(f"{sen3.path}: lacks {', '.join(missing)}")
        self.name, self.crs, self.size, self.transform = grid.name, grid.crs, grid.size, grid.transform
        self.grid, self.sen3, self.field = grid, sen3, field
        swath = part_near(sen3, self.crs, self.transform, self.size)
        if swath is None:
            raise UserError(f"--s3 {sen3.path}: does not overlap {grid.name}; name one of the same place and time")
        self.swath = swath
        self.tags = {**grid.tags, "ACQUIRED_S3": sen3.start.isoformat()}

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``. Pixels that the product flags as invalid are NaN, as in the datasets."""
        transform = self.transform @ Affine.translation(column, row)
        collocation = Collocation(self.swath, self.crs, transform, (height, width))
        bands = [collocation.take(partial(self.swath.radiance, band)) for band in self.field.bands]
        radiance = np.stack(bands, axis=-1)
        radiance[(collocation.take(self.swath.flags) & self.sen3.flag_masks.get("invalid", 0)) != 0] = np.nan
        return as_stored(radiance, self.field)

    def identity(self) -> dict[str, Any]:
        """Return both products, for JSON."""
        return {**self.grid.identity(), "sen3": str(self.sen3.path.resolve())}
