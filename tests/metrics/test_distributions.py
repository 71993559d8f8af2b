"""Distances of distributions: by NumPy, SciPy and scikit-learn, by what blur and noise do to them."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.signal import correlate
from scipy.stats import wasserstein_distance
from sklearn.metrics.pairwise import polynomial_kernel

from metrics import DISTANCES, GROUPS, OF_SETS, Scale
from metrics.distributions import kernel, pixel_values, random_network

SCALE = Scale(0.5, low=0.1)


@pytest.fixture(scope="module")
def images():
    """Two sets of 120 smooth images with fine detail, of one distribution, values 0.1 to 0.6 (image, 32, 32, 3)."""
    random = np.random.default_rng(5)
    noise = random.random((240, 32, 32, 3))
    smooth = gaussian_filter(noise, (0, 3, 3, 0)) * 4 + 0.4 * gaussian_filter(noise, (0, 0.7, 0.7, 0)) - 1.8
    values = np.clip(0.35 + 0.25 * (smooth - smooth.mean()), 0.1, 0.6).astype(np.float32)
    return values[:120], values[120:]


def kid(target, prediction, mask=None):
    return kernel.kid(kernel.features_of_both(target, prediction, mask, SCALE).numpy(), 32, SCALE)


def test_features_by_scipy(images):
    """The convolutions of the first two layers once more; SAME pads one row more below and on the right."""
    image = images[0][:2].astype(np.float64)
    found = random_network.features(image).numpy()
    assert found.shape == (2, random_network.FEATURES) and found.dtype == np.float64
    for index in range(2):
        values = image[index]
        for number, place in ((0, 0), (1, 32)):
            draws = np.random.Generator(np.random.PCG64([random_network.SEED, number]))
            shape = (3, 3, values.shape[-1], random_network.WIDTHS[number])
            weights = draws.standard_normal(shape) * np.sqrt(2 / (9 * shape[2]))
            if number == 0:
                weights[..., :16] -= weights[..., :16].mean(axis=(0, 1))
            padded = np.pad(values, ((0, 1), (0, 1), (0, 0)))
            outputs = [correlate(padded, weights[..., one], "valid")[::2, ::2, 0] for one in range(shape[3])]
            values = np.maximum(np.stack(outputs, axis=-1), 0)
            wanted = np.log10(values.mean(axis=(0, 1)) + 1e-3) + 1.5
            np.testing.assert_allclose(found[index, place : place + shape[3]], wanted, rtol=1e-9)


def test_weights_are_those_of_the_stated_seed():
    """A change of seed, generator or order would change all published values."""
    first, second = random_network.weights(3)[:2]
    assert first.shape == (3, 3, 3, 32) and second.shape == (3, 3, 32, 64)
    draws = np.random.Generator(np.random.PCG64([20260101, 1])).standard_normal(2)
    np.testing.assert_allclose(second.ravel()[:2], draws * np.sqrt(2 / (9 * 32)), rtol=1e-12)
    np.testing.assert_allclose(second.ravel()[:2], [-0.10844102336298567, -0.06638976826895798], rtol=1e-9)
    assert random_network.weights(13)[0].shape == (3, 3, 13, 32)


def test_kid_by_scikit_learn(images):
    """Sums over pairs of different images, one by one; the kernel is that of scikit-learn."""
    features = kernel.features_of_both(*images, None, SCALE).numpy()
    x, y = features[:, 0], features[:, 1]
    kernels = {
        name: polynomial_kernel(*pair, degree=3, coef0=1, gamma=1 / x.shape[1])
        for name, pair in {"xx": (x, x), "yy": (y, y), "xy": (x, y)}.items()
    }
    count, total = len(x), 0.0
    for i in range(count):
        for j in range(count):
            if i != j:
                total += kernels["xx"][i, j] + kernels["yy"][i, j] - kernels["xy"][i, j] - kernels["xy"][j, i]
    assert kernel.kid(features, 32, SCALE) == pytest.approx(total / (count * (count - 1)), rel=1e-9)


def test_kid_is_near_the_published_estimator(images):
    """That of Binkowski et al. has the pairs (x_i, y_i) too; both have no bias for independent images."""
    features = kernel.features_of_both(*images, None, SCALE).numpy()
    x, y = features[:, 0], features[:, 1]
    own = [(k.sum() - np.trace(k)) / (120 * 119) for k in (kernel.kernel(x, x), kernel.kernel(y, y))]
    published = sum(own) - 2 * kernel.kernel(x, y).mean()
    blurred = gaussian_filter(images[1], (0, 1, 1, 0))
    assert abs(kernel.kid(features, 32, SCALE) - published) < 0.1 * kid(images[0], blurred)


def test_equal_distributions_are_about_0_and_blur_and_noise_are_farther(images):
    random = np.random.default_rng(1)
    features = random_network.features((np.concatenate(images) - 0.1) / 0.5 * 2 - 1).numpy()
    halves = [features[random.permutation(240)].reshape(120, 2, -1) for _ in range(30)]
    equal = [kernel.kid(half, 32, SCALE) for half in halves]
    assert abs(np.mean(equal)) < np.std(equal)  # of halves of one set, drawn at random
    blurred = [kid(images[0], gaussian_filter(images[1], (0, sigma, sigma, 0))) for sigma in (0.6, 1.0, 1.6)]
    noisy = [kid(images[0], images[1] + random.normal(0, sigma, images[1].shape)) for sigma in (0.01, 0.03, 0.09)]
    bright = [kid(images[0], images[1] + more) for more in (0.02, 0.05, 0.1)]
    for row in (blurred, noisy, bright):
        assert row == sorted(row) and row[1] > 5 * np.std(equal), (np.std(equal), row)
    assert kid(images[0], images[0]) == 0.0  # an image and its own prediction are no independent pair


def test_kid_without_images_and_masked_pixels(images):
    target, prediction = images[0][:3], images[1][:3].copy()
    assert np.isnan(kernel.kid(np.zeros((1, 2, 4)), 32, SCALE))
    mask = np.ones((3, 32, 32), bool)
    mask[1, 5, 5] = False
    prediction[2, 0, 0, 0] = np.inf
    for function in (kernel.features_of_both, pixel_values.values_of_both):
        found = function(target, prediction, mask, SCALE).numpy()
        assert np.isnan(found[1]).all() and np.isfinite(found[0]).all()
    assert np.isnan(kernel.features_of_both(target, prediction, mask, SCALE).numpy()[2, 1]).all()


def test_wasserstein_by_scipy(images):
    target, prediction = images[0], images[1] * 1.3 - 0.05
    values = pixel_values.values_of_both(target, prediction, None, SCALE).numpy()
    assert values.shape == (120, 2, 256, 3)
    rows = np.array([1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31])
    by_band = [
        wasserstein_distance(target[:, rows][:, :, rows, band].ravel(), prediction[:, rows][:, :, rows, band].ravel())
        for band in range(3)
    ]
    assert pixel_values.wasserstein(values, 32, SCALE) == pytest.approx(np.mean(by_band), rel=1e-5)
    assert pixel_values.wasserstein(values[:, [0, 0]], 32, SCALE) == 0
    assert np.isnan(pixel_values.wasserstein(values[:0], 32, SCALE))


def test_a_grid_of_small_and_odd_sides():
    assert pixel_values.places(3).tolist() == [0, 1, 2]
    assert pixel_values.places(64).tolist() == list(range(2, 64, 4))
    assert len(pixel_values.places(17)) == 16


def test_they_are_figures_of_sets():
    assert list(GROUPS["distributions"]) == ["KID", "W1"] and DISTANCES.keys() <= OF_SETS.keys()
