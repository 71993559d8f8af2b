"""How much of a Sentinel-2 scene a Sentinel-3 frame covers, as areas on the ground."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry

NEAR = 60.0
"""Degrees. A frame spans less than 20: farther from the scene than this it cannot touch it, nor be drawn on its map."""


def overlap(scene: BaseGeometry, frame: BaseGeometry) -> float:
    """Return the area that both footprints share over the area of the scene's, 0 to 1.

    Both are put on an equal-area map centred on the scene. There longitudes 180 and -180 are one line, and straight
    lines near the centre are nearly those on the ground: edges between corners need no points in between.

    Args:
        scene: footprint of the Sentinel-2 product, longitude and latitude in degrees; of any area but 0.
        frame: footprint of the Sentinel-3 frame, likewise.

    Raises:
        ValueError: the scene's footprint has no area.
    """
    import shapely

    corners = shapely.get_coordinates(scene)
    centre = _centre(corners)
    around = shapely.get_coordinates(frame)
    if not len(around) or _degrees_away(around, centre).min() > NEAR:
        return 0.0
    project = _equal_area(*(round(degrees) for degrees in centre))
    ours, theirs = (shapely.make_valid(shapely.transform(footprint, project)) for footprint in (scene, frame))
    if not ours.area:
        raise ValueError("the Sentinel-2 footprint has no area")
    return float(min(1.0, ours.intersection(theirs).area / ours.area))


def _vectors(positions: np.ndarray) -> np.ndarray:
    """Turn (n, 2) longitudes and latitudes into unit vectors (n, 3) from the centre of the Earth."""
    longitude, latitude = np.radians(positions).T
    return np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=-1
    )


def _centre(positions: np.ndarray) -> tuple[float, float]:
    """Return the mean (longitude, latitude) of positions, wherever on the globe they lie."""
    x, y, z = _vectors(positions).mean(axis=0)
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def _degrees_away(positions: np.ndarray, centre: tuple[float, float]) -> np.ndarray:
    """Return the angle of every position from the centre."""
    cosine = _vectors(positions) @ _vectors(np.array([centre]))[0]
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@functools.lru_cache(maxsize=256)
def _equal_area(longitude: int, latitude: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from degrees (n, 2) to metres (n, 2) on Lambert's equal-area map around a place."""
    from pyproj import Transformer

    crs = f"+proj=laea +lon_0={longitude} +lat_0={latitude} +datum=WGS84 +units=m"
    transformer = Transformer.from_crs("EPSG:4326", crs, always_xy=True)

    def project(positions: np.ndarray) -> np.ndarray:
        return np.stack(transformer.transform(positions[:, 0], positions[:, 1]), axis=-1)

    return project
