"""Scenes: cropping, repeated pixels, validity, and conversion to stored numbers."""

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform

from pix2earth.mapping.scene import UpsampledScene, as_stored, crop, validity
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

UTM = CRS.from_epsg(32618)


@pytest.fixture
def scene(array_scene):
    random_scene = array_scene(np.random.default_rng(0).random((90, 120, 2)))
    random_scene.crs = UTM
    return random_scene


def degrees(*points, crs=UTM):
    longitudes, latitudes = transform(crs, "EPSG:4326", *zip(*points, strict=True))
    return min(longitudes), min(latitudes), max(longitudes), max(latitudes)


def test_a_cropped_scene_has_the_coordinates_of_its_pixels(scene):
    west, north = scene.transform @ (40, 20)
    part = crop(scene, degrees((west + 12, north - 12), (west + 98, north - 98)))
    # The box in degrees is rotated against the grid by less than half a degree, and extended outwards.
    assert part.size == (9, 9)
    origin = tuple(round(number) for number in ~scene.transform @ (part.transform.c, part.transform.f))
    assert origin == (41, 21)
    assert np.array_equal(part.read(2, 1, 4, 5), scene.values[23:27, 42:47])


def test_a_box_is_extended_to_blocks(scene):
    west, north = scene.transform @ (40, 20)
    box = degrees((west + 12, north - 12), (west + 98, north - 98))
    part = crop(scene, box, (6, 10))
    assert (part.row, part.column, part.size) == (18, 40, (12, 10))
    assert np.array_equal(part.read(0, 0, 12, 10), scene.values[18:30, 40:50])


def test_a_box_larger_than_the_scene_is_cut(scene):
    part = crop(scene, (-80.0, 30.0, -70.0, 40.0))
    assert part.size == scene.size and part.transform == scene.transform


def test_a_box_across_the_antimeridian(array_scene):
    zeros = array_scene(np.zeros((500, 500, 1)))
    zeros.crs = CRS.from_epsg(32701)  # central meridian 177 W; 180 lies some 300 km west of it
    east, north = transform("EPSG:4326", zeros.crs, [180.0], [-17.0])
    zeros.transform = Affine(100, 0, east[0] - 25000, 0, -100, north[0] + 25000)
    part = crop(zeros, (179.9, -17.1, -179.9, -16.9))
    assert 200 < part.size[1] < 230 and 210 < part.size[0] < 235
    assert abs(part.transform.c + part.size[1] * 50 - east[0]) < 500


@pytest.mark.parametrize("west", [0, -180])
@pytest.mark.parametrize(
    ("box", "columns"), [((-75, 30, -70, 40), (285, 290)), ((10, 30, 12, 40), (10, 12)), ((200, 0, 205, 9), (200, 205))]
)
def test_longitudes_may_be_counted_from_0_to_360(west, box, columns, array_scene):
    globe = array_scene(np.zeros((180, 360, 1)))
    globe.crs, globe.transform = CRS.from_epsg(4326), Affine(1, 0, west, 0, -1, 90)
    part = crop(globe, box)
    assert (part.column, part.column + part.size[1]) == tuple((column - west) % 360 for column in columns)
    assert (part.row, part.row + part.size[0]) == (90 - box[3], 90 - box[1])


def test_boxes_that_do_not_apply_are_errors(scene):
    with pytest.raises(UserError, match="lies outside of array"):
        crop(scene, (10, 50, 11, 51))
    with pytest.raises(UserError, match="is not a box"):
        crop(scene, (-75, 38, -74, 37))
    with pytest.raises(UserError, match="is not a box"):
        crop(scene, (-75, 88, -74, 95))
    scene.crs = None
    with pytest.raises(UserError, match="has no coordinates"):
        crop(scene, (-75, 37, -74, 38))


@pytest.mark.parametrize("window", [(0, 0, 270, 360), (5, 7, 20, 31), (6, 9, 3, 3), (269, 359, 1, 1)])
def test_upsampled_pixels_are_repeated(scene, window):
    row, column, height, width = window
    large = UpsampledScene(scene, 3)
    expected = scene.values.repeat(3, 0).repeat(3, 1)[row : row + height, column : column + width]
    assert large.size == (270, 360) and np.array_equal(large.read(*window), expected)
    assert large.transform @ (360, 270) == scene.transform @ (120, 90)


def test_a_pixel_is_valid_with_one_time_step_of_all_bands():
    window = np.zeros((1, 4, 4), np.float32)  # two time steps of two bands
    window[0, 1, 0] = window[0, 2, 3] = window[0, 3, 1] = window[0, 3, 2] = np.nan
    assert validity(window, 2).tolist() == [[True, True, True, False]]
    assert validity(window, 1).tolist() == [[True, False, False, False]]


def test_physical_values_become_stored_numbers():
    field = Field(dtype="uint16", shape=[4, 4, 1], bands=["B02"], scale=1e-4, offset=-0.1, nodata=0)
    stored = as_stored(np.array([0.0, 0.25, np.nan], np.float32), field)
    np.testing.assert_allclose(stored, [1000, 3500, np.nan], rtol=1e-6)
