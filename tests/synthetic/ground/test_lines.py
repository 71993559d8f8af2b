"""Rivers and roads: continuity, width and ends."""

import numpy as np
import pytest
from scipy import ndimage

from synthetic.ground import lines
from synthetic.streams import stream

SHAPE = (96, 128)


@pytest.mark.parametrize("scene", range(8))
def test_a_river_crosses_the_scene_in_one_piece(scene):
    water = lines.river(stream(7, "river", scene), SHAPE, 3.5)
    assert water.shape == SHAPE
    borders = [water[0], water[-1], water[:, 0], water[:, -1]]
    across = (borders[2].any() and borders[3].any()) or (borders[0].any() and borders[1].any())
    touches = sum(bool(border.any()) for border in borders)
    pieces = ndimage.label(water, np.ones((3, 3)))[1]
    # Where a bend leaves the scene, the river continues as another piece.
    assert across
    assert pieces == 1 or touches > 2


def test_a_straight_line_has_the_requested_width():
    x = np.linspace(0, 60, 400)
    drawn = lines._rasterize_line((40, 60), x, np.full(400, 20.5), np.full(400, 5.0))
    assert (drawn.sum(axis=0) == 5).all()
    assert drawn[18:23].all()


def test_a_thin_line_has_no_gaps():
    road = lines.road(stream(7, "roads"), SHAPE, np.array([[5.0, 5.0], [120.0, 90.0]]), 1.2)
    assert ndimage.label(road, np.ones((3, 3)))[1] == 1
    assert road[5, 5]
    assert road[89:91, 119:121].any()


def test_a_line_outside_of_the_scene_has_no_pixels():
    assert not lines.road(stream(7, "roads"), SHAPE, np.array([[-50.0, -50.0], [-20.0, -30.0]]), 3.0).any()


def test_roads_lead_from_towns_to_the_nearest_town_or_the_border():
    towns = np.array([[20.0, 20.0], [100.0, 80.0], [30.0, 25.0]])
    first, second, third = lines.road_ends(stream(7, "roads"), towns, SHAPE, 3)
    np.testing.assert_array_equal(first, [[20, 20], [30, 25]])
    np.testing.assert_array_equal(second[0], [100, 80])
    np.testing.assert_array_equal(third, [[30, 25], [20, 20]])
    x, y = second[1]
    assert x in (-2, 130) or y in (-2, 98)


def test_without_towns_roads_lead_from_border_to_border():
    for ends in lines.road_ends(stream(7, "roads"), np.empty((0, 2)), SHAPE, 5):
        assert all(x in (-2, 130) or y in (-2, 98) for x, y in ends)
