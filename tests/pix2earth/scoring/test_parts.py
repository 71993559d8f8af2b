"""Scores of single bands and time steps, and those of the published baseline of gap filling, by NumPy."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from metrics import BY_PART, GROUPS
from pix2earth.records.manifest import Field
from pix2earth.scoring.scorer import Scorer
from pix2earth.scoring.tables.columns import is_score, ordered_scores, score_and_baseline

SIDE = 24
RANDOM = np.random.default_rng(8)
BANDS = {"bands": ["B02", "B03"], "scale": 1e-4, "valid_range": (0.0, 1.0)}
STACK = Field(dtype="uint16", shape=[3, SIDE, SIDE, 2], **BANDS)
SINGLE = Field(dtype="uint16", shape=[SIDE, SIDE, 2], **BANDS)
GAP = Field(dtype="uint8", shape=[3, SIDE, SIDE, 1], kind="mask", bands=["gap"])


@pytest.fixture
def scored(manifest_of, dataset_of, namespace, tmp_path):
    """``scored(names, field, gap, ...)``: the Scorer, its row, target and prediction in reflectance, and the gaps."""

    def rows(names, field=STACK, gap=GAP, hidden=True, **settings):
        arrays = {name: RANDOM.integers(1, 10000, field.shape, "uint16") for name in ("input_image", "target")}
        roles, further = {}, {}
        if gap:
            arrays["gap"] = RANDOM.integers(0, 2, gap.shape, "uint8") * hidden
            roles, further = {"score_by": "gap"}, {"gap": gap}
        dataset = dataset_of(manifest_of(field, field, further, **roles), {"tile": arrays}, **settings)
        gan = namespace(generator=lambda image, training: image)
        scorer = Scorer(dataset, gan, tmp_path / "mine.py", names, baseline=False)
        lines = []
        scorer.report = lines.append
        (row,) = scorer.rows("val", ["tile"])
        images = (arrays[name] * np.float64(1e-4) for name in ("target", "input_image"))
        return scorer, row, *images, arrays.get("gap", np.zeros((1,)))[..., 0] > 0, lines

    return rows


def rmse(error):
    return np.sqrt(np.mean(error**2))


@pytest.mark.parametrize("fold", [False, True])
def test_rmse_of_bands_and_time_steps_over_the_image_and_inside(scored, fold):
    names = ["RMSE", "RMSE_by_band", "RMSE_by_time_step"]
    scorer, row, target, made, gap, _ = scored(names, fold_dates=fold, normalize="none")
    error = made - target
    for band, label in enumerate(("B02", "B03")):
        assert row[f"RMSE.band[{label}]"] == pytest.approx(rmse(error[..., band]), rel=1e-5)
        inside = [rmse(error[step][gap[step]][:, band]) for step in range(3)]
        assert row[f"RMSE.inside.band[{label}]"] == pytest.approx(np.mean(inside), rel=1e-5)
    for step in range(3):
        assert row[f"RMSE.time_step[{step + 1}]"] == pytest.approx(rmse(error[step]), rel=1e-5)
        outside = rmse(error[step][~gap[step]])
        assert row[f"RMSE.outside.time_step[{step + 1}]"] == pytest.approx(outside, rel=1e-5)
    of_bands = [row["RMSE.band[B02]"], row["RMSE.band[B03]"]]
    assert row["RMSE"] == pytest.approx(np.sqrt(np.mean(np.square(of_bands))), rel=1e-5)
    assert set(scorer.columns) | {"tile"} == set(row) and all(map(is_score, scorer.columns))
    assert scorer.computed == ["RMSE"]


def test_ssim_of_a_band_of_single_images(scored):
    scorer, row, target, made, _, lines = scored(["SSIM_by_band", "SSIM_by_time_step"], SINGLE, None, normalize="none")
    wanted = structural_similarity(
        target[..., 1], made[..., 1], data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        full=True,
    )[1][5:-5, 5:-5].mean()  # fmt: skip
    assert scorer.columns == ["SSIM.band[B02]", "SSIM.band[B03]"]  # the metric of the whole image was not asked for
    assert row["SSIM.band[B03]"] == pytest.approx(wanted, rel=1e-4)
    assert "SSIM_by_time_step: is left out: the target has no time steps" in lines


def ssim(target, made):
    bands = range(target.shape[-1])
    options = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True}
    maps = [structural_similarity(target[..., b], made[..., b], **options)[1][5:-5, 5:-5] for b in bands]
    return np.mean(maps)


def test_the_statistics_of_the_baseline_of_gap_filling(scored):
    """`chip_stats.csv`: of the middle of three dates, errors over all pixels divided by the share that is hidden."""
    scorer, row, target, made, gap, lines = scored(list(GROUPS["gapfill"]), normalize="none")
    hidden = gap[1][..., None]
    error = (made - target)[1] * hidden
    share = np.mean(hidden)
    assert row["MaskRatio_gapfill"] == pytest.approx(share, rel=1e-6)
    assert row["MSE_gapfill"] == pytest.approx(np.mean(error**2) / share, rel=1e-5)
    assert row["MAE_gapfill"] == pytest.approx(np.mean(np.abs(error)) / share, rel=1e-5)
    assert row["SSIM_gapfill"] == pytest.approx(ssim(target[1] * hidden, made[1] * hidden), rel=1e-4)
    for band, label in enumerate(("B02", "B03")):
        assert row[f"MSE_gapfill.band[{label}]"] == pytest.approx(np.mean(error[..., band] ** 2) / share, rel=1e-5)
        assert row[f"MAE_gapfill.band[{label}]"] == pytest.approx(np.mean(abs(error[..., band])) / share, rel=1e-5)
        images = [image[1][..., [band]] * hidden for image in (target, made)]
        assert row[f"SSIM_gapfill.band[{label}]"] == pytest.approx(ssim(*images), rel=1e-4)
    for step in range(3):
        at = f"time_step[{step + 1}]"
        assert row[f"MaskRatio_gapfill.{at}"] == pytest.approx(gap[step].mean(), rel=1e-6)
        assert row[f"MAE_gapfill.{at}"] == pytest.approx(np.abs(made - target)[step][gap[step]].mean(), rel=1e-5)
    assert not any(".inside" in name for name in scorer.columns)
    assert any(line.startswith("gapfill: the middle time step alone counts") for line in lines)


def test_where_nothing_is_hidden(scored):
    _, row, *_ = scored(list(GROUPS["gapfill"]), hidden=False, normalize="none")
    assert np.isnan(row["MSE_gapfill"]) and np.isnan(row["MAE_gapfill"]) and row["MaskRatio_gapfill"] == 0
    assert row["SSIM_gapfill"] == pytest.approx(1.0)


def test_a_dataset_without_a_mask_of_what_is_hidden(scored):
    scorer, row, *_ = scored(["MAE_gapfill", "MAE"], gap=None, normalize="none")
    assert "names no mask of what is hidden" in scorer.undefined["MAE_gapfill"] and np.isnan(row["MAE_gapfill"])


def test_names_of_columns():
    assert score_and_baseline("RMSE.band[B02_std]") == ("RMSE.band[B02_std]", "")
    assert score_and_baseline("RMSE.inside.band[B02_std]_linear-fit") == ("RMSE.inside.band[B02_std]", "linear-fit")
    for name in ("RMSE.band[]", "RMSE.band[a]b]", "RMSE.nowhere.band[a]", "RMSE.time[1]", "mine.band[a]"):
        assert not is_score(name)
    names = ["RMSE.time_step[2]", "tile", "RMSE.inside", "RMSE.band[b]", "RMSE.band[a]", "RMSE", "PSNR"]
    expected = ["PSNR", "RMSE", "RMSE.inside", "RMSE.time_step[2]", "RMSE.band[b]", "RMSE.band[a]"]
    assert ordered_scores(names) == expected
    assert BY_PART["RMSE_by_band"] == ("RMSE", "band") and "MaskRatio_gapfill_by_band" not in BY_PART
