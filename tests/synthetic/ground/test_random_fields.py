"""Random fields: their covariance and power spectrum against the requested ones."""

import itertools

import numpy as np
import pytest
from sklearn.gaussian_process import kernels

from synthetic.ground.random_fields import covariance_field, kernel_correlation, power_law_field
from synthetic.streams import stream

SIZE = 256


@pytest.fixture(scope="module")
def smooth():
    """32 fields of squared exponential covariance, length scale 2.5 pixels."""
    kernel = kernel_correlation("rbf", np.arange(2 * SIZE), length_scale=2.5)
    drawn = [covariance_field(stream(7, "texture", 0, number), (SIZE, SIZE), kernel) for number in range(32)]
    return np.stack(drawn).astype(np.float64)


def test_a_covariance_field_has_mean_0_and_deviation_1(smooth):
    assert smooth.mean() == pytest.approx(0, abs=0.01)
    assert smooth.std() == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("lag", [1, 2, 5])
@pytest.mark.parametrize("axis", [1, 2])
def test_a_covariance_field_is_correlated_as_requested_along_both_axes(smooth, lag, axis):
    rolled = np.moveaxis(smooth, axis, 1)
    correlation = (rolled[:, lag:] * rolled[:, :-lag]).mean() / (smooth**2).mean()
    assert correlation == pytest.approx(np.exp(-(lag**2) / (2 * 2.5**2)), abs=0.03)


def test_successive_fields_are_not_correlated(smooth):
    pairs = zip(smooth[::2], smooth[1::2], strict=True)
    correlations = [np.corrcoef(first.ravel(), second.ravel())[0, 1] for first, second in pairs]
    assert np.mean(correlations) == pytest.approx(0, abs=0.03)


def test_a_field_need_not_be_square():
    kernel = kernel_correlation("rbf", np.arange(200), length_scale=2.0)
    assert covariance_field(stream(7, "texture"), (40, 100), kernel).shape == (40, 100)
    assert power_law_field(stream(7, "texture"), (40, 100), 2.5).shape == (40, 100)


@pytest.mark.parametrize(
    ("name", "parameters", "reference"),
    [
        ("rbf", {"length_scale": 4.0}, kernels.RBF(4.0)),
        ("rational_quadratic", {"length_scale": 3.0, "alpha": 0.7}, kernels.RationalQuadratic(3.0, 0.7)),
        ("sin_squared", {"length_scale": 1.5, "periodicity": 9.0}, kernels.ExpSineSquared(1.5, 9.0)),
        ("constant", {"constant_value": 0.3}, kernels.ConstantKernel(0.3)),
    ],
)
def test_kernels_are_those_of_scikit_learn(name, parameters, reference):
    distances = np.arange(40.0)
    np.testing.assert_allclose(
        kernel_correlation(name, distances, **parameters), reference(distances[:, None], [[0.0]])[:, 0]
    )


def test_length_scales_beyond_the_limit_of_the_original_generator():
    kernel = kernel_correlation("rbf", np.arange(2 * 337), length_scale=12.0)
    field = covariance_field(stream(7, "texture"), (256, 337), kernel).astype(np.float64)
    correlation = (field[:, 6:] * field[:, :-6]).mean() / (field**2).mean()
    assert correlation == pytest.approx(np.exp(-(6**2) / (2 * 12**2)), abs=0.05)


def test_a_correlation_that_does_not_fall_off_is_an_error():
    with pytest.raises(ValueError, match="use a shorter length scale"):
        kernel = kernel_correlation("sin_squared", np.arange(32), length_scale=0.5, periodicity=9.0)
        covariance_field(stream(7, "texture"), (16, 16), kernel)


def spectral_slope(fields: np.ndarray) -> float:
    """Return the slope of log power against log radial frequency, by windowed periodograms averaged over fields."""
    side = fields.shape[-1]
    window = np.hanning(side)[:, None] * np.hanning(side)
    power = np.mean([np.abs(np.fft.fft2((field - field.mean()) * window)) ** 2 for field in fields], axis=0)
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    edges = np.geomspace(4 / side, 0.4, 20)
    rings = [(radius >= low) & (radius < high) for low, high in itertools.pairwise(edges)]
    points = [(np.log(radius[ring].mean()), np.log(power[ring].mean())) for ring in rings if ring.any()]
    return float(np.polyfit(*np.transpose(points), 1)[0])


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.5, 3.0])
def test_power_falls_with_frequency_by_the_requested_slope(slope):
    fields = np.stack([power_law_field(stream(7, "clouds", 1, number), (SIZE, SIZE), slope) for number in range(16)])
    assert spectral_slope(fields) == pytest.approx(-slope, abs=0.2)


def test_opposite_borders_are_not_correlated():
    fields = [power_law_field(stream(7, "clouds", 2, number), (64, 64), 3.0) for number in range(200)]
    left, right, neighbour = (np.array([field[32, column] for field in fields]) for column in (0, 63, 1))
    assert np.corrcoef(left, neighbour)[0, 1] > 0.9
    assert np.corrcoef(left, right)[0, 1] < 0.3


def test_beyond_the_outer_scale_power_does_not_rise():
    fields = np.stack(
        [power_law_field(stream(7, "clouds", 3, number), (SIZE, SIZE), 3.0, outer_scale=16) for number in range(16)]
    )
    spectrum = np.mean([np.abs(np.fft.fft2(field * np.hanning(SIZE))) ** 2 for field in fields], axis=0)
    radius = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.fftfreq(SIZE)[None])
    long, longer = (
        spectrum[(radius > low) & (radius < high)].mean() for low, high in ((1 / 64, 1 / 48), (1 / 128, 1 / 96))
    )
    assert longer / long == pytest.approx(1.0, abs=0.3)
