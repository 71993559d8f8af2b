"""Read masks from vector files as the union of all their polygons, and project them to the grid of a scene."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.settings.errors import UserError, inside, nearest
from sensors.masks.antimeridian import shorter_way
from sensors.masks.keyhole_markup import keyhole_markup

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

SUFFIXES = (".kml", ".kmz", ".geojson", ".gpkg", ".shp")
SPREAD = 2.0
"""Degrees around a scene's bounds; parts of masks and footprints farther away are cut off."""
STEP = 0.02
"""Longest edge in degrees after densifying: an edge that is straight in degrees bends on the scene's grid."""


def find_mask(folder: Path, name: str) -> Path:
    """Return the file of the mask called ``name`` in ``<data_root>/_masks``; suffixes in upper case are found too.

    Raises:
        UserError: there is none, or several files have that name.
    """
    files = [path for path in sorted(folder.glob("*")) if path.suffix.lower() in SUFFIXES] if folder.is_dir() else []
    found = [path for path in files if name in (path.stem, path.name)] if inside(name) else []
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise UserError(f"--masks {name}: {folder} has {names}; name one of them with its suffix")
    if found:
        return found[0]
    raise UserError(
        f"--masks {name}: there is no {folder / name}.kml{nearest(name, [path.stem for path in files])}; without masks"
        " leave the option out"
    )


def read_mask(path: Path) -> BaseGeometry:
    """Return the union of all polygons of a file, of every layer, placemark and part, with their holes left out.

    An edge goes the shorter way around the Earth: a ring from longitude 179.5 to -179.5 is one degree wide.

    Returns:
        A valid polygonal geometry, longitude and latitude in degrees (WGS84); longitudes may exceed 180.

    Raises:
        UserError: the file cannot be read, or holds no polygon.
    """
    import shapely

    if path.suffix.lower() in (".kml", ".kmz"):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / f"{path.stem}.kml"
            copy.write_bytes(keyhole_markup(path))
            polygons = _read(copy, path)
    else:
        polygons = _read(path, path)
    if not polygons:
        raise UserError(f"{path}: holds no polygon; draw one, or leave the mask out")
    union = shapely.union_all(shapely.make_valid(polygons))
    if not shapely.is_valid(union) or union.area == 0 or not all(map(_finite, union.bounds)):
        raise UserError(f"{path}: its polygons enclose nothing")
    return union


def _read(path: Path, named: Path) -> list[BaseGeometry]:
    """Return all polygons of a file in degrees.

    Args:
        path: of the file.
        named: how messages call it.

    Raises:
        UserError: it cannot be read.
    """
    import pyogrio
    import pyproj
    import shapely

    polygons: list[BaseGeometry] = []
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Non closed ring")  # it is an error below
            for layer, _ in pyogrio.list_layers(path):
                metadata, _, geometries, _ = pyogrio.raw.read(path, layer=layer, columns=[], force_2d=True)
                # GDAL returns longitude before latitude, whatever order the reference system states.
                crs = metadata["crs"] or "OGC:CRS84"
                project = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform
                shapes = shapely.from_wkb([geometry for geometry in geometries if geometry is not None])
                degrees = [shapely.transform(shape, project, interleaved=False) for shape in _polygons(shapes)]
                polygons += [shorter_way(shape) for shape in degrees]
    except shapely.errors.GEOSException as error:
        if "closed" not in str(error):
            raise UserError(f"{named}: cannot be read as a mask ({error})") from None
        raise UserError(
            f"{named}: the ring of a polygon is not closed: its last point must be its first; close it in the program"
            " that drew it"
        ) from None
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise UserError(f"{named}: cannot be read as a mask ({error})") from None
    return polygons


def _finite(value: float) -> bool:
    return abs(value) < float("inf")


def _polygons(shapes: list[BaseGeometry]) -> list[BaseGeometry]:
    """Return the polygons of geometries and of the collections among them."""
    import shapely

    polygons = []
    for shape in shapes:
        parts = _polygons(list(shape.geoms)) if isinstance(shape, shapely.GeometryCollection) else [shape]
        polygons += [part for part in parts if part.geom_type in ("Polygon", "MultiPolygon") and not part.is_empty]
    return polygons


def on_grid(geometry: BaseGeometry, footprint: BaseGeometry, crs: object, *, step: float | None = STEP) -> BaseGeometry:
    """Project the part of a geometry near a scene to the scene's grid.

    Args:
        geometry: longitude and latitude in degrees; across the antimeridian longitudes may exceed 180 or not.
        footprint: of the scene, longitude and latitude in degrees.
        crs: the scene's coordinate reference system.
        step: longest edge in degrees after densifying; None: corners only, for edges that are straight on the grid.

    Returns:
        The geometry in the units of ``crs``; empty where no part of it is near the scene.
    """
    import pyproj
    import shapely
    from shapely.affinity import translate

    west, south, east, north = footprint.bounds
    wider = SPREAD / max(0.05, _cosine(max(abs(south), abs(north))))
    near = shapely.box(west - wider, south - SPREAD, east + wider, north + SPREAD)
    whole = shapely.make_valid(geometry)
    parts = [shapely.intersection(translate(whole, turn), near) for turn in (-360.0, 0.0, 360.0)]
    kept = shapely.union_all([part for part in parts if part.area > 0])
    if step is not None:
        kept = shapely.segmentize(kept, step)
    project = pyproj.Transformer.from_crs("OGC:CRS84", pyproj.CRS.from_user_input(crs), always_xy=True).transform
    return shapely.make_valid(shapely.transform(kept, project, interleaved=False))


def _cosine(latitude: float) -> float:
    import math

    return math.cos(math.radians(latitude))
