"""Power spectra against NumPy and SciPy, and on images of known sharpness."""

import math

import numpy as np
import pytest
from scipy.signal import windows

import metrics
from metrics import Scale, score
from metrics.power import coherence_sums, effective_gsd

SCALE = Scale(1.0, 1 / 4, gsd=10.0)


def spectrum(band):
    rows, columns = band.shape
    window = np.outer(windows.hann(rows, sym=False), windows.hann(columns, sym=False))
    return np.fft.fft2((band - band.mean()) * window)


def rings(shape):
    """Yield frequency and pixels of each ring, by a loop over pixels."""
    n = min(shape)
    number = np.zeros(shape, int)
    for row in range(shape[0]):
        for column in range(shape[1]):
            f = math.hypot(min(row, shape[0] - row) / shape[0], min(column, shape[1] - column) / shape[1])
            number[row, column] = math.floor(f * n + 0.5)
    for k in range(1, n // 2 + 1):
        yield k / n, number == k


def images(shape, seed=0):
    """Return a target with much power at low frequencies, and a prediction that is smoother, with noise."""
    random = np.random.default_rng(seed)
    target = random.normal(0.3, 0.05, shape).cumsum(1).cumsum(2)
    target = target / target.max() + random.normal(0, 0.01, shape)
    return target, 0.9 * target + 0.1 * np.roll(target, 1, 1) + random.normal(0, 0.005, shape)


@pytest.mark.parametrize(
    ("shape", "ratio"), [((2, 32, 32, 3), 1 / 4), ((2, 30, 41, 1), 1 / 3), ((1, 24, 24, 2), 1 / 2)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ratio_by_numpy(shape, ratio, dtype):
    target, prediction = (image.astype(dtype) for image in images(shape))
    found = score(target, prediction, Scale(1.0, ratio), ["PSD_ratio"])["PSD_ratio"]
    for sample in range(shape[0]):
        ratios = []
        for band in range(shape[3]):
            made, wanted = (
                np.abs(spectrum(image[sample, ..., band].astype(float))) ** 2 for image in (prediction, target)
            )
            ratios += [
                made[ring].mean() / wanted[ring].mean() for f, ring in rings(shape[1:3]) if f >= ratio / 2 - 1e-9
            ]
        assert float(found[sample]) == pytest.approx(10 * np.log10(np.mean(ratios)), rel=1e-5)


def test_a_known_blur():
    """A filter of the known transfer H changes the power at each frequency by H^2 (but for the window)."""
    random = np.random.default_rng(1)
    target = random.normal(0, 1, (4, 64, 64, 1))
    frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64))
    blurred = np.fft.ifft2(np.fft.fft2(target, axes=(1, 2)) * np.exp(-4 * frequency)[..., None], axes=(1, 2)).real
    centres = np.arange(8, 33) / 64
    wanted = 10 * np.log10(np.mean(np.exp(-8 * centres)))
    found = score(target, blurred, SCALE, ["PSD_ratio"])["PSD_ratio"]
    assert np.mean(found) == pytest.approx(wanted, abs=0.2) and wanted < -8
    np.testing.assert_allclose(score(target, target, SCALE, ["PSD_ratio"])["PSD_ratio"], 0, atol=1e-9)
    np.testing.assert_allclose(score(target, 2 * target, SCALE, ["PSD_ratio"])["PSD_ratio"], 20 * np.log10(2))


def figure(target, prediction, mask=None, scale=SCALE):
    return effective_gsd(coherence_sums(target, prediction, mask, scale).numpy(), min(target.shape[1:3]), scale)


def test_effective_gsd_by_numpy():
    target, prediction = images((3, 32, 40, 2), seed=2)
    prediction += np.random.default_rng(3).normal(0, 0.02, prediction.shape)
    f50 = 0.5
    for f, ring in rings((32, 40)):
        pairs = [
            (spectrum(prediction[sample, ..., band])[ring], spectrum(target[sample, ..., band])[ring])
            for sample in range(3)
            for band in range(2)
        ]
        cross = np.mean([made * wanted.conj() for made, wanted in pairs])
        powers = [np.mean([np.abs(pair[which]) ** 2 for pair in pairs]) for which in (0, 1)]
        if abs(cross) ** 2 / np.prod(powers) < 0.5:
            f50 = f
            break
    assert 1 / 32 < f50 < 0.5
    assert figure(target, prediction) == pytest.approx(10 / (2 * f50))


@pytest.mark.parametrize("edge", [6, 10, 16])
def test_effective_gsd_of_detail_that_is_right_up_to_a_known_size(edge):
    """Above a frequency, the detail is that of another image: as strong, but wrong."""
    random = np.random.default_rng(4)
    target, other = random.normal(0, 1, (2, 6, 64, 64, 2))
    low = (np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64)) * 64 < edge)[..., None]
    spectra = [np.fft.fft2(image, axes=(1, 2)) for image in (target, other)]
    prediction = np.fft.ifft2(np.where(low, *spectra), axes=(1, 2)).real
    assert figure(target, prediction) == pytest.approx(10 * 64 / (2 * edge), rel=0.11)
    assert abs(np.mean(score(target, prediction, SCALE, ["PSD_ratio"])["PSD_ratio"])) < 0.3  # power does not see it
    assert figure(target, target) == figure(target, 0.1 * target) == 10.0


def test_undefined():
    target, prediction = images((2, 32, 32, 2))
    mask = np.ones((2, 32, 32), bool)
    mask[0, 3, 3] = False
    assert np.isnan(score(target, prediction, SCALE, ["PSD_ratio"], mask)["PSD_ratio"]).tolist() == [True, False]
    assert figure(target, prediction, mask) == figure(target[1:], prediction[1:])
    assert math.isnan(figure(target, prediction, np.zeros_like(mask)))
    assert math.isnan(figure(target, prediction, scale=Scale(1.0))) and math.isnan(figure(target, 0 * prediction))
    for ratio in (None, 1.0):
        assert np.isnan(score(target, prediction, Scale(1.0, ratio), ["PSD_ratio"])["PSD_ratio"]).all()
        assert "coarser" in metrics.why_undefined("PSD_ratio", 2, Scale(1.0, ratio))
    assert "gsd" in metrics.why_undefined("effective_gsd", 2, Scale(1.0))
    constant = np.concatenate([target[..., :1], np.full_like(target[..., :1], 0.3)], axis=-1)
    both = score(constant, prediction, SCALE, ["PSD_ratio"])["PSD_ratio"]
    np.testing.assert_allclose(both, score(target[..., :1], prediction[..., :1], SCALE, ["PSD_ratio"])["PSD_ratio"])
