"""Open the input of inference as a scene with the pixel size that the network was trained on."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

from affine import Affine

from experiment import Experiment
from pix2earth.mapping.geometry import Geometry, geometry_of
from pix2earth.mapping.products import is_product, open_product
from pix2earth.mapping.raster_scene import RasterScene
from pix2earth.mapping.scene import Scene, UpsampledScene
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

TOLERANCE = 0.03
"""Relative difference of pixel sizes that is ignored: datasets average 256 pixels of 10 m to 21 and state 120 m."""
GEOGRAPHIC_TOLERANCE = 0.5
"""The same for grids in degrees, whose pixels are no squares on the ground."""
METRES_PER_DEGREE = 111_195.0
"""Along a meridian, on a sphere of 6371 km."""


def open_scene(path: Path, swath: Path | None, experiment: Experiment, *, degrade: bool) -> tuple[Scene, Geometry]:
    """Open a product, a raster, or a folder with one raster for each band.

    Args:
        path: the product, raster or folder (``--input``).
        swath: a Sentinel-3 product (``--s3``), or None.
        experiment: of the trained run.
        degrade: average the scene to the pixel size of the network's input; products are averaged where needed.

    Returns:
        The scene, and the geometry of the network's windows.

    Raises:
        UserError: the scene cannot be read, has other bands, or a pixel size that does not fit.
    """
    manifest = experiment.manifest
    field = manifest.fields[manifest.input]
    if is_product(path):
        return open_product(path, swath, experiment, degrade=degrade)
    if path.suffix.upper() == ".SEN3":
        raise UserError(f"--input {path}: is a swath; name it by --s3, and a Sentinel-2 product as --input")
    if swath is not None:
        raise UserError(f"--s3 {swath}: needs a Sentinel-2 product as --input, onto whose grid it is resampled")
    geometry = geometry_of(experiment, degrade=degrade)
    raster = RasterScene(path, field)
    print(f"{path}: {', '.join(field.bands)}, {raster.numbers}")
    if raster.crs is None:
        print(f"{path}: has no coordinates, and neither will the output", file=sys.stderr)
    return fitted(raster, field, geometry), geometry


def fitted(scene: Scene, field: Field, geometry: Geometry) -> Scene:
    """Compare the pixel size of a scene with that of the network's input, where both are known; warn if they differ.

    Returns:
        The scene, with its pixels repeated where the dataset stores coarse pixels repeated.

    Raises:
        UserError: the scene is to be averaged, but does not have the pixel size of the target.
    """
    pixel, expected = pixel_size(scene), geometry.pixel
    if pixel is not None and expected is None:
        print(
            f"{scene.name}: pixels of {pixel:.3g} m; the dataset states no gsd, so that they are not compared with"
            " those of the training",
            file=sys.stderr,
        )
    if pixel is None or expected is None or math.isclose(pixel, expected, rel_tol=TOLERANCE):
        return scene
    if not scene.crs.is_projected:
        if not math.isclose(pixel, expected, rel_tol=GEOGRAPHIC_TOLERANCE):
            warn(scene, pixel, expected)
        return scene
    if geometry.coarse is not None:
        raise UserError(f"--degrade: {scene.name} has pixels of {pixel:g} m; the network's target has {expected:g} m")
    if math.isclose(pixel, expected * geometry.repeated, rel_tol=TOLERANCE):
        print(f"{scene.name}: every pixel is repeated {geometry.repeated} times along each axis, as in the dataset")
        return UpsampledScene(scene, geometry.repeated)
    warn(scene, pixel, field.gsd or expected)
    return scene


def warn(scene: Scene, pixel: float, expected: float) -> None:
    """Report that a scene has pixels of another size than those of the training."""
    print(
        f"{scene.name}: pixels of {pixel:g} m, where the network was trained on {expected:g} m: expect artefacts"
        " (--degrade averages pixels of the target's size)",
        file=sys.stderr,
    )


def pixel_size(scene: Scene) -> float | None:
    """Return the side of a pixel in metres, or None for a scene without coordinates."""
    return None if scene.crs is None else ground_size(scene.crs, scene.transform, scene.size)


def ground_size(crs: Any, transform: Affine, size: tuple[int, int]) -> float | None:
    """Return the side of a pixel in metres; of a grid in degrees, that of a square of the same area at its centre.

    Args:
        crs: rasterio's CRS.
        transform: from (column, row) to coordinates.
        size: (height, width) of the grid in pixels.

    Returns:
        None where the CRS is neither projected nor geographic.
    """
    side = math.sqrt(abs(transform.determinant))
    if crs.is_projected:
        return side * crs.linear_units_factor[1]
    if not crs.is_geographic:
        return None
    _, latitude = transform @ (size[1] / 2, size[0] / 2)
    return side * METRES_PER_DEGREE * math.sqrt(max(0.0, math.cos(math.radians(latitude))))
