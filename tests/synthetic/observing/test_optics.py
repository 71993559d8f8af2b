"""Optical observation: point spread function, sampling and noise against statistics and formulas."""

import numpy as np
import pytest
from scipy import ndimage

from synthetic.observing import optics
from synthetic.streams import stream

KERNELS = [None, 0.8, 1.2, 2.0]


def image(side: int = 64, bands: int = 3) -> np.ndarray:
    return np.random.default_rng(7).random((side, side, bands)).astype(np.float32)


class TestSampling:
    @pytest.mark.parametrize("factor", [2, 4, 8])
    def test_block_means_keep_the_mean(self, factor):
        coarse = optics.observed(image(), factor)
        np.testing.assert_allclose(coarse.mean(axis=(0, 1)), image().mean(axis=(0, 1), dtype=np.float64), rtol=1e-5)
        blocks = image().astype(np.float64).reshape(64 // factor, factor, 64 // factor, factor, 3).mean(axis=(1, 3))
        np.testing.assert_allclose(coarse, blocks, atol=1e-6)

    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("shift", [(0.0, 0.0), (0.2, -0.15)])
    def test_is_linear(self, kernel, shift):
        first, second = image().astype(np.float64), image()[::-1].astype(np.float64)
        together = optics.observed(0.3 * first + 2 * second, 4, kernel, shift)
        separate = 0.3 * optics.observed(first, 4, kernel, shift) + 2 * optics.observed(second, 4, kernel, shift)
        assert np.abs(together - separate).max() < 1e-6

    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("factor", [1, 2, 3, 4])
    def test_keeps_constants_up_to_the_border(self, kernel, factor):
        constant = np.full((48, 48, 2), 0.7, np.float32)
        assert np.abs(optics.observed(constant, factor, kernel, (0.1, 0.1)) - 0.7).max() < 1e-6

    @pytest.mark.parametrize("factor", [2, 4])
    def test_block_means_divide_the_variance_of_noise_by_the_number_of_pixels(self, factor):
        noise = stream(7, "noise").standard_normal((1024, 1024, 1), np.float32)
        assert optics.observed(noise, factor).var() * factor**2 == pytest.approx(1, rel=0.03)

    @pytest.mark.parametrize("fwhm", [1.2, 0.8])
    def test_a_kernel_multiplies_the_variance_of_noise_by_the_sum_of_its_squares(self, fwhm):
        noise = stream(7, "noise").standard_normal((1024, 1024, 1), np.float32)
        variance = optics.observed(noise, 4, fwhm)[4:-4, 4:-4].var(dtype=np.float64)
        sigma = fwhm * 4 / 2.3548200450309493
        weights = np.exp(-((np.arange(-40, 40) + 0.5) ** 2) / (2 * sigma**2))
        weights /= weights.sum()
        assert variance == pytest.approx((weights**2).sum() ** 2, rel=0.03)

    def test_agrees_with_scipy(self):
        fine = image(64, 1)
        sigma = 3.0 / 2.3548200450309493
        expected = ndimage.gaussian_filter(fine[..., 0].astype(np.float64), sigma, truncate=4.0)
        blurred = optics.observed(fine, 1, 3.0)[..., 0]
        np.testing.assert_allclose(blurred[8:-8, 8:-8], expected[8:-8, 8:-8], atol=2e-4)

    def test_a_shift_moves_the_grid_down_and_right(self):
        ramp = np.stack(np.mgrid[:32, :32].astype(np.float32), axis=-1)
        moved = optics.observed(ramp, 4, 1.2, (0.25, -0.5)) - optics.observed(ramp, 4, 1.2)
        np.testing.assert_allclose(moved[3:-3, 3:-3, 0], 1.0, atol=1e-3)
        np.testing.assert_allclose(moved[3:-3, 3:-3, 1], -2.0, atol=1e-3)

    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("shift", [(-5.0, 0.0), (0.0, 7.0), (100.0, -100.0)])
    def test_beyond_the_border_the_border_is_observed(self, kernel, shift):
        constant = np.full((16, 16, 1), 0.7, np.float32)
        assert np.abs(optics.observed(constant, 4, kernel, shift) - 0.7).max() < 1e-6

    def test_a_factor_that_does_not_divide_is_an_error(self):
        with pytest.raises(ValueError, match="factor 5 does not divide 64 pixels"):
            optics.observed(image(), 5)


@pytest.mark.parametrize("fwhm", [0.8, 1.2, 2.0, 3.0, 5.0])
def test_blur_keeps_the_sum_of_an_impulse_and_spreads_it_by_its_width(fwhm):
    impulse = np.zeros((65, 65, 1), np.float32)
    impulse[32, 32] = 1
    blurred = optics.observed(impulse, 1, fwhm)[..., 0].astype(np.float64)
    rows, columns = np.mgrid[:65, :65] - 32
    assert blurred.sum() == pytest.approx(1, abs=1e-5)
    for distance in (rows, columns):
        assert (blurred * distance**2).sum() == pytest.approx((fwhm / 2.3548) ** 2, rel=0.03)


class TestClassFractions:
    LABELS = np.random.default_rng(7).choice(np.array([1, 2, 4, 8], np.uint8), (64, 48))

    def test_they_sum_to_1_and_are_those_of_the_pixels(self):
        fractions = optics.class_fractions(self.LABELS, 4, 8)
        np.testing.assert_allclose(fractions.sum(axis=-1), 1, atol=1e-6)
        block = self.LABELS[8:12, 4:8]
        np.testing.assert_allclose(fractions[2, 1], [(block == number).mean() for number in range(1, 9)], atol=1e-6)


class TestNoise:
    @pytest.fixture(scope="class")
    def difference(self):
        flat = np.full((512, 512, 4), [0.05, 0.1, 0.3, 0.5], np.float32)
        return optics.noisy(stream(7, "noise"), flat, 0.0005, 2e-6).astype(np.float64) - flat

    def test_has_the_requested_deviation_in_every_band(self, difference):
        for band, reflectance in enumerate([0.05, 0.1, 0.3, 0.5]):
            assert difference[..., band].std() == pytest.approx((0.0005**2 + 2e-6 * reflectance) ** 0.5, rel=0.02)

    def test_gives_the_signal_to_noise_ratios_of_multispectral_sensors(self, difference):
        """150 at a reflectance of 0.1 (Gorrono et al. 2017)."""
        assert 0.1 / difference[..., 1].std() == pytest.approx(150, rel=0.03)

    def test_is_uncorrelated_between_bands(self, difference):
        correlation = np.corrcoef(difference.reshape(-1, 4).T)
        assert np.abs(correlation[~np.eye(4, dtype=bool)]).max() < 0.01

    def test_of_negative_values_is_that_of_0(self):
        below = np.full((256, 256, 1), -0.02, np.float32)
        assert (optics.noisy(stream(7, "noise"), below, 0.001, 1e-5) - below).std() == pytest.approx(0.001, rel=0.02)


class TestImpulses:
    @pytest.mark.parametrize("proportion", [0.0, 0.08, 0.15])
    def test_replace_the_requested_proportion(self, proportion):
        ground = np.full((512, 512, 2), 7.0, np.float32)
        hit = optics.with_impulses(stream(7, "impulses"), ground, proportion)
        assert (hit[..., 0] != 7).mean() == pytest.approx(proportion, abs=0.003)

    def test_are_numbers_of_0_to_1_equal_in_all_bands(self):
        hit = optics.with_impulses(stream(7, "impulses"), np.full((512, 512, 2), 7.0, np.float32), 0.5)
        values = hit[hit[..., 0] != 7]
        np.testing.assert_array_equal(values[:, 0], values[:, 1])
        assert values.min() >= 0
        assert values.max() <= 1
        # Beta(1/2, 1/2): mean 1/2, variance 1/8.
        assert values.mean() == pytest.approx(0.5, abs=0.01)
        assert values[:, 0].var() == pytest.approx(0.125, rel=0.02)


def test_gain_and_offset_are_applied_to_each_band():
    ground = np.ones((2, 2, 3), np.float32)
    image = optics.calibrated(ground, np.array([1.0, 2.0, 3.0]), np.array([0.5, 0.0, -1.0]))
    np.testing.assert_allclose(image[0, 0], [1.5, 2.0, 2.0])
