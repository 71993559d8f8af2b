"""From what ``--input`` names to a scene whose pixels are those that the network learnt from."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from experiment import Experiment
from pix2earth.mapping.geometry import Geometry, geometry_of
from pix2earth.mapping.products import is_product, open_product
from pix2earth.mapping.raster_scene import RasterScene
from pix2earth.mapping.scene import Scene, Upsampled
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

TOLERANCE = 0.03
"""Datasets round: 256 pixels of 10 m are averaged to 21 of 122 m, which are called 120 m."""


def open_scene(path: Path, swath: Path | None, experiment: Experiment, *, degrade: bool) -> tuple[Scene, Geometry]:
    """Open a product, a raster, or a folder with one raster a band.

    Args:
        path: what ``--input`` names.
        swath: what ``--s3`` names.
        experiment: whose network reads the scene.
        degrade: average the scene to the pixels that the network learnt from; products are, where need be.

    Returns:
        The scene, and how the network's windows lie in it.

    Raises:
        UserError: it cannot be read, has other bands, or pixels that do not fit.
    """
    manifest = experiment.manifest
    field = manifest.fields[manifest.input]
    if is_product(path):
        return open_product(path, swath, experiment, degrade=degrade)
    if path.suffix.upper() == ".SEN3":
        raise UserError(f"--input {path}: is a swath; name it by --s3, and a Sentinel-2 product as --input")
    if swath is not None:
        raise UserError(f"--s3 {swath}: needs a Sentinel-2 product as --input, on whose grid it is brought")
    geometry = geometry_of(experiment, degrade=degrade)
    raster = RasterScene(path, field)
    print(f"{path}: {', '.join(field.bands)}, {raster.numbers}")
    if raster.crs is None:
        print(f"{path}: has no coordinates, nor will the output have any", file=sys.stderr)
    return fitted(raster, field, geometry), geometry


def fitted(scene: Scene, field: Field, geometry: Geometry) -> Scene:
    """Compare the pixels of a scene with those that the network learnt from, where both are known.

    Returns:
        The scene, with its pixels repeated where the dataset stores coarse pixels so.

    Raises:
        UserError: the scene is to be averaged, and its pixels are not those of the target.
    """
    pixel, expected = pixel_size(scene), geometry.pixel
    if pixel is None or expected is None or math.isclose(pixel, expected, rel_tol=TOLERANCE):
        return scene
    if geometry.coarse is not None:
        raise UserError(f"--degrade: {scene.name} has pixels of {pixel:g} m; the network's target has {expected:g} m")
    if math.isclose(pixel, expected * geometry.repeated, rel_tol=TOLERANCE):
        print(f"{scene.name}: every pixel is repeated {geometry.repeated} times each way, as the dataset does")
        return Upsampled(scene, geometry.repeated)
    print(
        f"{scene.name}: pixels of {pixel:g} m, where the network learnt from {field.gsd:g} m: expect artefacts"
        " (--degrade averages pixels of the target's size)",
        file=sys.stderr,
    )
    return scene


def pixel_size(scene: Scene) -> float | None:
    """Return the side of a pixel in metres, or None for a scene without a projected CRS."""
    if scene.crs is None or not scene.crs.is_projected:
        return None
    return math.sqrt(abs(scene.transform.determinant)) * scene.crs.linear_units_factor[1]
