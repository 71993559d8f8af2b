"""Losses of hidden pixels and patches, against NumPy."""

import numpy as np
import pytest

from losses.hidden import disc_hinge_hidden, gen_hinge_hidden, hidden_patches, l2_hidden

RANDOM = np.random.default_rng(0)


def normal(*shape):
    return RANDOM.normal(size=shape).astype("float32")


def mask(*shape):
    return RANDOM.integers(0, 2, shape).astype("float32")


def test_a_patch_with_one_hidden_pixel_is_hidden():
    hidden = np.zeros((1, 4, 8, 2), "float32")
    hidden[0, 3, 4, 1] = 1
    expected = np.zeros((1, 1, 2, 2))
    expected[0, 0, 1, 1] = 1
    np.testing.assert_array_equal(hidden_patches(hidden, 4), expected)


def test_hinge_losses_are_means_over_all_patches():
    real, false, patches = normal(2, 3, 3, 1), normal(2, 3, 3, 1), mask(2, 3, 3, 4)
    clear = patches == 0
    true, fake = (np.broadcast_to(each, patches.shape) for each in (real, false))
    expected = np.where(clear, 0, np.maximum(1 - true, 0)).mean() + np.where(clear, 0, np.maximum(1 + fake, 0)).mean()
    assert float(disc_hinge_hidden(real, false, patches)) == pytest.approx(expected, rel=1e-5)
    assert float(gen_hinge_hidden(false, patches)) == pytest.approx(-np.where(clear, 0, fake).mean(), rel=1e-4)


def test_squared_errors_are_a_mean_over_hidden_pixels():
    generated, target, hidden = normal(2, 4, 4, 6), normal(2, 4, 4, 6), mask(2, 4, 4, 3)
    expected = np.square(generated - target)[hidden.repeat(2, axis=-1) > 0].mean()
    assert float(l2_hidden(generated, target, hidden)) == pytest.approx(expected, rel=1e-5)
    assert float(l2_hidden(generated, target, 0 * hidden)) == 0
