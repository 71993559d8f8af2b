"""The random draw of window positions."""

import numpy as np
import pytest

from preprocessing.tiles.window_positions import WindowPositions


def draw_all(positions: WindowPositions) -> list[tuple[int, int]]:
    drawn = []
    while position := positions.draw():
        positions.take(*position)
        drawn.append(position)
    return drawn


def shared(one: tuple[int, int], other: tuple[int, int], side: int) -> int:
    return max(0, side - abs(one[0] - other[0])) * max(0, side - abs(one[1] - other[1]))


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.6])
def test_windows_overlap_at_most_as_requested_and_fill_the_scene(overlap):
    side, size = 8, (45, 70)
    positions = draw_all(WindowPositions(size, side, 3, "scene", overlap))
    limit = overlap * side * side
    assert all(shared(one, other, side) <= limit for one in positions for other in positions if one != other)
    # No position is left: every position overlaps a window or is one.
    for row in range(size[0] - side + 1):
        for column in range(size[1] - side + 1):
            assert any(shared((row, column), position, side) > limit for position in positions)
    assert all(0 <= row <= size[0] - side and 0 <= column <= size[1] - side for row, column in positions)


def test_the_draw_depends_on_seed_and_scene_alone():
    first = draw_all(WindowPositions((60, 60), 10, 1, "a"))
    assert first == draw_all(WindowPositions((60, 60), 10, 1, "a"))
    assert first != draw_all(WindowPositions((60, 60), 10, 2, "a"))
    assert first != draw_all(WindowPositions((60, 60), 10, 1, "b"))


def test_every_position_is_equally_likely():
    counts = np.zeros((4, 6), int)
    for seed in range(4800):
        counts[WindowPositions((11, 13), 8, seed, "s").draw()] += 1
    # 200 are expected at each of 24 positions; chi-squared with 23 degrees of freedom is below 50 in 999 of 1000 draws.
    assert ((counts - 200) ** 2 / 200).sum() < 50


def test_rejected_windows_rule_out_their_neighbourhood():
    positions = WindowPositions((100, 100), 32, 0, "s")
    before = positions.count
    positions.reject(40, 40, visible=0.94, threshold=0.95)
    # A sixteenth of 32 is 2 pixels: positions less than 2 away, 3 x 3 of them, are gone.
    assert before - positions.count == 9
    positions.reject(0, 0, visible=0.94, threshold=0.95)
    assert before - positions.count == 9 + 4


@pytest.mark.parametrize("seed", range(5))
def test_rejection_rules_out_no_sufficient_position_farther_away(seed):
    # Visible pixels are a random half plane; the share of every position is computed directly.
    random = np.random.default_rng(seed)
    side, size, threshold = 32, 90, 0.95
    rows, columns = np.mgrid[0:size, 0:size]
    angle = random.uniform(0, 2 * np.pi)
    visible = (rows - 45) * np.sin(angle) + (columns - 45) * np.cos(angle) < random.uniform(-20, 20)
    shares = np.lib.stride_tricks.sliding_window_view(visible, (side, side)).mean(axis=(2, 3))
    positions = WindowPositions((size, size), side, seed, "s")
    rejections = []
    while position := positions.draw():
        if shares[position] >= threshold:
            positions._rule_out(*position, np.ones((1, 1), bool))
            shares[position] = -1
        else:
            positions.reject(*position, shares[position], threshold)
            rejections.append(position)
    for row, column in np.argwhere(shares >= threshold):
        assert min(max(abs(row - r), abs(column - c)) for r, c in rejections) < 2


def test_a_scene_smaller_than_the_window_has_no_position():
    assert WindowPositions((7, 100), 8, 0, "s").draw() is None
    assert WindowPositions((8, 8), 8, 0, "s").draw() == (0, 0)
