"""Degradation against SciPy's Gaussian filter and NumPy's means over blocks."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pix2earth.records.degradation import degraded, degraded_stored
from pix2earth.records.degradation_schema import Degradation
from pix2earth.settings.errors import InvalidData

SIGMA = 2.3548200450309493  # full width at half maximum in standard deviations


def block_means(image, factor):
    height, width, bands = image.shape
    return image.reshape(height // factor, factor, width // factor, factor, bands).mean((1, 3))


def image(dtype=float):
    return np.random.default_rng(1).integers(1, 9000, (48, 96, 2)).astype(dtype)


@pytest.mark.parametrize("factor", [2, 3, 4, 6, 12])
def test_averages_are_means_over_blocks(factor):
    average = Degradation(kind="average", factor=factor)
    np.testing.assert_allclose(degraded(image(), average), block_means(image(), factor), rtol=1e-14)
    # Halves, of which there are many where the factor is even, are rounded to even numbers.
    expected = np.rint(block_means(image(), factor))
    assert np.array_equal(degraded_stored(image("uint16"), average), expected)


@pytest.mark.parametrize(("factor", "fwhm"), [(2, 0.5), (3, 3.0), (4, 4.8), (6, 12.0), (4, 40.0)])
def test_gaussians_are_those_of_scipy(factor, fwhm):
    filtered = gaussian_filter(image(), fwhm / SIGMA, axes=(0, 1), mode="nearest")
    result = degraded(image(), Degradation(kind="gaussian", factor=factor, fwhm=fwhm))
    np.testing.assert_allclose(result, block_means(filtered, factor), rtol=1e-12)


def test_missing_pixels_have_no_weight():
    tile = image()
    tile[:4, :4] = np.nan
    tile[4:8, :3] = np.nan
    tile[8:12, 0] = np.nan
    average = degraded(tile, Degradation(kind="average", factor=4))
    assert np.isnan(average[:2, 0]).all() and np.isfinite(average).sum() == average.size - 4
    np.testing.assert_allclose(average[2, 0], tile[8:12, 1:4].mean((0, 1)))
    # A filter of what is measured, divided by the filtered mask.
    sigma, valid = 3.0 / SIGMA, np.isfinite(tile)
    numbers = [np.where(valid, tile, 0), valid.astype(float)]
    total, weight = (block_means(gaussian_filter(one, sigma, axes=(0, 1), mode="nearest"), 4) for one in numbers)
    expected = np.where(weight >= 0.5, total / weight, np.nan)
    np.testing.assert_allclose(degraded(tile, Degradation(kind="gaussian", factor=4, fwhm=3.0)), expected)
    stored = degraded_stored(np.where(valid, tile, 0).astype(np.uint16), Degradation(kind="average", factor=4))
    assert np.array_equal(stored == 0, np.isnan(average))


def test_a_factor_that_does_not_divide_the_sides():
    result = degraded(np.ones((64, 64, 1)), Degradation(kind="gaussian", factor=3, fwhm=3.0))
    assert result.shape == (21, 21, 1)
    np.testing.assert_allclose(result, 1)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"kind": "gaussian", "factor": 4}, "gaussian needs fwhm"),
        ({"kind": "average", "factor": 4, "fwhm": 2.0}, "average has no fwhm"),
        ({"kind": "average", "factor": 1}, "factor: must be greater than or equal to 2"),
        ({"kind": "average", "factor": 2.5}, "factor: must be an integer"),
        ({"kind": "gaussian", "factor": 4, "fwhm": 0.0}, "fwhm: must be greater than 0"),
        ({"kind": "bicubic", "factor": 4}, "kind: must be one of average, gaussian"),
    ],
)
def test_wrong_keys_are_errors(keys, fault):
    with pytest.raises(InvalidData, match=fault):
        Degradation(**keys)
