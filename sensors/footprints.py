"""Compute the ground of a Sentinel-2 tile, and the share of its area that a Sentinel-3 frame covers."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from sensors.product_xml import unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable

    from shapely.geometry.base import BaseGeometry

    from sensors.image_grids import Grid

NEAR = 60.0
"""Degrees. A frame spans less than 20: one farther from the scene than this cannot touch it."""
LONGEST_EDGE = 10_000.0
"""Metres between points on a raster's edge, which is no straight line in degrees."""


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


def part_in_grid(footprint: BaseGeometry, grid: Grid) -> BaseGeometry:
    """Return the part of a footprint that lies in a raster.

    Args:
        footprint: longitude and latitude in degrees, of a product that holds the raster and others beside it.
        grid: of the raster.

    Returns:
        Its part in degrees, with longitudes above 180 where it crosses the antimeridian; empty where they do not touch.
    """
    import shapely
    from pyproj import CRS, Transformer

    crs, (height, width) = CRS.from_user_input(grid.crs.to_wkt()), grid.size
    corners = [grid.transform @ corner for corner in ((0, 0), (width, 0), (width, height), (0, height))]
    outline = shapely.segmentize(shapely.Polygon(corners), LONGEST_EDGE)
    to_grid = Transformer.from_crs("OGC:CRS84", crs, always_xy=True).transform
    on_grid = shapely.make_valid(shapely.transform(footprint, to_grid, interleaved=False))
    to_degrees = Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform
    parts = [
        unwrapped(*to_degrees(*shapely.get_coordinates(part.exterior).T))
        for part in shapely.get_parts(shapely.intersection(outline, on_grid))
        if part.area > 0
    ]
    return shapely.union_all(parts) if len(parts) != 1 else parts[0]


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
