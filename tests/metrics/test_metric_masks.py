"""Metrics with masks, compared with crops and with independent computations in NumPy, SciPy and scikit-image."""

import numpy as np
import pytest
from scipy import ndimage, signal
from skimage.metrics import structural_similarity

from metrics import METRICS, Scale, score

SCALE = Scale(data_range=1.0, ratio=1 / 12, rgb=(2, 1, 0))
SHAPE = (2, 48, 40, 3)


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(5)
    smooth = ndimage.gaussian_filter(rng.standard_normal(SHAPE), (0, 3, 3, 0)) * 2 + 0.5
    target = np.clip(smooth + 0.02 * rng.standard_normal(SHAPE), 0, 1)
    prediction = np.clip(smooth * 0.9 + 0.03 + 0.04 * rng.standard_normal(SHAPE), 0, 1)
    return target.astype(np.float32), prediction.astype(np.float32)


@pytest.fixture(scope="module")
def holes():
    """A mask of mostly valid pixels: single pixels and a block are masked, and some windows of 16 x 16 are valid."""
    mask = np.ones(SHAPE[:3], np.uint8)
    mask[0, 5, 7] = mask[0, 30:36, 33:] = mask[1, 40, 3] = mask[1, 10, 20:23] = 0
    return mask


def valid_windows(mask, size):
    """For each position of a size x size window, whether it has no masked pixel."""
    return np.lib.stride_tricks.sliding_window_view(mask, (size, size)).all((2, 3))


def invalidate(image, mask):
    """Set masked pixels to NaN and inf."""
    invalid = np.where(mask[..., None] != 0, image, np.nan)
    invalid[..., :1] = np.where(mask[..., None] != 0, invalid[..., :1], np.inf)
    return invalid.astype(np.float32)


def masked(name, pair, mask):
    return score(*(invalidate(image, mask) for image in pair), SCALE, [name], mask)[name].numpy()


@pytest.mark.parametrize("name", [name for name in METRICS if name != "HPSI"])
def test_rectangle_equals_crop(name, pair):
    mask = np.zeros(SHAPE[:3], bool)
    mask[:, 6:30, 9:36] = True
    cropped = score(*(image[:, 6:30, 9:36] for image in pair), SCALE, [name])[name]
    np.testing.assert_allclose(masked(name, pair, mask), cropped, rtol=2e-5)


def test_full_mask_equals_none(pair):
    plain = score(*pair, SCALE)
    for name, scores in score(*pair, SCALE, mask=np.full(SHAPE[:3], 7)).items():
        np.testing.assert_allclose(scores, plain[name], rtol=1e-5, err_msg=name)


def test_a_sample_without_valid_pixels(pair):
    mask = np.zeros(SHAPE[:3])
    mask[1] = 1
    for name, scores in score(*(invalidate(image, mask) for image in pair), SCALE, mask=mask).items():
        assert np.isnan(scores[0]) and np.isfinite(scores[1]), name


@pytest.mark.parametrize("name", ["SAM", "CC", "PSNR", "RMSE", "ERGAS", "MAE"])
def test_pixelwise(name, pair, holes):
    for sample, value in enumerate(masked(name, pair, holes)):
        t, p = (image[sample][holes[sample] != 0].astype(np.float64) for image in pair)
        square = ((t - p) ** 2).mean(0)
        cosine = (t * p).sum(1) / np.sqrt((t * t).sum(1) * (p * p).sum(1))
        expected = {
            "SAM": np.arccos(np.clip(cosine, -1, 1)).mean(),
            "CC": np.mean([np.corrcoef(t[:, band], p[:, band])[0, 1] for band in range(3)]),
            "PSNR": -10 * np.log10(square.mean()),
            "RMSE": np.sqrt(square.mean()),
            "ERGAS": 100 / 12 * np.sqrt((square / t.mean(0) ** 2).mean()),
            "MAE": np.abs(t - p).mean(),
        }
        np.testing.assert_allclose(value, expected[name], rtol=1e-4)


def test_ssim(pair, holes):
    for sample, value in enumerate(masked("SSIM", pair, holes)):
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
        t, p = (image[sample].astype(np.float64) for image in pair)
        full = structural_similarity(t, p, data_range=1, channel_axis=-1, full=True, **options)[1]
        np.testing.assert_allclose(value, full[5:-5, 5:-5][valid_windows(holes[sample], 11)].mean(), rtol=1e-4)


def test_uiqi(pair, holes):
    for sample, value in enumerate(masked("UIQC", pair, holes)):
        windows = [
            np.lib.stride_tricks.sliding_window_view(image[sample].astype(np.float64), (8, 8), (0, 1)) for image in pair
        ]
        t, p = (window[valid_windows(holes[sample], 8)].reshape(-1, 64) for window in windows)
        covariance = ((t - t.mean(1, keepdims=True)) * (p - p.mean(1, keepdims=True))).mean(1)
        luminance = t.mean(1) * p.mean(1) / (t.mean(1) ** 2 + p.mean(1) ** 2)
        np.testing.assert_allclose(value, (4 * covariance * luminance / (t.var(1) + p.var(1))).mean(), rtol=1e-4)


def test_spatial_correlation(pair, holes):
    kernel = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
    for sample, value in enumerate(masked("sCC", pair, holes)):
        keep = valid_windows(holes[sample], 3)
        bands = []
        for band in range(3):
            t, p = (image[sample, :, :, band].astype(np.float64) for image in pair)
            details = [signal.convolve2d(image, kernel, mode="valid")[keep] for image in (t, p)]
            bands.append(np.corrcoef(*details)[0, 1])
        np.testing.assert_allclose(value, np.mean(bands), rtol=1e-4)


def haar_maps(image):
    """Magnitudes of the responses of side 2, 4 and 8 in both orientations, and of both chromas, as in the paper."""
    rgb = image[:, :, [2, 1, 0]].astype(np.float64) * 255
    yiq = rgb @ np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]]).T
    ones = np.ones((2, 2))
    yiq = [signal.convolve2d(channel, ones / 4)[1::2, 1::2] for channel in np.moveaxis(yiq, -1, 0)]
    height, width = yiq[0].shape

    def same(channel, kernel):
        start = kernel.shape[0] // 2
        return np.abs(signal.convolve2d(channel, kernel)[start : start + height, start : start + width])

    edges = []
    for side in (2, 4, 8):
        kernel = np.full((side, side), 1 / side)
        kernel[: side // 2] *= -1
        edges.append((same(yiq[0], kernel), same(yiq[0], kernel.T)))
    return edges, [same(channel, ones / 4) for channel in yiq[1:]]


def test_haarpsi(pair, holes):
    def similarity(a, b):
        return (2 * a * b + 30) / (a * a + b * b + 30)

    for sample, value in enumerate(masked("HPSI", pair, holes)):
        filled = (np.where(holes[sample][..., None] != 0, image[sample], 0) for image in pair)
        (t, t_colour), (p, p_colour) = map(haar_maps, filled)
        maps = [(similarity(t[0][o], p[0][o]) + similarity(t[1][o], p[1][o])) / 2 for o in (0, 1)]
        maps.append((similarity(t_colour[0], p_colour[0]) + similarity(t_colour[1], p_colour[1])) / 2)
        weights = [np.maximum(t[2][o], p[2][o]) for o in (0, 1)]
        weights.append((weights[0] + weights[1]) / 2)
        # position (i, j) of the downsampled image depends on pixels 2i - 6 to 2i + 9; outside the image none is masked
        keep = valid_windows(np.pad(holes[sample], ((6, 8), (6, 8)), constant_values=1), 16)[::2, ::2]
        weighted = sum((w / (1 + np.exp(-4.2 * s)))[keep].sum() for s, w in zip(maps, weights, strict=True))
        z = weighted / sum(w[keep].sum() for w in weights)
        assert 0 < keep.sum() < keep.size
        np.testing.assert_allclose(value, (np.log(z / (1 - z)) / 4.2) ** 2, rtol=1e-4)
