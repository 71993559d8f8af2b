"""Metrics of protocols against what the published programs compute, on the arrays of golden files."""

import numpy as np
import pytest

from metrics import Scale, structural
from metrics.pixelwise import mean_square_error
from metrics.protocols import (
    rsgan_psnr,
    rsgan_sam,
    rsgan_ssim,
    sen2mtc_psnr,
    sen2mtc_ssim,
    stretched,
    uncrtaints_sam,
)
from tests.golden_files import FOLDER, assert_golden, image, load, paths

RANGE = Scale(1.0)


def reflectance(array):
    """Return network values as the program writes them: whole digital numbers from 0 to 10000, as reflectance."""
    numbers = np.floor(np.clip((array.astype(np.float64) * 0.5 + 0.5) * 10000 + 0.5, 0, 10000))
    return image(numbers) / 10000


@pytest.mark.parametrize("path", paths("ctgan_losses*.npz"))
def test_golden_pictures_and_scores_of_sen2_mtc(path):
    arrays, _ = load(path)
    fake, real = (reflectance(arrays[f"in/{name}_B"]) for name in ("fake", "real"))
    for name, images in (("fake", fake), ("real", real)):
        pictures = stretched(images[..., :3]).numpy()
        for number, picture in enumerate(pictures):
            np.testing.assert_array_equal(picture, arrays[f"out/rgb_{name}/{number}"], err_msg=name)
    for name, metric in (("psnr", sen2mtc_psnr), ("ssim", sen2mtc_ssim)):
        found = metric(real, fake, None, RANGE)
        assert_golden(found, arrays[f"out/{name}_per_image"], name, 1e-6)
        assert_golden(np.mean(found), arrays[f"out/{name}_mean"], name, 1e-6)


@pytest.mark.parametrize("path", paths("rsgan_losses*.npz"))
def test_golden_scores_of_the_rsgan_study(path):
    arrays, _ = load(path)
    target, generated = (
        image(arrays[f"in/fn_{name}"].astype(np.float64) / 2 + 0.5) for name in ("target", "estimated")
    )
    # The program's arc cosine is that of float32, which is rough near 1.
    for name, metric, tolerance in (("psnr", rsgan_psnr, 1e-6), ("ssim", rsgan_ssim, 1e-6), ("sam", rsgan_sam, 1e-4)):
        assert_golden(np.mean(metric(target, generated, None, RANGE)), arrays[f"out/fn_{name}"], name, tolerance)


@pytest.mark.parametrize("path", paths("gapfill_losses*.npz"))
def test_golden_similarity_of_gap_filling(path):
    arrays, _ = load(path)
    target, prediction = (image(arrays[f"in/fn_ssim_{name}"]) for name in ("target", "pred"))
    assert_golden(np.mean(structural.ssim(target, prediction, None, RANGE)), arrays["out/fn_ssim"], "fn_ssim")
    band = structural.ssim(target[:1, ..., :1], prediction[:1, ..., :1], None, RANGE)  # of the first image
    assert_golden(band[0], arrays["out/fn_ssim_band0"], "fn_ssim_band0")


def test_golden_angles_in_degrees_and_squared_errors():
    arrays, _ = load(FOLDER / "metrics.npz")
    for pair in range(4):
        images = [arrays[f"pair{pair}_{kind}"][np.newaxis].astype(np.float64) for kind in ("target", "predict")]
        assert_golden(uncrtaints_sam(*images, None, RANGE)[0], arrays[f"pair{pair}_ref_SAM_deg"], "SAM_deg", 1e-6)
        assert_golden(mean_square_error(*images, None)[0], arrays[f"pair{pair}_ref_MSE"], "MSE", 1e-6)
