"""Open the input of inference as a scene with the pixel size that the network was trained on."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from affine import Affine

from experiment import Experiment
from pix2earth.mapping.bands.values import check_picture, check_values
from pix2earth.mapping.geometry import Geometry, geometry_of
from pix2earth.mapping.granules import GranuleScene, granules_at
from pix2earth.mapping.grids import grid_of
from pix2earth.mapping.products import is_product, open_product
from pix2earth.mapping.raster_scene import STORED, Chosen, RasterScene
from pix2earth.mapping.scene import Scene, StackedScene, UpsampledScene
from pix2earth.mapping.sources import Source
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError
from sensors import GranuleReader

LOOKED_AT = 256
"""Rows and columns of a raster whose values are compared with the range of the field."""
INPUT = "--input "
ADVICE = "state --scale and --offset, by which its numbers become physical values"
ADVICE_OTHERS = "store scale and offset in it, by which its numbers become physical values"
TOLERANCE = 0.03
"""Relative difference of pixel sizes that is ignored: datasets average 256 pixels of 10 m to 21 and state 120 m."""
GEOGRAPHIC_TOLERANCE = 0.5
"""The same for grids in degrees, whose pixels are no squares on the ground."""
METRES_PER_DEGREE = 111_195.0
"""Along a meridian, on a sphere of 6371 km."""


def open_scene(
    paths: Sequence[Source],
    swath: Path | None,
    experiment: Experiment,
    *,
    degrade: bool,
    chosen: Chosen | None = None,
) -> tuple[Scene, Geometry]:
    """Open a product, a raster, or a folder with one raster for each band; or one of them for each time step.

    Args:
        paths: products, rasters or folders (``--input``): one, or one for each time step, in their order.
        swath: a Sentinel-3 product (``--s3``), or None.
        experiment: of the trained run.
        degrade: average the scene to the pixel size of the network's input; products are averaged where needed.
        chosen: what the command line states of rasters.

    Returns:
        The scene, and the geometry of the network's windows.

    Raises:
        UserError: a scene cannot be read, has other bands, or a pixel size that does not fit; or there are not as many
            as time steps, or they differ in their grid.
    """
    manifest = experiment.manifest
    field = manifest.fields[manifest.input]
    products = [path for path in paths if is_product(path)]
    if products and len(products) < len(paths):
        raise UserError(f"--input {products[0]}: is a product, and others are not; prepare GeoTIFFs of all time steps")
    if swath is not None and len(paths) > 1:
        raise UserError(f"--s3 {swath}: belongs to one time step, and --input names {len(paths)}; leave it out")
    if products and chosen:
        raise UserError(f"--bands, --scale, --offset: {products[0]} is a product, which states them; leave them out")
    if products:
        one = field_of_each(paths, field, INPUT)
        opened = [open_product(path, swath, one, experiment, degrade=degrade) for path in products]
        return joined([scene for scene, _ in opened], INPUT), opened[0][1]
    if granules := granules_at(paths):
        return of_granules(granules, paths, field, experiment, degrade=degrade, chosen=chosen)
    if swathlike := next((path for path in paths if str(path).upper().endswith(".SEN3")), None):
        raise UserError(f"--input {swathlike}: is a swath; name it by --s3, and a Sentinel-2 product as --input")
    if swath is not None:
        raise UserError(f"--s3 {swath}: needs a Sentinel-2 product as --input, onto whose grid it is resampled")
    geometry = geometry_of(experiment, degrade=degrade)
    scene = joined(open_rasters(paths, field, INPUT, chosen), INPUT)
    if scene.crs is None:
        print(f"{scene.name}: has no coordinates, and neither will the output", file=sys.stderr)
    return fitted(scene, field, geometry), geometry


def of_granules(
    granules: Sequence[GranuleReader],
    paths: Sequence[Source],
    field: Field,
    experiment: Experiment,
    *,
    degrade: bool,
    chosen: Chosen | None,
) -> tuple[Scene, Geometry]:
    """Return products of a sensor as one scene; see ``open_scene``.

    Raises:
        UserError: one lacks a band or has another grid, or the command line states what products state themselves.
    """
    if chosen:
        raise UserError(f"--bands, --scale, --offset: {paths[0]} is a product, which states them; leave them out")
    one, geometry = field_of_each(paths, field, INPUT), geometry_of(experiment, degrade=degrade)
    scenes = [GranuleScene(granule, one) for granule in granules]
    for scene in scenes:
        print(scene.summary)
    if remark := granules[0].remark(one.bands):
        print(remark)
    return fitted(joined(scenes, INPUT), field, geometry), geometry


def field_of_each(paths: Sequence[Source], field: Field, option: str) -> Field:
    """Return the field that each of several files holds: the whole field, or one time step of it.

    Raises:
        UserError: there are neither one nor as many files as time steps.
    """
    steps = field.time_steps or 1
    if len(paths) not in (1, steps):
        names = ", ".join(map(str, paths))
        each = f"{steps} files, one for each time step in their order" if steps > 1 else "one file"
        raise UserError(
            f"{option}{names}: {len(paths)} files, where the network reads {steps} time step{'s' * (steps > 1)} of"
            f" {', '.join(field.bands)}; name {each}"
        )
    return field.model_copy(update={"shape": field.shape[-3:]}) if len(paths) == steps else field


def open_rasters(paths: Sequence[Source], field: Field, option: str, chosen: Chosen | None = None) -> list[RasterScene]:
    """Open the rasters of a field: one, or one for each time step.

    Args:
        paths: rasters, or folders with one for each band.
        field: of the dataset.
        option: words that name a path on the command line, for messages.
        chosen: what the command line states of them.

    Raises:
        UserError: one cannot be read or has other bands, or there are not as many as time steps.
    """
    one = field_of_each(paths, field, option)
    rasters = [RasterScene(path, one, option, chosen) for path in paths]
    for raster in rasters:
        print(f"{raster.name}: {', '.join(field.bands)}, {raster.numbers}")
        advice = ADVICE if option == INPUT else ADVICE_OTHERS
        if raster.numbers == STORED:
            check_picture(raster.name, raster.dtypes, field, advice)
        check_values(raster.name, raster.sample(LOOKED_AT), field, advice)
    return rasters


def joined(scenes: Sequence[Scene], option: str) -> Scene:
    """Return time steps as one scene; a single one as it is.

    Raises:
        UserError: they differ in their grid.
    """
    first = scenes[0]
    for scene in scenes[1:]:
        if not grid_of(first).is_same(grid_of(scene)):
            raise UserError(
                f"{option}{scene.name}: has {grid_of(scene)}; {first.name} has {grid_of(first)}: resample all to one"
                " grid"
            )
    return first if len(scenes) == 1 else StackedScene(scenes)


def print_remark(line: str) -> None:
    """Print a line to the standard error."""
    print(line, file=sys.stderr)


def fitted(scene: Scene, field: Field, geometry: Geometry, report: Callable[[str], None] = print_remark) -> Scene:
    """Compare the pixel size of a scene with that of the network's input, where both are known; report a difference.

    Args:
        scene: of the input.
        field: of the input.
        geometry: of the network's windows.
        report: receives a line about what a user should know.

    Returns:
        The scene, with its pixels repeated where the dataset stores coarse pixels repeated.

    Raises:
        UserError: the scene is to be averaged, but does not have the pixel size of the target.
    """
    pixel, expected = pixel_size(scene), geometry.pixel
    if pixel is not None and expected is None:
        report(
            f"{scene.name}: pixels of {pixel:.3g} m; the dataset states no gsd, so that they are not compared with"
            " those of the training"
        )
    if pixel is None or expected is None or math.isclose(pixel, expected, rel_tol=TOLERANCE):
        return scene
    if not scene.crs.is_projected:
        if not math.isclose(pixel, expected, rel_tol=GEOGRAPHIC_TOLERANCE):
            report(other_size(scene, pixel, expected))
        return scene
    if geometry.coarse is not None:
        raise UserError(f"--degrade: {scene.name} has pixels of {pixel:g} m; the network's target has {expected:g} m")
    if math.isclose(pixel, expected * geometry.repeated, rel_tol=TOLERANCE):
        say = print if report is print_remark else report  # it is no warning
        say(f"{scene.name}: every pixel is repeated {geometry.repeated} times along each axis, as in the dataset")
        return UpsampledScene(scene, geometry.repeated)
    report(other_size(scene, pixel, field.gsd or expected))
    return scene


def other_size(scene: Scene, pixel: float, expected: float) -> str:
    """Return the remark that a scene has pixels of another size than those of the training."""
    return (
        f"{scene.name}: pixels of {pixel:g} m, where the network was trained on {expected:g} m: expect artefacts"
        " (--degrade averages pixels of the target's size)"
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
