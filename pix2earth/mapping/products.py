"""Sentinel-2 products, and Sentinel-3 OLCI products brought on their grid window by window, as scenes."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from rasterio.windows import Window

from experiment import Experiment
from pix2earth.mapping.geometry import Geometry, geometry_of
from pix2earth.mapping.scene import Scene, as_stored
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError
from sensors.collocation import Collocation, part_near
from sensors.sentinel2 import Safe
from sensors.sentinel2_layout import band_name
from sensors.sentinel3 import Sen3

RESOLUTIONS = (10, 20, 60)
OLCI_BAND = re.compile(r"Oa\d\d")


def is_product(path: Path) -> bool:
    """Tell whether a path is meant as a Sentinel-2 product."""
    if path.is_dir():
        return path.suffix.upper() == ".SAFE" or any(path.glob("MTD_MSIL*.xml"))
    return path.suffix.lower() == ".zip"


def open_product(path: Path, swath: Path | None, experiment: Experiment, *, degrade: bool) -> tuple[Scene, Geometry]:
    """Open a product as the input of a network.

    Args:
        path: SAFE folder or .zip.
        swath: SEN3 folder or .zip, for networks that read OLCI.
        experiment: whose network.
        degrade: average the pixels; done anyhow where the input is coarser than the target.

    Raises:
        UserError: a product cannot be read, lacks bands, or does not fit the network.
    """
    manifest = experiment.manifest
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    if source.time_steps:
        raise UserError(
            f"--input {path}: is one time step, and the network reads {source.time_steps}: give a dataset, or a GeoTIFF"
            " with the bands of all time steps"
        )
    olci = all(OLCI_BAND.fullmatch(band) for band in source.bands)
    if olci and swath is None:
        raise UserError(f"--input {path}: the network reads OLCI ({source.bands[0]}, ...); name its product by --s3")
    if not olci and swath is not None:
        raise UserError(f"--s3 {swath}: the network reads {', '.join(source.bands)} and nothing of OLCI; leave it out")
    coarser = bool(source.gsd and target.gsd and source.gsd > target.gsd)
    geometry = geometry_of(experiment, degrade=degrade or (coarser and not olci))
    resolution = int(geometry.pixel or RESOLUTIONS[0])
    if resolution not in RESOLUTIONS:
        raise UserError(
            f"--input {path}: the network learnt from pixels of {geometry.pixel:g} m; products are read at"
            f" {', '.join(map(str, RESOLUTIONS))} m: prepare a GeoTIFF"
        )
    safe = Safe.open(path)
    for remark in safe.remarks:
        print(remark)
    about = f"{safe.name}: {safe.level} of {safe.sensing_time:%Y-%m-%d %H:%M}"
    scene = ReflectanceScene(safe, source, resolution)
    if swath is None:
        scene.check_bands()
        print(f"{about}, {', '.join(source.bands)}")
        return scene, geometry
    sen3 = Sen3.open(swath)
    radiance = RadianceScene(scene, sen3, source)
    hours = abs(sen3.start - safe.sensing_time).total_seconds() / 3600
    print(f"{about}, the grid")
    print(f"{sen3.name}: {hours:.1f} hours apart, {', '.join(source.bands)}")
    return radiance, geometry


class ReflectanceScene:
    """Reflectance of a Sentinel-2 product."""

    def __init__(self, safe: Safe, field: Field, resolution: int) -> None:
        """Take an open product and the resolution in metres: 10, 20 or 60."""
        self.safe, self.field, self.resolution = safe, field, resolution
        factor = resolution / 10
        self.name, self.crs = safe.name, safe.crs
        self.size = (int(safe.size[0] / factor), int(safe.size[1] / factor))
        self.transform = safe.transform @ Affine.scale(factor)
        self.tags = {"ACQUIRED": safe.sensing_time.isoformat()}

    def check_bands(self) -> None:
        """Make sure that the product has the bands of the field.

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
        """Return what tells it from another."""
        return {"safe": str(self.safe.path.resolve()), "resolution": self.resolution}


class RadianceScene:
    """Radiance of OLCI on the grid of a Sentinel-2 product: at each place the nearest pixel of the swath."""

    def __init__(self, grid: ReflectanceScene, sen3: Sen3, field: Field) -> None:
        """Find the part of the swath that lies on the grid.

        Raises:
            UserError: they do not touch, or a band is missing.
        """
        missing = [band for band in field.bands if band not in sen3.bands]
        if missing:
            raise UserError(f"{sen3.path}: lacks {', '.join(missing)}")
        self.name, self.crs, self.size, self.transform = grid.name, grid.crs, grid.size, grid.transform
        self.grid, self.sen3, self.field = grid, sen3, field
        swath = part_near(sen3, self.crs, self.transform, self.size)
        if swath is None:
            raise UserError(f"--s3 {sen3.path}: does not touch {grid.name}; name the product of its place and time")
        self.swath = swath
        self.tags = {**grid.tags, "ACQUIRED_S3": sen3.start.isoformat()}

    def read(self, row: int, column: int, height: int, width: int) -> np.ndarray:
        """Return a window; see ``Scene``. Pixels that the product calls invalid are missing, as in the datasets."""
        here = Collocation(self.swath, self.crs, self.transform @ Affine.translation(column, row), (height, width))
        bands = [here.take(partial(self.swath.radiance, band)) for band in self.field.bands]
        radiance = np.stack(bands, axis=-1)
        radiance[(here.take(self.swath.flags) & self.sen3.flag_masks.get("invalid", 0)) != 0] = np.nan
        return as_stored(radiance, self.field)

    def identity(self) -> dict[str, Any]:
        """Return what tells it from another."""
        return {**self.grid.identity(), "sen3": str(self.sen3.path.resolve())}
