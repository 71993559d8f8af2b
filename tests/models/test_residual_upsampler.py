"""The residual upsampler: it starts with bicubic upsampling, and its errors for ratios and bands that do not fit."""

import keras
import numpy as np
import pytest

from tests.networks import random_batch


@pytest.mark.parametrize("ratio", [2, 3])
def test_it_starts_with_bicubic_upsampling(ratio, build_networks):
    """Nearly with the initial weights, exactly without the correction."""
    gan = build_networks("residual_upsampler", 16 * ratio, ratio=float(ratio))
    coarse = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 5)).astype("float32")
    fine = coarse.repeat(ratio, axis=1).repeat(ratio, axis=2)
    size = (16 * ratio, 16 * ratio)
    bicubic = keras.ops.image.resize(coarse[..., [2, 1, 0]], size, interpolation="bicubic")
    np.testing.assert_allclose(gan.generator(fine), bicubic, atol=0.05)
    correction = gan.generator.get_layer("correction")
    correction.set_weights([np.zeros_like(weight) for weight in correction.get_weights()])
    np.testing.assert_allclose(gan.generator(fine), bicubic, atol=1e-6)


def test_bands_that_the_input_lacks_are_a_learnt_combination(build):
    """Its weights get a gradient through the interpolation."""
    gan = build("residual_upsampler", 32, shared=False, params={"blocks": 1, "filters": 8, "discriminator_filters": 8})
    before = gan.generator.get_layer("projection").get_weights()[0]
    gan.train_step(**random_batch(gan.exp))
    assert not np.array_equal(before, gan.generator.get_layer("projection").get_weights()[0])


def test_params(build_networks):
    """All three settings change the networks."""
    gan = build_networks("residual_upsampler", 32, params={"blocks": 0, "filters": 8, "discriminator_filters": 8})
    assert gan.generator.count_params() < 3_000
    assert gan.discriminator.count_params() < 20_000


@pytest.mark.parametrize(("ratio", "message"), [(None, "1.0"), (1.0, "1.0"), (2.5, "2.5"), (0.5, "0.5")])
def test_a_ratio_that_is_no_integer_of_at_least_2_is_an_error(ratio, message, build):
    with pytest.raises(ValueError, match=rf"2, 3, \.\.\., not {message}"):
        build("residual_upsampler", 64, ratio=ratio)


def test_a_ratio_that_does_not_divide_the_size_is_an_error(build):
    with pytest.raises(ValueError, match=r"ratio 3 needs .* multiples of 3, not 64 and 64"):
        build("residual_upsampler", 64, ratio=3.0)


@pytest.mark.parametrize("bands", [[0, 1], [0, 1, 5], [0, 1, -1]])
def test_shared_bands_that_do_not_fit_are_an_error(bands, experiment, plugin):
    """One index for each target band, and of a band that exists."""
    opened = experiment("residual_upsampler", 64)
    opened.SHARED_BANDS = bands
    with pytest.raises(ValueError, match=r"one input band \(0 to 4\) for each of the 3 target bands"):
        plugin("residual_upsampler").GAN(opened)


def test_consistency_makes_averages_those_of_the_input(build_networks):
    gan = build_networks("residual_upsampler", 32, ratio=2.0, params={"consistency": True, "blocks": 1, "filters": 8})
    coarse = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 5)).astype("float32")
    output = np.asarray(gan.generator(coarse.repeat(2, axis=1).repeat(2, axis=2)))
    means = output.reshape(2, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(means, coarse[..., [2, 1, 0]], atol=1e-5)


def test_consistency_needs_the_bands_of_the_target(build_networks):
    with pytest.raises(ValueError, match="'consistency' needs the target's bands in the input"):
        build_networks("residual_upsampler", 32, shared=False, params={"consistency": True})
