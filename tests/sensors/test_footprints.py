"""The share of a scene that a frame covers, compared with areas in UTM and with spherical geometry."""

import math

import pytest
import shapely
from affine import Affine
from pyproj import Geod, Transformer
from rasterio.crs import CRS
from shapely import Polygon, box

from experiment import PROJECT
from sensors.footprints import overlap, part_in_grid
from sensors.image_grids import Grid

SHARED = PROJECT.parent / "shared"


def geographic(polygon: Polygon, epsg: int) -> Polygon:
    """A polygon in metres as longitude and latitude."""
    transformer = Transformer.from_crs(epsg, 4326, always_xy=True)
    return shapely.transform(polygon, lambda points: shapely.get_coordinates(
        shapely.points(*transformer.transform(points[:, 0], points[:, 1]))
    ))  # fmt: skip


@pytest.mark.parametrize(("epsg", "north"), [(32617, 8_100_000), (32718, 4_000_000), (32631, 600_000)])
@pytest.mark.parametrize("east", [109_800, 80_000, 54_900, 10_000, 0])
def test_the_share_of_a_partly_covered_tile_is_that_in_utm(epsg, north, east):
    tile = box(500_000, north - 109_800, 609_800, north)
    frame = box(400_000, north - 300_000, 500_000 + east, north + 200_000)
    # The frame's long edges are straight on the ground, the tile's in UTM: some 1e-3 of the area at 400 km.
    assert overlap(geographic(tile, epsg), geographic(frame.segmentize(20_000), epsg)) == pytest.approx(
        tile.intersection(frame).area / tile.area, abs=2e-4
    )


def test_areas_far_north_are_areas_on_the_ground():
    """A tile on 80 N that is half covered from the south: its southern half is the wider one."""
    scene, frame = box(10, 78, 16, 82), box(0, 70, 30, 80)
    share = (math.sin(math.radians(80)) - math.sin(math.radians(78))) / (
        math.sin(math.radians(82)) - math.sin(math.radians(78))
    )
    scene, frame = scene.segmentize(0.05), frame.segmentize(0.05)
    assert share > 0.54
    assert overlap(scene, frame) == pytest.approx(share, abs=2e-3)  # 2e-3: the Earth is no sphere


@pytest.mark.parametrize("turns", [-360, 0, 360])
def test_longitudes_may_differ_by_360_degrees(turns):
    scene, frame = box(179, 60, 181, 61), box(170 + turns, 55, 180 + turns, 65)
    assert overlap(scene, frame) == pytest.approx(0.5, abs=1e-3)


def test_a_frame_around_the_pole():
    """It has no points but its 8 corners on 80 N, once around."""
    corners = [(longitude, 80) for longitude in range(-180, 180, 45)]
    assert overlap(box(30, 86, 40, 87), Polygon(corners)) == pytest.approx(1, abs=1e-6)
    assert overlap(box(30, 70, 40, 71), Polygon(corners)) == 0


def test_far_frames_share_nothing():
    scene = box(10, 40, 11, 41)
    for frame in (box(-179, -50, -159, -35), box(189, -41, 192, -40), box(100, 0, 110, 10), Polygon()):
        assert overlap(scene, frame) == 0


def test_a_border_that_crosses_itself_is_no_failure():
    scene = box(10, 40, 11, 41)
    bow = Polygon([(9, 39), (12, 42), (12, 39), (9, 42)])
    assert 0.4 < overlap(scene, bow) < 0.6
    assert overlap(scene, bow.buffer(0)) <= 1


def test_a_scene_without_area_is_refused():
    with pytest.raises(ValueError, match="no area"):
        overlap(Polygon([(1, 1), (2, 2), (1, 1)]), box(0, 0, 3, 3))


@pytest.mark.parametrize(("epsg", "ring"), [(32601, (177, 60, 184, 63)), (32660, (-184, 60, -177, 63))])
def test_the_part_of_a_footprint_in_a_grid_across_the_antimeridian(epsg, ring):
    west = {32601: 250_000, 32660: 640_000}[epsg]
    grid = Grid(CRS.from_epsg(epsg), (10_000, 10_000), Affine(10, 0, west, 0, -10, 6_900_000))
    part = part_in_grid(box(*ring), grid)
    area, _ = Geod(ellps="WGS84").geometry_area_perimeter(part.segmentize(0.01))
    assert part.geom_type == "Polygon" and part.bounds[2] - part.bounds[0] < 3
    assert abs(area) == pytest.approx(1e10, rel=2e-3)  # metres on the map are up to 0.1 % off
    middle = 180.0 if epsg == 32601 else -180.0
    west, east = (part_in_grid(box(*half), grid) for half in ((ring[0], 60, middle, 63), (middle, 60, ring[2], 63)))
    assert min(overlap(part, half) for half in (west, east)) > 0.05
    assert overlap(part, west) + overlap(part, east) == pytest.approx(1, abs=1e-3)
    assert part_in_grid(box(0, 60, 1, 61), grid).is_empty


def test_real_footprint_across_the_antimeridian():
    if not SHARED.is_dir():
        pytest.skip("there are no shared products")
    from sensors.sentinel2 import Safe

    (product,) = (SHARED / "data" / "s2_safe_metadata").glob("*T01WCP*.SAFE")
    scene = Safe.open(product).footprint
    west = box(170, 50, 180, 80)
    area, _ = Geod(ellps="WGS84").geometry_area_perimeter(shapely.intersection(scene, west).segmentize(0.01))
    whole, _ = Geod(ellps="WGS84").geometry_area_perimeter(scene.segmentize(0.01))
    assert 0.05 < abs(area / whole) < 0.95
    assert overlap(scene, west.segmentize(0.05)) == pytest.approx(abs(area / whole), abs=2e-3)
