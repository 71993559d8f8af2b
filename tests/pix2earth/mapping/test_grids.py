"""Grids: the same extent with other pixels, comparison, and description."""

import pytest
from affine import Affine
from rasterio.crs import CRS

from pix2earth.mapping.grids import SceneGrid

TRANSFORM = Affine(10, 0, 436500, 0, -10, 4178940)
UTM = CRS.from_epsg(32618)
GRID = SceneGrid(UTM, TRANSFORM, (128, 192))


def test_divided_pixels_keep_the_extent():
    coarse = GRID.divided((16, 32), (64, 64))
    assert coarse == (UTM, Affine(20, 0, 436500, 0, -40, 4178940), (32, 96))
    assert coarse.transform @ (96, 32) == GRID.transform @ (192, 128)
    assert GRID.divided((128, 64), (64, 64)).size == (256, 192)
    assert GRID.divided((21, 64), (64, 64)).size == (42, 192)
    assert GRID._replace(size=(100, 192)).divided((21, 64), (64, 64)) is None


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"transform": TRANSFORM @ Affine.translation(0.001, 0)}, True),
        ({"transform": TRANSFORM @ Affine.translation(0, 0.1)}, False),
        ({"transform": TRANSFORM @ Affine.scale(1.001)}, False),  # far from the origin it is a fifth of a pixel
        ({"transform": TRANSFORM @ Affine.scale(1, -1)}, False),
        ({"crs": CRS.from_epsg(32617)}, False),
        ({"crs": None}, False),
        ({"size": (192, 128)}, False),
    ],
)
def test_grids_are_the_same_where_all_corners_are(change, same):
    assert GRID.is_same(GRID._replace(**change)) is same


def test_without_coordinates_sizes_count():
    plain = SceneGrid(None, Affine.identity(), (128, 192))
    assert plain.is_same(plain._replace(transform=Affine.scale(2)))
    assert str(plain) == "128 rows x 192 columns without coordinates"


def test_a_description_has_everything_that_is_compared():
    assert str(GRID) == "128 rows x 192 columns of 10 x 10 from 436500, 4178940 in EPSG:32618"
