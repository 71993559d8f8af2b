"""Properties of the metrics for any images: limits, scaling, sizes, numbers of bands, precision."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import metrics
from metrics import ALL_METRICS, LOWER_IS_BETTER, METRICS, UNITS, Scale, score

SCALE = Scale(data_range=1.0, ratio=1.0, rgb=(2, 1, 0))


def noisy_pair(shape, seed=0):
    rng = np.random.default_rng(seed)
    target = rng.uniform(0.1, 0.9, shape).astype(np.float32)
    return target, np.clip(target + rng.normal(0, 0.05, shape), 0, 1).astype(np.float32)


def test_table():
    assert list(METRICS) == "SAM sCC CC HPSI SSIM PSNR RMSE ERGAS UIQC MAE".split()
    assert set(ALL_METRICS) >= LOWER_IS_BETTER and {*ALL_METRICS, *metrics.OF_SETS} >= set(UNITS)
    assert list(score(*noisy_pair((1, 16, 16, 3)), SCALE, ["MAE", "CC"])) == ["MAE", "CC"]
    with pytest.raises(KeyError, match=r"unknown metric 'SIM'.*SSIM"):
        metrics.metric("SIM")


def test_the_package_imports_neither_tensorflow_nor_numpy():
    code = "import metrics, sys; print([m for m in ('tensorflow', 'numpy') if m in sys.modules])"
    root = Path(metrics.__file__).parents[1]
    process = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"


def test_identity():
    target, _ = noisy_pair((2, 32, 32, 3))
    scores = score(target, target, SCALE)
    for name in ("sCC", "CC", "HPSI", "SSIM", "UIQC"):
        np.testing.assert_allclose(scores[name], 1, atol=1e-5, err_msg=name)
    for name in ("SAM", "RMSE", "ERGAS", "MAE"):
        np.testing.assert_array_equal(scores[name], 0, err_msg=name)
    np.testing.assert_array_equal(scores["PSNR"], np.inf)


def test_zero_prediction():
    target, _ = noisy_pair((2, 32, 32, 3))
    scores = score(target, np.zeros_like(target), SCALE)
    for name in ("SAM", "sCC", "CC"):
        assert np.isnan(scores[name]).all(), name
    np.testing.assert_array_equal(scores["UIQC"], 0)
    np.testing.assert_allclose(scores["RMSE"], np.sqrt((target**2).mean((1, 2, 3))), rtol=1e-5)
    for name in ("HPSI", "SSIM", "PSNR", "ERGAS", "MAE"):
        assert np.isfinite(scores[name]).all(), name
    assert (scores["HPSI"].numpy() < 0.5).all() and (scores["SSIM"].numpy() < 0.1).all()


def test_constant_bands_are_left_out():
    target, prediction = noisy_pair((1, 64, 64, 3))
    target[..., 1] = 0.1
    for name in ("CC", "sCC"):
        both = score(target[..., ::2], prediction[..., ::2], SCALE, [name])[name]
        np.testing.assert_allclose(score(target, prediction, SCALE, [name])[name], both, rtol=1e-6)


def test_constant_windows_of_uiqi():
    target, prediction = np.full((1, 12, 12, 1), 0.3, np.float32), np.full((1, 12, 12, 1), 0.6, np.float32)
    np.testing.assert_allclose(score(target, prediction, SCALE, ["UIQC"])["UIQC"], 0.8, rtol=1e-6)
    np.testing.assert_allclose(score(0 * target, 0 * prediction, SCALE, ["UIQC"])["UIQC"], 1)


@pytest.mark.parametrize("factor", [1e-3, 1e4])
def test_units_of_the_data(factor):
    """Images and range multiplied by one factor have equal scores, but RMSE and MAE are multiplied too."""
    target, prediction = noisy_pair((2, 32, 32, 3))
    scores = score(target, prediction, SCALE)
    for name, scaled in score(target * factor, prediction * factor, Scale(factor, 1.0, (2, 1, 0))).items():
        expected = scores[name] * (factor if UNITS.get(name) == "data" else 1)
        np.testing.assert_allclose(scaled, expected, rtol=5e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("bands", [1, 2, 13])
def test_any_number_of_bands(bands):
    target, prediction = noisy_pair((2, 24, 30, bands))
    scale = Scale(1.0, 1.0, (3, 2, 1)) if bands == 13 else Scale(1.0, 1.0, (0, 1, 2))
    scores = score(target, prediction, scale)
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "channel_axis": -1}
    for sample in range(2):
        t, p = target[sample].astype(np.float64), prediction[sample].astype(np.float64)
        expected = {
            "SSIM": structural_similarity(t, p, data_range=1, **options),
            "PSNR": peak_signal_noise_ratio(t, p, data_range=1),
            "CC": np.mean([np.corrcoef(t[..., b].ravel(), p[..., b].ravel())[0, 1] for b in range(bands)]),
            "ERGAS": 100 * np.sqrt((((t - p) ** 2).mean((0, 1)) / t.mean((0, 1)) ** 2).mean()),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(scores[name][sample], value, rtol=1e-4, err_msg=name)
    if bands == 2:
        assert np.isnan(scores["HPSI"]).all()
        return
    used = [3, 2, 1] if bands == 13 else [0]
    of_used_bands = score(target[..., used], prediction[..., used], Scale(1.0), ["HPSI"])["HPSI"]
    np.testing.assert_allclose(scores["HPSI"], of_used_bands, rtol=1e-5)


def test_a_missing_band_of_haarpsi_is_an_error():
    with pytest.raises(ValueError, match=r"scale.rgb names band 2, but the images have 1"):
        score(*noisy_pair((1, 32, 32, 1)), SCALE, ["HPSI"])


def test_grey_haarpsi_has_no_colour_term():
    """Three equal bands have equal colours everywhere, which can only increase the score."""
    target, prediction = noisy_pair((1, 32, 32, 1))
    grey = score(target, prediction, Scale(1.0), ["HPSI"])["HPSI"]
    colour = score(np.repeat(target, 3, -1), np.repeat(prediction, 3, -1), SCALE, ["HPSI"])["HPSI"]
    assert grey < colour


@pytest.mark.slow
@pytest.mark.parametrize("side", [1, 2, 7, 10, 15])
def test_small_images_score_nan(side):
    windows = {"sCC": 3, "UIQC": 8, "SSIM": 11, "HPSI": 16}
    for masked in (False, True):
        mask = np.ones((2, side, 20)) if masked else None
        for name, scores in score(*noisy_pair((2, side, 20, 3)), SCALE, mask=mask).items():
            assert scores.shape == (2,)
            too_small = side < windows.get(name, 0)
            np.testing.assert_array_equal(np.isnan(scores), too_small, err_msg=name)


def test_odd_sides():
    target, prediction = noisy_pair((1, 33, 21, 3))
    padded = [np.pad(image, ((0, 0), (0, 1), (0, 1), (0, 0))) for image in (target, prediction)]
    expected = score(*padded, SCALE, ["HPSI"])["HPSI"]
    np.testing.assert_allclose(score(target, prediction, SCALE, ["HPSI"])["HPSI"], expected, rtol=1e-5)


@pytest.mark.slow
def test_float32_is_accurate_enough():
    """For a large image of dark water and bright land, where sums and variances in float32 have large errors."""
    rng = np.random.default_rng(1)
    target = 0.02 + 0.001 * rng.standard_normal((1, 512, 512, 3))
    target[:, :, 300:] += 0.7
    prediction = target + 0.0005 * rng.standard_normal(target.shape)
    target, prediction = target.astype(np.float32), prediction.astype(np.float32)
    expected = score(target.astype(np.float64), prediction.astype(np.float64), SCALE)
    for name, scores in score(target, prediction, SCALE).items():
        np.testing.assert_allclose(scores, expected[name], rtol=1e-4, err_msg=name)


def test_nan_in_a_valid_pixel_gives_nan():
    target, prediction = noisy_pair((2, 32, 32, 3))
    prediction[0, 9, 9, 1] = np.nan
    for name, scores in score(target, prediction, SCALE).items():
        np.testing.assert_array_equal(np.isnan(scores), [True, False], err_msg=name)


# ---- scores without a meaning are undefined ----------------------------------------------------------------------


def test_a_single_band_has_no_spectral_angle():
    """It would be 0 for every prediction."""
    assert np.isnan(score(*noisy_pair((2, 16, 16, 1)), SCALE, ["SAM"])["SAM"]).all()


def test_haarpsi_of_two_bands_is_undefined():
    """It would be that of the first band, whatever the second holds."""
    assert np.isnan(score(*noisy_pair((2, 32, 32, 2)), SCALE, ["HPSI"])["HPSI"]).all()


def test_haarpsi_does_not_depend_on_the_lower_end_of_the_range():
    celsius, prediction = (20 * image - 5 for image in noisy_pair((1, 32, 32, 1)))
    constant = np.full_like(celsius, 12)
    for wrong in (prediction, constant):
        in_celsius = score(celsius, wrong, Scale(30.0, low=-5.0), ["HPSI"])["HPSI"]
        in_kelvin = score(celsius + 273, wrong + 273, Scale(30.0, low=268.0), ["HPSI"])["HPSI"]
        np.testing.assert_allclose(in_celsius, in_kelvin, rtol=1e-4)


def test_masked_pixels_are_no_edge_of_a_range_that_does_not_start_at_zero():
    target, prediction = (image + 270 for image in noisy_pair((1, 48, 48, 1)))
    mask = np.ones((1, 48, 48))
    mask[0, 20, 20] = 0
    target[0, 20, 20] = np.nan
    assert 0 < score(target, prediction, Scale(1.0, low=270.0), ["HPSI"], mask)["HPSI"][0] < 1


def test_ergas_without_a_ratio_is_undefined():
    assert np.isnan(score(*noisy_pair((2, 16, 16, 3)), Scale(1.0, ratio=None), ["ERGAS"])["ERGAS"]).all()


@pytest.mark.parametrize("band", ["zero", "both signs"])
def test_ergas_of_a_band_with_a_mean_near_zero_is_undefined(band):
    target, prediction = noisy_pair((2, 32, 32, 3))
    target[0, ..., 1] = 1e-9 if band == "zero" else target[0, ..., 1] - target[0, ..., 1].mean() + 1e-3
    scores = score(target, prediction, SCALE, ["ERGAS"])["ERGAS"].numpy()
    assert np.isnan(scores[0]) and np.isfinite(scores[1])


def test_uiqi_leaves_out_a_band_with_a_constant_target():
    """Noise far below one digital number would score 0 there."""
    target, prediction = noisy_pair((2, 24, 24, 2))
    target[..., 1] = 0.3
    prediction[..., 1] = 0.3 + 1e-4 * np.random.default_rng(2).normal(size=(2, 24, 24))
    first = score(target[..., :1], prediction[..., :1], SCALE, ["UIQC"])["UIQC"]
    np.testing.assert_allclose(score(target, prediction, SCALE, ["UIQC"])["UIQC"], first, rtol=1e-5)
    assert np.isnan(score(target[..., 1:], prediction[..., 1:], SCALE, ["UIQC"])["UIQC"]).all()


def test_a_reason_is_stated_where_a_metric_is_undefined_for_every_image():
    assert "no spectra" in metrics.why_undefined("SAM", 1, SCALE)
    assert "two bands" in metrics.why_undefined("HPSI", 2, SCALE)
    assert "gsd" in metrics.why_undefined("ERGAS", 3, Scale(1.0, ratio=None))
    assert [metrics.why_undefined(name, 3, SCALE) for name in METRICS] == [None] * len(METRICS)


def test_definitions_that_changed_have_another_version():
    changed = {name for name, version in metrics.VERSIONS.items() if version == 2}
    assert changed == {"SAM", "HPSI", "ERGAS", "UIQC", "PSNR_sen2mtc", "SSIM_sen2mtc"} and set(metrics.VERSIONS) == {
        *ALL_METRICS,
        *metrics.OF_SETS,
    }
