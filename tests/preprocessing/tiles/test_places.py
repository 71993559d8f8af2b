"""The draw of windows."""

import numpy as np
import pytest

from preprocessing.tiles.places import Places


def drawn(places: Places) -> list[tuple[int, int]]:
    found = []
    while place := places.draw():
        places.take(*place)
        found.append(place)
    return found


def shared(one: tuple[int, int], other: tuple[int, int], side: int) -> int:
    return max(0, side - abs(one[0] - other[0])) * max(0, side - abs(one[1] - other[1]))


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.6])
def test_windows_overlap_at_most_as_stated_and_fill_the_scene(overlap):
    side, size = 8, (45, 70)
    places = drawn(Places(size, side, 3, "scene", overlap))
    limit = overlap * side * side
    assert all(shared(one, other, side) <= limit for one in places for other in places if one != other)
    # No place is left: every position collides with a window, or is one.
    for row in range(size[0] - side + 1):
        for column in range(size[1] - side + 1):
            assert any(shared((row, column), place, side) > limit for place in places)
    assert all(0 <= row <= size[0] - side and 0 <= column <= size[1] - side for row, column in places)


def test_the_draw_depends_on_seed_and_scene_alone():
    first = drawn(Places((60, 60), 10, 1, "a"))
    assert first == drawn(Places((60, 60), 10, 1, "a"))
    assert first != drawn(Places((60, 60), 10, 2, "a"))
    assert first != drawn(Places((60, 60), 10, 1, "b"))


def test_every_position_is_equally_likely():
    counts = np.zeros((4, 6), int)
    for seed in range(4800):
        counts[Places((11, 13), 8, seed, "s").draw()] += 1
    # 200 are expected at each of 24 positions; chi-squared with 23 degrees of freedom is below 50 in 999 of 1000 draws.
    assert ((counts - 200) ** 2 / 200).sum() < 50


def test_rejected_windows_rule_out_their_neighbourhood():
    places = Places((100, 100), 32, 0, "s")
    before = places.count
    places.reject(40, 40, seen=0.94, wanted=0.95)
    # A sixteenth of 32 is 2 pixels: positions less than 2 away, 3 x 3 of them, are gone.
    assert before - places.count == 9
    places.reject(0, 0, seen=0.94, wanted=0.95)
    assert before - places.count == 9 + 4


@pytest.mark.parametrize("seed", range(5))
def test_rejection_rules_out_no_good_place_farther_away(seed):
    # Visible pixels are a random half plane; every position's share is known from sums.
    random = np.random.default_rng(seed)
    side, size, wanted = 32, 90, 0.95
    rows, columns = np.mgrid[0:size, 0:size]
    angle = random.uniform(0, 2 * np.pi)
    visible = (rows - 45) * np.sin(angle) + (columns - 45) * np.cos(angle) < random.uniform(-20, 20)
    shares = np.lib.stride_tricks.sliding_window_view(visible, (side, side)).mean(axis=(2, 3))
    places = Places((size, size), side, seed, "s")
    rejections = []
    while place := places.draw():
        if shares[place] >= wanted:
            places._rule_out(*place, np.ones((1, 1), bool))
            shares[place] = -1
        else:
            places.reject(*place, shares[place], wanted)
            rejections.append(place)
    for row, column in np.argwhere(shares >= wanted):
        assert min(max(abs(row - r), abs(column - c)) for r, c in rejections) < 2


def test_a_scene_smaller_than_the_window_has_no_place():
    assert Places((7, 100), 8, 0, "s").draw() is None
    assert Places((8, 8), 8, 0, "s").draw() == (0, 0)
