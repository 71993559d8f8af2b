"""The residual upsampler: bicubic at first, exact about the coarse grid, clear about ratios."""

import keras
import numpy as np
import pytest


def without_correction(gan):
    """Set the last layer to exactly zero."""
    last = gan.generator.get_layer("correction")
    last.set_weights([np.zeros_like(weight) for weight in last.get_weights()])


@pytest.mark.parametrize("ratio", [2, 3])
def test_bicubic_at_first(ratio, plugin, experiment):
    """Nearly so as built, exactly so without the correction."""
    exp = experiment(16 * ratio, RATIO=float(ratio))
    gan = plugin("residual_upsampler").GAN(exp)
    coarse = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 5)).astype("float32")
    fine = coarse.repeat(ratio, axis=1).repeat(ratio, axis=2)
    size = (16 * ratio, 16 * ratio)
    bicubic = keras.ops.image.resize(coarse[..., [2, 1, 0]], size, interpolation="bicubic")
    np.testing.assert_allclose(gan.generator(fine), bicubic, atol=0.05)
    without_correction(gan)
    np.testing.assert_allclose(gan.generator(fine), bicubic, atol=1e-6)


def test_bands_that_the_input_lacks_are_projected(plugin, experiment, batch):
    """And the projection learns through the interpolation."""
    exp = experiment(32, SHARED_BANDS=None)
    gan = plugin("residual_upsampler").GAN(exp)
    before = gan.generator.get_layer("projection").get_weights()[0]
    gan.train_step(**batch(exp))
    assert not np.array_equal(before, gan.generator.get_layer("projection").get_weights()[0])


def test_params(plugin, experiment):
    """All three settings reach the networks."""
    exp = experiment(32, PARAMS={"blocks": 0, "filters": 8, "discriminator_filters": 8})
    gan = plugin("residual_upsampler").GAN(exp)
    assert gan.generator.count_params() < 3_000
    assert gan.discriminator.count_params() < 20_000


@pytest.mark.parametrize("ratio", [None, 1.0, 2.5, 0.5])
def test_ratio_must_be_whole(ratio, plugin, experiment):
    """Enlarging by 1 or by 2.5 is another model's work."""
    with pytest.raises(ValueError, match=rf"2, 3, \.\.\., not {ratio}"):
        plugin("residual_upsampler").GAN(experiment(64, RATIO=ratio))


def test_ratio_must_divide(plugin, experiment):
    """The message names ratio and size."""
    with pytest.raises(ValueError, match=r"ratio 3 needs .* multiples of 3, not 64 and 64"):
        plugin("residual_upsampler").GAN(experiment(64, RATIO=3.0))


@pytest.mark.parametrize("bands", [[0, 1], [0, 1, 5], [0, 1, -1]])
def test_shared_bands_must_fit(bands, plugin, experiment):
    """One for each target band, and one that exists."""
    with pytest.raises(ValueError, match=r"one input band \(0 to 4\) for each of the 3 target bands"):
        plugin("residual_upsampler").GAN(experiment(64, SHARED_BANDS=bands))
