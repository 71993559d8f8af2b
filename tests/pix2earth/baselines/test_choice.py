"""The baseline fits the dataset and its numbers are those of NumPy."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.baselines import choice
from pix2earth.records.manifest import Field

BANDS = ["B02", "B03", "B04"]


def field(*shape, bands=None, **about):
    bands = bands or BANDS[: shape[-1]]
    return Field(dtype="float32", shape=list(shape), bands=bands, **about)


def random(*shape):
    return np.random.default_rng(1).uniform(0, 1, shape).astype(np.float32)


@pytest.fixture
def predicted(manifest_of):
    """``predicted(source, target, values)``: what the chosen baseline makes of the input, as an array."""

    def make(source, target, values):
        return choice.choose(manifest_of(source, target)).predict(tf.constant(values)).numpy()

    return make


def keys_cubic(distance):
    """Keys' cubic kernel with a = -0.5 (Keys 1981, equation 4)."""
    distance = abs(distance)
    if distance <= 1:
        return 1.5 * distance**3 - 2.5 * distance**2 + 1
    return -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2 if distance < 2 else 0.0


def cubic_matrix(coarse, fine):
    """Weights (fine, coarse) of cubic interpolation between pixel centres; what lies outside does not count."""
    centres = (np.arange(fine) + 0.5) * coarse / fine - 0.5
    weights = np.array([[keys_cubic(centre - at) for at in range(coarse)] for centre in centres])
    return weights / weights.sum(axis=1, keepdims=True)


# ---- which one -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "name"),
    [
        (field(8, 8, 3, gsd=20.0), field(16, 16, 3, gsd=10.0), "bicubic"),
        (field(8, 8, 3), field(16, 16, 3), "bicubic"),
        (field(16, 16, 3, gsd=20.0), field(16, 16, 3, gsd=10.0), "bicubic"),
        (field(4, 16, 16, 3), field(16, 16, 3), "median"),
        (field(1, 16, 16, 3), field(16, 16, 3), "median"),
        (field(16, 16, 3), field(16, 16, 3), "copy"),
        (field(16, 16, 3, gsd=10.0), field(16, 16, 3), "copy"),
    ],
    ids=["coarse", "coarse without gsd", "stored upsampled", "time steps", "one time step", "same", "gsd of one only"],
)
def test_the_one_that_fits_is_chosen(manifest_of, source, target, name):
    assert choice.choose(manifest_of(source, target)).name == name


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (field(16, 16, 2), field(16, 16, 3)),
        (field(16, 16, 1, bands=["VV"]), field(16, 16, 1)),
        (field(16, 16, 3, units="mW m-2 sr-1 nm-1"), field(16, 16, 3)),
        (field(4, 16, 16, 3), field(4, 16, 16, 3)),
    ],
    ids=["a band is missing", "other bands", "other units", "a target of several dates"],
)
def test_where_none_fits_there_is_none(manifest_of, source, target):
    assert choice.choose(manifest_of(source, target)) is None


# ---- copy ----------------------------------------------------------------------------------------------------------


def test_copy_takes_the_targets_bands_in_their_order(predicted):
    values = random(2, 4, 4, 3)
    result = predicted(field(4, 4, 3), field(4, 4, 2, bands=["B04", "B02"]), values)
    np.testing.assert_array_equal(result, values[..., [2, 0]])


# ---- median --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dates", [1, 2, 3, 4, 7])
def test_median_is_numpys(predicted, dates):
    values = random(2, dates, 4, 5, 3)
    result = predicted(field(dates, 4, 5, 3), field(4, 5, 3), values)
    np.testing.assert_allclose(result, np.median(values, axis=1), rtol=1e-6)


def test_median_takes_the_targets_bands_in_their_order(predicted):
    values = random(1, 3, 4, 4, 3)
    result = predicted(field(3, 4, 4, 3), field(4, 4, 2, bands=["B04", "B02"]), values)
    np.testing.assert_allclose(result, np.median(values, axis=1)[..., [2, 0]], rtol=1e-6)


def test_a_cloud_on_one_of_three_dates_is_gone(predicted):
    values = np.full((1, 3, 4, 4, 1), 0.1, np.float32)
    values[:, 1] = 1.0
    np.testing.assert_array_equal(predicted(field(3, 4, 4, 1), field(4, 4, 1), values), values[:, 0])


# ---- bicubic -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_bicubic_is_keys_interpolation(predicted, factor):
    coarse = random(2, 8, 6, 3)
    fine = 8 * factor, 6 * factor
    result = predicted(field(8, 6, 3), field(*fine, 3), coarse)
    expected = np.einsum("yi,xj,nijb->nyxb", cubic_matrix(8, fine[0]), cubic_matrix(6, fine[1]), coarse.astype(float))
    assert result.shape == (2, *fine, 3)
    np.testing.assert_allclose(result, expected, atol=2e-3)  # TensorFlow tabulates the kernel at 1024 places


def test_bicubic_takes_the_targets_bands_in_their_order(predicted):
    coarse = random(1, 8, 8, 3)
    result = predicted(field(8, 8, 3), field(16, 16, 2, bands=["B04", "B02"]), coarse)
    np.testing.assert_array_equal(result, tf.image.resize(coarse[..., [2, 0]], (16, 16), method="bicubic"))


@pytest.mark.parametrize("stored", [8, 24])
def test_bicubic_of_a_constant_image_is_constant(predicted, stored):
    values = np.full((1, stored, stored, 1), 0.7, np.float32)
    result = predicted(field(stored, stored, 1, gsd=30.0), field(24, 24, 1, gsd=10.0), values)
    np.testing.assert_allclose(result, np.full((1, 24, 24, 1), 0.7), rtol=1e-6)


def test_an_input_that_was_stored_upsampled_is_averaged_to_its_own_grid_first(predicted):
    values = random(2, 24, 24, 3)
    coarse = values.reshape(2, 8, 3, 8, 3, 3).mean(axis=(2, 4))
    result = predicted(field(24, 24, 3, gsd=30.0), field(24, 24, 3, gsd=10.0), values)
    np.testing.assert_allclose(result, tf.image.resize(coarse, (24, 24), method="bicubic"), atol=1e-5)


def test_how_the_input_was_stored_makes_no_difference(predicted):
    coarse = random(1, 8, 8, 3)
    upsampled = coarse.repeat(3, axis=1).repeat(3, axis=2)
    target = field(24, 24, 3, gsd=10.0)
    one = predicted(field(8, 8, 3, gsd=30.0), target, coarse)
    other = predicted(field(24, 24, 3, gsd=30.0), target, upsampled)
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(("coarse_gsd", "fine_gsd"), [(60.0, 20.0), (1.8, 0.6), (1.05, 0.35), (11.4, 3.8)])
def test_a_ratio_that_is_not_exact_in_binary_loses_no_pixel(predicted, coarse_gsd, fine_gsd):
    values = random(1, 8, 8, 1)
    result = predicted(field(8, 8, 1, gsd=coarse_gsd), field(24, 24, 1, gsd=fine_gsd), values)
    np.testing.assert_allclose(result, tf.image.resize(values, (24, 24), method="bicubic"), atol=1e-6)


def test_an_input_that_is_not_square_is_upsampled_along_both_sides(predicted):
    values = random(1, 4, 8, 1)
    result = predicted(field(4, 8, 1, gsd=20.0), field(8, 16, 1, gsd=10.0), values)
    np.testing.assert_allclose(result, tf.image.resize(values, (8, 16), method="bicubic"), atol=1e-6)
