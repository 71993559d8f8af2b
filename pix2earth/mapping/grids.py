"""Grids of scenes: their comparison, and their description for messages."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from affine import Affine

from pix2earth.mapping.scene import Scene

TOLERANCE = 0.01
"""Distance of corners in pixels that is ignored: programs round coordinates differently."""


class SceneGrid(NamedTuple):
    """The pixels of a scene on the ground.

    Attributes:
        crs: rasterio's CRS, or None.
        transform: from (column, row) to coordinates.
        size: (height, width) in pixels.
    """

    crs: Any
    transform: Affine
    size: tuple[int, int]

    def __str__(self) -> str:
        """Return size, pixel size, upper left corner and CRS in a few words."""
        pixels = f"{self.size[0]} rows x {self.size[1]} columns"
        if self.crs is None:
            return f"{pixels} without coordinates"
        width, height = self.transform.a, -self.transform.e
        corner = f"{self.transform.c:.10g}, {self.transform.f:.10g}"
        rotated = "" if self.transform.is_rectilinear else " (rotated)"
        return f"{pixels} of {width:.6g} x {height:.6g} from {corner} in {self.crs.to_string()[:60]}{rotated}"

    def divided(self, pixels: tuple[int, int], of: tuple[int, int]) -> SceneGrid | None:
        """Return the grid of the same extent that has ``pixels`` rows and columns in the place of ``of``.

        Returns:
            None where the extent is no whole number of these pixels.
        """
        if any(side * new % old for side, new, old in zip(self.size, pixels, of, strict=True)):
            return None
        height, width = (side * new // old for side, new, old in zip(self.size, pixels, of, strict=True))
        scale = Affine.scale(of[1] / pixels[1], of[0] / pixels[0])
        return SceneGrid(self.crs, self.transform @ scale, (height, width))

    def is_same(self, other: SceneGrid) -> bool:
        """Return whether both have the same pixels; grids without coordinates are compared by their sizes alone."""
        if self.size != other.size or self.crs != other.crs:
            return False
        if self.crs is None:
            return True
        between = ~self.transform @ other.transform
        height, width = self.size
        corners = np.array([(0, 0), (width, 0), (0, height)])
        return bool(np.abs(np.transpose(between @ tuple(corners.T)) - corners).max() < TOLERANCE)


def grid_of(scene: Scene) -> SceneGrid:
    """Return the grid of a scene."""
    return SceneGrid(scene.crs, scene.transform, scene.size)
