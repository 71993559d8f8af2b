"""Compute the share of a Sentinel-2 scene's area that a Sentinel-3 frame covers."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry

NEAR = 60.0
"""Degrees. A frame spans less than 20: one farther from the scene than this cannot touch it."""


def overlap(scene: BaseGeometry, frame: BaseGeometry) -> float:
    """Return the area that both footprints share, divided by the area of the scene's footprint: 0 to 1.

    Both are projected to an equal-area map centred on the scene. There longitudes 180 and -180 are one line, and
    straight lines near the centre are nearly straight on the ground: edges need no points between their corners.

    Args:
        scene: footprint of the Sentinel-2 product, longitude and latitude in degrees.
        frame: footprint of the Sentinel-3 frame, likewise.

    Raises:
        ValueError: the scene's footprint has no area.
    """
    import shapely

    corners = shapely.get_coordinates(scene)
    centre = _centre(corners)
    frame_corners = shapely.get_coordinates(frame)
    if not len(frame_corners) or _degrees_away(frame_corners, centre).min() > NEAR:
        return 0.0
    project = _equal_area(*(round(degrees) for degrees in centre))
    scene_on_map, frame_on_map = (shapely.make_valid(shapely.transform(one, project)) for one in (scene, frame))
    if not scene_on_map.area:
        raise ValueError("the Sentinel-2 footprint has no area")
    return float(min(1.0, scene_on_map.intersection(frame_on_map).area / scene_on_map.area))


def _vectors(positions: np.ndarray) -> np.ndarray:
    """Return the unit vectors (n, 3) from the centre of the Earth to longitudes and latitudes (n, 2)."""
    longitude, latitude = np.radians(positions).T
    return np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=-1
    )


def _centre(positions: np.ndarray) -> tuple[float, float]:
    """Return the mean (longitude, latitude) of positions, also across the antimeridian or around a pole."""
    x, y, z = _vectors(positions).mean(axis=0)
    return float(np.degrees(np.arctan2(y, x))), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def _degrees_away(positions: np.ndarray, centre: tuple[float, float]) -> np.ndarray:
    """Return the angle in degrees between every position and the centre."""
    cosine = _vectors(positions) @ _vectors(np.array([centre]))[0]
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@functools.lru_cache(maxsize=256)
def _equal_area(longitude: int, latitude: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from degrees (n, 2) to metres (n, 2) on Lambert's equal-area map around a position."""
    from pyproj import Transformer

    crs = f"+proj=laea +lon_0={longitude} +lat_0={latitude} +datum=WGS84 +units=m"
    transformer = Transformer.from_crs("EPSG:4326", crs, always_xy=True)

    def project(positions: np.ndarray) -> np.ndarray:
        return np.stack(transformer.transform(positions[:, 0], positions[:, 1]), axis=-1)

    return project
