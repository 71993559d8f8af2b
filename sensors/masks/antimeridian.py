"""Polygons across the antimeridian and around poles, as mapping programs write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from shapely import Polygon
    from shapely.geometry.base import BaseGeometry


def shorter_way(geometry: BaseGeometry) -> BaseGeometry:
    """Return polygons whose edges go the shorter way around the Earth, as those of footprints do.

    An edge along the border of a map (both ends at longitude 180 or -180, or both at a pole) stays as it is: so do
    polygons of the whole Earth, and those that end at the border.

    Args:
        geometry: a polygon or several, longitude and latitude in degrees.

    Returns:
        The same where no edge is longer than half a turn; else valid polygons, whose longitudes may exceed 180.
    """
    import shapely

    parts = [_shorter_way(part) for part in shapely.get_parts(geometry)]
    return shapely.union_all(shapely.make_valid(parts)) if len(parts) > 1 else parts[0]


def _shorter_way(polygon: Polygon) -> BaseGeometry:
    """Return one polygon, each hole beside the ring around it."""
    import shapely
    from shapely.affinity import translate

    rings = [np.asarray(ring.coords)[:, :2] for ring in (polygon.exterior, *polygon.interiors)]
    if not any(_crosses(ring).any() for ring in rings):
        return polygon
    outside, *holes = (shapely.make_valid(_filled(ring)) for ring in rings)
    for hole in holes:
        for turn in (-360.0, 0.0, 360.0):
            outside = shapely.difference(outside, translate(hole, turn))
    return outside


def _crosses(ring: np.ndarray) -> np.ndarray:
    """Return which edges of a ring (n, 2) cross the antimeridian."""
    far = np.abs(np.diff(ring[:, 0])) > 180
    at_border = np.abs(np.abs(ring) - (180.0, 90.0)) < 1e-9
    along = (at_border[:-1] & at_border[1:]).any(axis=1)
    return far & ~along


def _filled(ring: np.ndarray) -> Polygon:
    """Return the area in a ring; one that goes around a pole is closed along it."""
    from shapely import Polygon

    steps = np.diff(ring[:, 0])
    steps -= np.where(_crosses(ring), np.sign(steps) * 360.0, 0.0)
    along = np.concatenate([ring[:1, 0], ring[0, 0] + np.cumsum(steps)])
    along += 360.0 if along.min() < -180 else 0.0
    points = list(zip(along.tolist(), ring[:, 1].tolist(), strict=True))
    if abs(along[-1] - along[0]) > 180:
        pole = float(np.copysign(90.0, ring[:, 1].sum()))
        points += [(points[-1][0], pole), (points[0][0], pole)]
    return Polygon(points)
