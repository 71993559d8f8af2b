"""Overviews: means of 2 x 2 pixels level by level, against NumPy's own means, also with gaps and odd sides."""

import warnings

import numpy as np
import pytest

from pix2earth.mapping.strips.overviews import ROWS, halved, write_overviews


def by_numpy(pixels):
    """Return the means of blocks of 2 x 2, of what is there."""
    height, width, bands = pixels.shape
    padded = np.full((height + height % 2, width + width % 2, bands), np.nan)
    padded[:height, :width] = pixels
    blocks = padded.reshape(len(padded) // 2, 2, -1, 2, bands)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # blocks without any pixel
        return np.nanmean(blocks, axis=(1, 3))


def pixels(height, width, bands=3, gaps=True):
    values = np.random.default_rng(height).random((height, width, bands), np.float32)
    if gaps:
        values[: height // 2, : width // 3] = np.nan
        values[np.random.default_rng(1).random(values.shape) < 0.05] = np.nan
    return values


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (1, 5), (2, 1)])
@pytest.mark.parametrize("gaps", [True, False])
def test_means_are_those_of_what_is_there(size, gaps):
    values = pixels(*size, gaps=gaps)
    found = halved(values)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_numpy(values), rtol=1e-6)


def test_levels_go_on_to_the_smallest(tmp_path):
    values = pixels(2 * ROWS + 77, 1100, 2)
    values.tofile(tmp_path / "rows.raw")
    levels = write_overviews(tmp_path / "rows.raw", values.shape, averaged=True)
    assert [level.size for level in levels] == [(295, 550), (148, 275)]
    expected = values
    for level in levels:
        expected = by_numpy(expected.astype(np.float32))
        found = np.fromfile(level.path, "<f4").reshape(*level.size, 2)
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_codes_are_not_averaged(tmp_path):
    codes = np.random.default_rng(0).integers(0, 9, (601, 30, 1)).astype(np.float32)
    codes.tofile(tmp_path / "rows.raw")
    (level,) = write_overviews(tmp_path / "rows.raw", codes.shape, averaged=False)
    assert np.array_equal(np.fromfile(level.path, "<f4").reshape(301, 15), codes[::2, ::2, 0])


def test_small_maps_have_none(tmp_path):
    assert write_overviews(tmp_path / "rows.raw", (512, 400, 1), averaged=True) == []
