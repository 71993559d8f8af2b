"""From what ``--input`` names to a scene whose pixels are those that the network learnt from."""

from __future__ import annotations

import math
import sys
from pathlib import Path

from mapping.geometry import Geometry
from mapping.raster_scene import RasterScene
from mapping.scene import Averaged, Enlarged, Scene
from records.manifest import Field
from settings.mistakes import Mistake

TOLERANCE = 0.01


def open_scene(path: Path, field: Field, geometry: Geometry, *, degrade: bool = False) -> Scene:
    """Open a raster, or a folder with one a band.

    Args:
        path: what ``--input`` names.
        field: the input field.
        geometry: of the network.
        degrade: average the pixels to those that the network learnt from.

    Raises:
        Mistake: it cannot be read or has other bands, or its pixels cannot be averaged so.

    """
    raster = RasterScene(path, field)
    print(f"{path}: {', '.join(field.bands)}, {raster.numbers}")
    if raster.crs is None:
        print(f"{path}: has no coordinates, nor will the output have any", file=sys.stderr)
    return fitted(raster, field, geometry, degrade=degrade)


def fitted(scene: Scene, field: Field, geometry: Geometry, *, degrade: bool) -> Scene:
    """Bring the pixels of a scene to those of the input field, as far as both tell their size.

    Raises:
        Mistake: ``degrade`` is wanted and impossible.

    """
    pixel, learnt, times = pixel_size(scene), field.gsd, geometry.enlarged
    if degrade:
        if not pixel or not learnt:
            lacking = "the dataset states no gsd" if pixel else f"{scene.name} has no pixel size in metres"
            raise Mistake(f"--degrade: {lacking}; leave it out")
        squares = round(learnt / pixel)
        if squares < 2 or not _equal(squares * pixel, learnt):
            raise Mistake(
                f"--degrade: the network learnt from {learnt:g} m and the pixels of {scene.name} are {pixel:g} m:"
                " not a whole multiple; leave it out"
            )
        print(f"{scene.name}: means of {squares} x {squares} pixels, {learnt:g} m")
        scene = Averaged(scene, squares, field)
        return Enlarged(scene, times) if times > 1 else scene
    if not pixel or not learnt:
        return scene
    if times > 1 and _equal(pixel, learnt):
        print(f"{scene.name}: every pixel is repeated {times} x {times} times, as the dataset does")
        return Enlarged(scene, times)
    if not _equal(pixel, learnt / times):
        print(
            f"{scene.name}: pixels of {pixel:g} m, where the network learnt from {learnt:g} m; expect artefacts"
            f"{' (--degrade averages them)' if pixel < learnt else ''}",
            file=sys.stderr,
        )
    return scene


def pixel_size(scene: Scene) -> float | None:
    """Return the side of a pixel in metres, or None for a scene without a projected CRS."""
    if scene.crs is None or not scene.crs.is_projected:
        return None
    return math.sqrt(abs(scene.transform.determinant)) * scene.crs.linear_units_factor[1]


def _equal(first: float, second: float) -> bool:
    return math.isclose(first, second, rel_tol=TOLERANCE)
