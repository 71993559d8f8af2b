"""Protocols of cloud removal, compared with NumPy and scikit-image."""

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import metrics
from metrics import GROUPS, HIDES, PROTOCOLS, Scale, score
from pix2earth.scoring.tables.csv_files import metric_of

SCALE = Scale(2.0, rgb=(2, 1, 0), low=-0.5)  # neither range nor low end of the dataset matters to a protocol
SSIM = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": -1}


@pytest.fixture(scope="module")
def pair():
    """Reflectance with values that are cut off, below 0 and above 1."""
    random = np.random.default_rng(6)
    target = random.gamma(2, 0.06, (3, 32, 28, 4)).astype(np.float32)
    target[:, 4:7, 5:9] = 1.3
    target[:, 12, 12] = -0.02
    return target, (0.9 * target + 0.02 + random.normal(0, 0.02, target.shape)).astype(np.float32)


def one(name, target, prediction, mask=None, scale=SCALE):
    return score(target, prediction, scale, [name], mask)[name].numpy()


def eight_bit(image):
    """As the programs do it, with digital numbers of one image (height, width, 3)."""
    numbers = np.floor(np.clip(image.astype(np.float64) * 10000, 0, 2000) + 0.5)
    numbers -= numbers.min()
    return (255 * (numbers / numbers.max())).astype(np.uint8)


def test_sen2mtc(pair):
    for sample in range(3):
        target, prediction = (eight_bit(image[sample][..., [2, 1, 0]]) for image in pair)
        psnr = peak_signal_noise_ratio(target, prediction, data_range=255)
        assert one("PSNR_sen2mtc", *pair)[sample] == pytest.approx(psnr, rel=1e-6)
        ssim = structural_similarity(target.astype(float), prediction.astype(float), data_range=255, **SSIM)
        assert one("SSIM_sen2mtc", *pair)[sample] == pytest.approx(ssim, abs=1e-5)


def test_sen2mtc_hides_brightness_and_contrast():
    target = np.random.default_rng(0).uniform(0.02, 0.08, (2, 24, 24, 3)).astype(np.float64)
    assert (one("PSNR_sen2mtc", target, 1.7 * target + 0.03, scale=Scale(1.0)) > 45).all()
    assert np.isnan(one("PSNR_sen2mtc", target, np.full_like(target, 0.1), scale=Scale(1.0))).all()


def by_numpy(name, target, prediction, valid):
    target, prediction = (np.clip(image.astype(np.float64), 0, 1) for image in (target, prediction))
    t, p = target[valid], prediction[valid]
    if name == "SAM":
        norms = np.linalg.norm(t, axis=-1) * np.linalg.norm(p, axis=-1)
        seen = norms > 0
        return np.degrees(np.arccos(np.clip((t * p).sum(-1)[seen] / norms[seen], -1, 1))).mean()
    error = np.mean((t - p) ** 2)
    if name == "SSIM":
        return structural_similarity(target, prediction, data_range=1, **SSIM)
    return {"PSNR": -10 * np.log10(error), "RMSE": np.sqrt(error), "MAE": np.abs(t - p).mean()}[name]


@pytest.mark.parametrize("protocol", ["uncrtaints", "allclear"])
@pytest.mark.parametrize("name", ["PSNR", "MAE", "RMSE", "SSIM", "SAM"])
def test_of_all_bands(name, protocol, pair):
    found = one(f"{name}_{protocol}", *pair)
    for sample in range(3):
        wanted = by_numpy(name, pair[0][sample], pair[1][sample], np.ones((32, 28), bool))
        assert found[sample] == pytest.approx(wanted, rel=1e-4), sample


@pytest.mark.parametrize("name", ["PSNR", "MAE", "RMSE", "SAM"])
def test_allclear_counts_clear_pixels_alone(name, pair):
    mask = np.random.default_rng(1).random((3, 32, 28)) < 0.7
    cloudy = [np.where(mask[..., None], image, np.nan) for image in pair]
    found = one(f"{name}_allclear", *cloudy, mask)
    for sample in range(3):
        assert found[sample] == pytest.approx(by_numpy(name, pair[0][sample], pair[1][sample], mask[sample]), rel=1e-4)


WITHOUT_MASKS = [name for name in PROTOCOLS if not name.endswith("_gapfill")]
"""Those that do not ask for what is hidden; `tests/pix2earth/scoring/test_parts.py` has the others."""


def test_an_image_with_a_masked_pixel_is_undefined(pair):
    mask = np.ones((3, 32, 28), bool)
    mask[1, 3, 3] = False
    for name in WITHOUT_MASKS:
        undefined = [False, not name.endswith("_allclear"), False]
        assert np.isnan(one(name, *pair, mask)).tolist() == undefined, name


def test_a_value_that_is_not_finite_is_no_value(pair):
    """Cutting off must not make a number of it."""
    prediction = pair[1].copy()
    prediction[1, 10, 10, 1], prediction[2, 5, 5, 0] = np.nan, np.inf
    for name in WITHOUT_MASKS:
        assert np.isnan(one(name, pair[0], prediction)).tolist() == [False, True, True], name


def test_rsgan_of_one_image(pair):
    """As the program does it for each frame; `test_golden_measures.py` has its own numbers."""
    target, prediction = (np.clip(2 * image.astype(np.float64)[0] - 0.4, -1, 1) for image in pair)
    found = {name: one(name, *(image[np.newaxis] / 2 + 0.5 for image in (target, prediction)))[0]
             for name in GROUPS["rsgan"]}  # fmt: skip
    assert found["MAE_rsgan"] == pytest.approx(np.abs(target - prediction).mean())
    assert found["MSE_rsgan"] == pytest.approx(np.square(target - prediction).mean())
    t, p = np.maximum(target, 0), np.maximum(prediction, 0)
    ranges = np.maximum(t.max((0, 1)), p.max((0, 1)))
    of_bands = [(t[..., band] / ranges[band], p[..., band] / ranges[band]) for band in range(4)]
    psnr = np.mean([peak_signal_noise_ratio(*band, data_range=1) for band in of_bands])
    ssim = np.mean([structural_similarity(*band, data_range=2) for band in of_bands])
    assert (found["PSNR_rsgan"], found["SSIM_rsgan"]) == (pytest.approx(psnr), pytest.approx(ssim))
    products = (t * p).sum(-1)
    lengths = np.sqrt(np.maximum((t * t).sum(-1), 2.0**-10) * np.maximum((p * p).sum(-1), 2.0**-10))
    assert found["SAM_rsgan"] == pytest.approx(np.arccos(np.clip(products / lengths, -1, 1)).mean() / np.pi)
    assert (products == 0).any()  # angles of 0.5


def test_rsgan_of_dark_images_is_undefined(pair):
    dark = np.full((1, 16, 16, 3), 0.2, np.float32)
    assert np.isnan(one("PSNR_rsgan", dark, dark)).all() and np.isnan(one("SSIM_rsgan", dark, dark)).all()
    assert one("SAM_rsgan", dark, dark)[0] == pytest.approx(0.5)


def test_tables():
    groups = ("sen2_mtc", "uncrtaints", "allclear", "gapfill", "rsgan")
    names = [name for group in groups for name in GROUPS[group] if name not in metrics.BY_PART]
    assert names == list(PROTOCOLS) and {name.rpartition("_")[2] for name in names} == set(HIDES)
    for name in names:
        assert metric_of(name) == (name, "") and metric_of(f"{name}_bicubic") == (name, "bicubic")
        assert (name in metrics.LOWER_IS_BETTER) == (not name.startswith(("PSNR", "SSIM", "MaskRatio")))
    assert "no spectra" in metrics.why_undefined("SAM_allclear", 1, SCALE)
    assert metrics.why_undefined("SAM_aris", 1, SCALE) is None
