"""Windows: they cover a scene, and joined predictions of an image are the image."""

import numpy as np
import pytest

from pix2earth.mapping.strips.windows import Windows, crossfade, join

SIZES = [
    (1, 8, 2),
    (8, 8, 2),
    (9, 8, 2),
    (517, 64, 16),
    (301, 64, 32),
    (100, 7, 3),
    (100, 7, 0),
    (11, 1, 0),
    (65, 64, 32),
]


@pytest.mark.parametrize(("length", "side", "overlap"), SIZES)
def test_windows_cover_the_scene_and_end_with_it(length, side, overlap):
    windows = Windows(length, side, overlap)
    assert windows.starts[0] == 0 and windows.starts[-1] == max(0, length - side)
    steps = np.diff(windows.starts)
    assert (steps >= 1).all() and (steps <= side - overlap).all()


@pytest.mark.parametrize(("length", "side", "overlap"), SIZES)
def test_fades_lie_inside_the_overlaps_and_do_not_meet(length, side, overlap):
    windows = Windows(length, side, overlap)
    for index in range(1, len(windows)):
        first, last = windows.fades[index]
        assert last - first == overlap // 2
        margin = overlap // 4
        assert windows.starts[index] + margin <= first and last + margin <= windows.starts[index - 1] + side
        assert first >= windows.fades[index - 1][1]


def test_a_crossfade_of_equals_is_exact_and_rises_in_half_a_cosine():
    random = np.random.default_rng(3)
    values = (random.normal(size=(5, 33, 2)) * 10.0 ** random.integers(-30, 30, (5, 33, 2))).astype(np.float32)
    for axis in (0, 1):
        assert np.array_equal(crossfade(values, values, axis), values)
    faded = crossfade(np.zeros((8, 1, 1), np.float32), np.ones((8, 1, 1), np.float32), 0)[:, 0, 0]
    np.testing.assert_allclose(faded, np.sin(np.pi / 2 * (np.arange(8) + 0.5) / 8) ** 2, atol=2**-16)


def test_blocks_have_one_weight_so_that_blending_keeps_their_averages():
    random = np.random.default_rng(4)
    coarse = random.random((6, 5, 2))
    one, other = (random.random((12, 10, 2)) for _ in range(2))
    for values in (one, other):
        values += (coarse - averages(values)).repeat(2, 0).repeat(2, 1)
    for axis in (0, 1):
        faded = crossfade(one.astype(np.float32), other.astype(np.float32), axis, 2)
        np.testing.assert_allclose(averages(faded), coarse, atol=1e-6)
        assert np.abs(averages(crossfade(one, other, axis)) - coarse).max() > 1e-3


def averages(values):
    height, width, count = values.shape
    return values.reshape(height // 2, 2, width // 2, 2, count).mean((1, 3))


@pytest.mark.parametrize(("factor", "block"), [(2, 2), (1, 2), (1, 3)])
@pytest.mark.parametrize(("length", "side", "overlap"), [(60, 24, 11), (96, 24, 12), (120, 24, 7)])
def test_fades_begin_and_end_between_blocks(length, side, overlap, factor, block):
    windows = Windows(length, side, overlap, factor, block)
    assert all(edge % block == 0 for fade in windows.fades for edge in fade)


def test_an_empty_crossfade():
    empty = np.zeros((0, 3, 2), np.float32)
    assert crossfade(empty, empty, 0).shape == (0, 3, 2)


@pytest.mark.parametrize("factor", [1, 3])
@pytest.mark.parametrize(("length", "side", "overlap"), SIZES)
def test_windows_of_an_image_are_joined_to_the_image(length, side, overlap, factor):
    windows = Windows(length, side, overlap, factor)
    image = np.random.default_rng(1).random((4, length * factor, 2), np.float32)
    padded = np.pad(image, ((0, 0), (0, side * factor), (0, 0)))
    pieces = [padded[:, start * factor : (start + side) * factor] for start in windows.starts]
    assert np.array_equal(join(iter(pieces), windows, factor), image)
