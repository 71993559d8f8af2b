"""Radar observation: speckle against the Gamma distribution, and decibels."""

import numpy as np
import pytest
from scipy import stats

from synthetic.observing import radar
from synthetic.streams import stream

SHAPE = (512, 512, 2)


@pytest.fixture(scope="module", params=[1.0, 4.4, 12.0])
def speckle(request):
    """Number of looks, and the speckle of ones."""
    return request.param, radar.speckled(stream(7, "speckle"), np.ones(SHAPE, np.float32), request.param).astype(float)


def test_speckle_has_mean_1_and_the_variance_of_its_looks(speckle):
    looks, drawn = speckle
    assert drawn.mean() == pytest.approx(1, abs=0.005)
    assert drawn.var() == pytest.approx(1 / looks, rel=0.02)


def test_flat_ground_has_the_requested_number_of_looks(speckle):
    looks, drawn = speckle
    for polarisation in range(2):
        flat = 0.05 * drawn[..., polarisation]
        assert flat.mean() ** 2 / flat.var() == pytest.approx(looks, rel=0.03)


def test_speckle_is_gamma_distributed(speckle):
    looks, drawn = speckle
    assert stats.kstest(drawn[..., 0].ravel(), stats.gamma(looks, scale=1 / looks).cdf).pvalue > 0.01


def test_speckle_is_independent_of_polarisation_time_step_and_signal(speckle):
    looks, drawn = speckle
    signal = stream(7, "texture").random(SHAPE, np.float32)
    later = radar.speckled(stream(7, "speckle", 0, 1), np.ones(SHAPE, np.float32), looks)
    ratio = radar.speckled(stream(7, "speckle"), 0.1 + signal, looks) / (0.1 + signal)
    for first, second in ((drawn[..., 0], drawn[..., 1]), (drawn, later), (ratio, signal)):
        assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.01


def test_decibels_are_clipped_to_their_range():
    power = np.array([1e-9, 0.0, 10**-2.5, 0.1, 1.0, 50.0])
    np.testing.assert_allclose(radar.decibels(power), [-25, -25, -25, -10, 0, 0], atol=1e-5)
    assert radar.decibels(power).dtype == np.float32
