"""Strips of a scene: their windows are those that the scene gives, and each pixel is read once."""

import numpy as np
import pytest

from pix2earth.mapping.scene import validity
from pix2earth.mapping.strips import reading
from pix2earth.mapping.strips.reading import strips
from pix2earth.mapping.strips.windows import Windows


@pytest.fixture
def counted(array_scene):
    """``counted(values)``: a scene, and how often each of its pixels was read."""

    def made(values):
        scene, counts = array_scene(values), np.zeros(values.shape[:2], int)
        read = scene.read

        def counting(row, column, height, width):
            counts[row : row + height, column : column + width] += 1
            return read(row, column, height, width)

        scene.read = counting
        return scene, counts

    return made


@pytest.mark.parametrize("overlap", [0, 7, 16])
@pytest.mark.parametrize("size", [(101, 70), (32, 32), (33, 20), (20, 90), (1, 1)])
def test_windows_of_strips_are_those_of_the_scene(counted, monkeypatch, size, overlap):
    monkeypatch.setattr(reading, "COLUMNS", 24)
    values = np.random.default_rng(1).random((*size, 4))
    values[values < 0.1] = np.nan
    scene, counts = counted(values)
    starts = Windows(size[0], 32, overlap).starts
    found = list(strips(scene, starts, (32, 32), 2, lambda pixels: 2 * pixels))
    assert len(found) == len(starts) and (counts == 1).all()
    padding = (0, max(0, 32 - size[0])), (0, max(0, 32 - size[1])), (0, 0)
    for start, strip in zip(starts, found, strict=True):
        expected = np.pad(values[start : start + 32].astype(np.float32), padding, "symmetric")
        assert np.array_equal(strip.values, 2 * expected, equal_nan=True)
        assert np.array_equal(strip.valid, validity(expected, 2))


def test_a_field_of_one_pixel_is_the_same_for_all_rows(counted):
    scene, counts = counted(np.full((1, 1, 2), 40.0))
    found = list(strips(scene, [0, 0, 0], (1, 1), 1, lambda pixels: pixels))
    assert [strip.values.tolist() for strip in found] == [[[[40.0, 40.0]]]] * 3 and counts.tolist() == [[1]]
