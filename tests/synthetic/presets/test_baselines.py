"""Baselines of the presets: each against numbers by hand, their order on small datasets, and the page of results."""

import json
from datetime import datetime, timedelta

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.baselines import radar_regression
from pix2earth.baselines.samples import PhysicalDataset, Sample
from pix2earth.baselines.upsampling import back_projected, bicubic_image
from pix2earth.documentation.page_sections import marks
from pix2earth.records.format import read
from pix2earth.scoring.baseline_scores import WHOLE, rows
from synthetic.__main__ import main
from synthetic.observing import optics
from synthetic.presets import baselines, datasets
from synthetic.presets.baselines import BASELINES, SyntheticDataset

pytestmark = pytest.mark.slow

SCENES = {
    "cloud_removal": (1, 8), "gap_filling": (1, 8), "super_resolution": (1, 4), "sar_to_optical": (96, 16),
    "series": (8, 3),
}  # fmt: skip
"""For training and testing."""
BICUBIC, PSF_AWARE = 31.01, 32.19
"""PSNR (dB) when this test was written."""
START = datetime(2021, 12, 21, 10, 30)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Return a function that makes a small dataset of a preset and returns its folder."""
    root = tmp_path_factory.mktemp("datasets")

    def make(preset, name, test=None, **changes):
        folder, (train, tested) = root / name, SCENES[preset]
        if not folder.exists():
            settings = datasets.load(datasets.FILES / f"{preset}.yaml", "tiny").model_dump(mode="json")
            settings["scenes"] = {"train": train, "val": 0, "test": tested if test is None else test}
            file = root / f"{name}.json"
            file.write_text(json.dumps(datasets.merged(settings, changes)))
            with pytest.raises(SystemExit) as end:
                main(["make", "--cfg", str(file), "--o", str(folder), "--workers", "1"])
            assert end.value.code == 0
        return folder

    return make


def scores(folder):
    """Return region -> baseline -> scores of a dataset."""
    dataset = SyntheticDataset(str(folder))
    found = {}
    for row in rows(dataset, BASELINES[dataset.configuration.preset](dataset)):
        found.setdefault(row.region, {})[row.baseline] = row.scores
    return found


def pixels(*values):
    """Return values by date as a stack of one pixel and one band, (date, 1, 1, 1)."""
    return np.array(values, np.float32)[:, None, None, None]


# ---- by hand ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("classes", "nearest", "mean"),
    [
        ((0, 0, 0, 0), 0.4, 0.25),
        ((0, 0, 0, 1), 0.3, 0.2),
        ((0, 0, 3, 2), 0.2, 0.15),  # shadow is not clear
        ((0, 1, 2, 2), 0.1, 0.1),
        ((1, 1, 2, 2), 0.4, 0.4),
    ],
)
def test_dates_of_cloud_removal(classes, nearest, mean):
    acquired = [START + timedelta(days=days) for days in (45, 0, 15, 30)]  # the target's first, as records have it
    fields = {"input_image": pixels(0.1, 0.2, 0.3, 0.4), "cloud_class": pixels(*classes).astype(np.uint8)}
    sample = Sample(fields, acquired)
    chosen = BASELINES["cloud_removal"](None).predictors
    assert chosen["nearest clear date"](sample).item() == pytest.approx(nearest)
    assert chosen["mean over clear dates"](sample).item() == pytest.approx(mean)
    assert chosen["copy of the input"](sample).item() == pytest.approx(0.4)
    assert chosen["copy of the date before"](sample).item() == pytest.approx(0.3)
    assert chosen["median over dates"](sample).item() == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("values", "linear", "mean"),
    [
        # 10 and 40 days apart, across the turn of the year
        ((0.1, np.nan, 0.6), (0.1, 0.2, 0.6), (0.1, 0.35, 0.6)),
        ((np.nan, 0.2, 0.6), (0.2, 0.2, 0.6), (0.4, 0.2, 0.6)),
        ((0.1, 0.2, np.nan), (0.1, 0.2, 0.2), (0.1, 0.2, 0.15)),
        ((np.nan, 0.2, np.nan), (0.2, 0.2, 0.2), (0.2, 0.2, 0.2)),
        ((np.nan, np.nan, np.nan), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    ],
)
def test_dates_of_gap_filling(values, linear, mean):
    acquired = [START + timedelta(days=days) for days in (0, 10, 50)]
    stack = pixels(*values)
    sample = Sample({"input_image": stack, "cloud_mask": np.isnan(stack).astype(np.uint8)}, acquired)
    chosen = BASELINES["gap_filling"](None).predictors
    assert chosen["linear in time"](sample).ravel() == pytest.approx(linear, abs=1e-7)
    assert chosen["mean over clear dates"](sample).ravel() == pytest.approx(mean, abs=1e-7)


@pytest.mark.parametrize(
    ("hidden", "previous", "nearest", "linear"),
    [
        # at 0, 10, 50 and 60 days, values 0.1, 0.2, 0.6, 0.9
        ((0, 0, 0, 0), (0.1, 0.2, 0.6, 0.9), (0.1, 0.2, 0.6, 0.9), (0.1, 0.2, 0.6, 0.9)),
        ((0, 1, 0, 0), (0.1, 0.1, 0.6, 0.9), (0.1, 0.1, 0.6, 0.9), (0.1, 0.2, 0.6, 0.9)),
        ((0, 1, 1, 0), (0.1, 0.1, 0.1, 0.9), (0.1, 0.1, 0.9, 0.9), (0.1, 0.1 + 0.8 / 6, 0.1 + 0.8 * 5 / 6, 0.9)),
        ((1, 0, 1, 1), (0.1, 0.2, 0.2, 0.2), (0.2, 0.2, 0.2, 0.2), (0.2, 0.2, 0.2, 0.2)),
        ((1, 1, 1, 1), (0.1, 0.2, 0.6, 0.9), (0.1, 0.2, 0.6, 0.9), (0.0, 0.0, 0.0, 0.0)),
    ],
)
def test_time_steps_of_a_series(dataset, hidden, previous, nearest, linear):
    acquired = [START + timedelta(days=days) for days in (0, 10, 50, 60)]
    stack = pixels(0.1, 0.2, 0.6, 0.9)
    sequence = Sample({"input_image": stack, "cloud_mask": pixels(*hidden).astype(np.uint8)}, acquired)
    chosen = BASELINES["series"](SyntheticDataset(str(dataset("series", "series")))).predictors
    assert chosen["copy of the input"](sequence).ravel() == pytest.approx([0.1, 0.2, 0.6, 0.9])
    assert chosen["previous clear date"](sequence).ravel() == pytest.approx(previous)
    assert chosen["nearest clear date"](sequence).ravel() == pytest.approx(nearest)
    assert chosen["linear in time"](sequence).ravel() == pytest.approx(linear)


def test_a_pixel_that_is_never_clear_takes_the_mean_of_what_is():
    stack = np.array([[0.1, np.nan], [0.5, np.nan]], np.float32)[:, None, :, None]  # two dates of two pixels
    acquired = [START, START + timedelta(days=10)]
    sample = Sample({"input_image": stack, "cloud_mask": np.isnan(stack).astype(np.uint8)}, acquired)
    for fill in BASELINES["gap_filling"](None).predictors.values():
        assert fill(sample).ravel() == pytest.approx([0.1, 0.3, 0.5, 0.3])


@pytest.mark.parametrize("fwhm", [1.2, None])
def test_back_projection_explains_what_the_sensor_saw(fwhm):
    random = np.random.default_rng(0)
    ground = optics.observed(random.random((64, 64, 2), np.float32), 1, 4.0)
    coarse = optics.observed(ground, 4, fwhm)
    upsampled, sharper = (
        bicubic_image(coarse, 4),
        back_projected(coarse, 4, lambda fine: optics.observed(fine, 4, fwhm)),
    )

    def unexplained(image):
        return float(np.square(optics.observed(image, 4, fwhm) - coarse).mean())

    assert unexplained(sharper) < 0.05 * unexplained(upsampled)
    assert np.square(sharper - ground).mean() < 0.9 * np.square(upsampled - ground).mean()


def test_features_are_all_products_but_the_square_of_the_cosine():
    radar = np.array([[-6.0, -18.0]])
    features = radar_regression.features(radar, radar_regression.YEAR / 12)  # VV 1, VH -1, sine 1/2, cosine sqrt(3)/2
    # Polynomials of three variables up to degree 3, 20, and times the cosine those up to degree 2, 10.
    assert features.shape == (1, 30)
    assert features[0, :5] == pytest.approx([1, 1, -1, 0.5, 3**0.5 / 2])


def test_the_classifier_agrees_with_scikit_learn(dataset):
    from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

    source = SyntheticDataset(str(dataset("sar_to_optical", "radar")))
    fit, grid = radar_regression.RadarFit(1), slice(radar_regression.STRIDE // 2, None, radar_regression.STRIDE)
    radar, classes = [], []
    for sample in source.samples("train"):
        fit.add(sample)
        radar.append(sample.fields["input_image"][grid, grid].reshape(-1, 2))
        classes.append(sample.fields["land_cover"][grid, grid].ravel())
    radar, classes = np.concatenate(radar).astype(float), np.concatenate(classes)
    expected = QuadraticDiscriminantAnalysis().fit(radar, classes).predict(radar)
    assert np.mean(fit.classifier()(radar) == expected) > 0.999


# ---- orders -----------------------------------------------------------------------------------------------------


def test_another_clear_date_is_better_than_clouds(dataset):
    found = scores(dataset("cloud_removal", "clouds"))
    for region in (WHOLE, "under clouds"):
        psnr = {name: measured["PSNR"] for name, measured in found[region].items()}
        assert psnr["copy of the input"] + 5 < psnr["nearest clear date"]
        assert psnr["median over dates"] < psnr["mean over clear dates"]
        assert psnr["copy of the date before"] < psnr["nearest clear date"]
    clear = found["clear"]
    assert clear["copy of the input"] == clear["nearest clear date"]
    assert all(np.isfinite(list(measured.values())).all() for of in found.values() for measured in of.values())


def test_time_tells_more_than_the_mean(dataset):
    found = scores(dataset("gap_filling", "gaps"))
    for region in (WHOLE, "gaps"):
        linear, mean = (found[region][name] for name in ("linear in time", "mean over clear dates"))
        assert linear["PSNR"] > mean["PSNR"] + 0.3
        assert linear["RMSE"] < mean["RMSE"]
        assert linear["SAM"] < mean["SAM"]


def test_time_steps_on_both_sides_tell_more_than_the_one_before(dataset):
    found = scores(dataset("series", "series"))
    rmse = {name: measured["RMSE"] for name, measured in found["under clouds"].items()}
    assert rmse["linear in time"] < rmse["nearest clear date"] < rmse["previous clear date"] < rmse["copy of the input"]
    # Radar sees through clouds, but a clear date tells more than the radar of a pixel.
    for name in ("regression from radar", "regression from radar, 5 x 5"):
        assert rmse["nearest clear date"] < rmse[name] < rmse["copy of the input"] / 2


def test_the_point_spread_function_tells_more_than_none(dataset):
    found = scores(dataset("super_resolution", "coarse"))[WHOLE]
    assert found["bicubic"]["PSNR"] == pytest.approx(BICUBIC, abs=0.3)
    assert found["PSF-aware"]["PSNR"] == pytest.approx(PSF_AWARE, abs=0.3)
    assert found["PSF-aware"]["PSNR"] > found["bicubic"]["PSNR"] + 0.5
    assert found["PSF-aware"]["SSIM"] > found["bicubic"]["SSIM"]


def test_bicubic_is_what_evaluations_call_so(dataset):
    from pix2earth.baselines.choice import choose

    source = SyntheticDataset(str(dataset("super_resolution", "coarse")))
    chosen = choose(source.manifest)
    sample = next(source.samples("test"))
    expected = chosen[1](tf.constant(sample.fields["input_image"][None])).numpy()[0]
    ours = BASELINES["super_resolution"](source).predictors["bicubic"](sample)
    assert chosen[0] == "bicubic"
    np.testing.assert_allclose(ours, expected, atol=1e-6)


def test_bands_of_another_sensor_are_matched_by_wavelength(dataset):
    source = SyntheticDataset(
        str(dataset("super_resolution", "ocean", coarse_sensor="olci", bands=["B2", "B4", "B8", "B11"]))
    )
    chosen = BASELINES["super_resolution"](source)
    assert chosen.bands == [0, 1, 2]  # no band of the coarse sensor is near 1614 nm
    assert "Oa04 for B2, Oa08 for B4" in chosen.notes
    assert next(iter(rows(source, chosen))).scores["PSNR"] > 20


def test_what_a_pixel_of_radar_tells(dataset):
    found = scores(dataset("sar_to_optical", "radar"))[WHOLE]
    rmse = {name: measured["RMSE"] for name, measured in found.items()}
    assert rmse["regression"] < rmse["mean of the land cover seen"] < rmse["mean of all"]
    assert rmse["regression, 5 x 5"] < rmse["mean of the land cover seen, 5 x 5"]
    assert rmse["regression, 5 x 5"] < rmse["regression"]
    # The truth's land cover is more than speckled radar tells of red, green and blue.
    assert rmse["mean of the true land cover"] < rmse["regression, 5 x 5"]


def test_in_the_near_infrared_radar_tells_more_than_the_land_cover(dataset):
    found = scores(dataset("sar_to_optical", "infrared", bands=["B8"], radar={"speckle": False}))[WHOLE]
    assert found["regression"]["RMSE"] < found["mean of the true land cover"]["RMSE"]


# ---- honesty ----------------------------------------------------------------------------------------------------


def test_scores_are_those_of_the_records(dataset):
    folder = dataset("cloud_removal", "clouds")
    source = SyntheticDataset(str(folder))
    expected = []
    for path in sorted((folder / "64" / "test").glob("*.tfrecord")):
        arrays, _ = read(path, source.manifest)
        error = (arrays["input_image"][3].astype(float) - arrays["target"]) * 1e-4
        expected.append((-10 * np.log10(np.mean(error**2)), np.mean(error**2) ** 0.5))
    psnr, rmse = np.mean(expected, axis=0)
    row = next(row for row in rows(source, BASELINES["cloud_removal"](source)) if row.baseline == "copy of the input")
    assert row.samples == len(expected) == 8
    assert row.scores["PSNR"] == pytest.approx(psnr, abs=1e-3)
    assert row.scores["RMSE"] == pytest.approx(rmse, rel=1e-4)


def test_every_time_step_of_a_series_is_scored_as_one_sample(dataset):
    folder = dataset("series", "series")
    source, expected = SyntheticDataset(str(folder)), []
    for path in sorted((folder / "64" / "test").glob("*.tfrecord")):
        arrays, _ = read(path, source.manifest)
        error = (arrays["input_image"].astype(float) - arrays["target"]) * 1e-4
        expected.append(np.mean(error**2) ** 0.5)
    row = next(row for row in rows(source, BASELINES["series"](source)) if row.baseline == "copy of the input")
    assert row.samples == len(expected) == 3 * 12
    assert row.scores["RMSE"] == pytest.approx(np.mean(expected), rel=1e-4)


@pytest.mark.parametrize(
    ("preset", "name"),
    [
        ("cloud_removal", "clouds"), ("gap_filling", "gaps"), ("super_resolution", "coarse"),
        ("sar_to_optical", "radar"), ("series", "series"),
    ],
)  # fmt: skip
def test_no_baseline_looks_at_the_target(dataset, preset, name):
    source = SyntheticDataset(str(dataset(preset, name)))
    chosen = BASELINES[preset](source)
    sample = next(source.sequences("test") if source.manifest.sequence else source.samples("test"))
    hidden = Sample({**sample.fields, "target": np.full_like(sample.fields["target"], np.nan)}, sample.acquired)
    for predict in chosen.predictors.values():
        assert np.isfinite(predict(hidden)).all()


def test_fits_see_the_training_split_alone(dataset, monkeypatch):
    source = SyntheticDataset(str(dataset("sar_to_optical", "radar")))
    asked = []
    monkeypatch.setattr(
        PhysicalDataset,
        "samples",
        lambda self, split, only=None, read=PhysicalDataset.samples: asked.append(split) or read(self, split),
    )
    radar_regression.radar_baselines(source)
    assert asked == ["train"]


# ---- the page ---------------------------------------------------------------------------------------------------


def test_the_page_is_written_again(dataset, tmp_path, monkeypatch, capsys):
    page, (begin, end) = tmp_path / "results.md", marks("synthetic")
    page.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    monkeypatch.setattr(baselines, "PAGE", page)
    for _ in range(2):
        with pytest.raises(SystemExit) as done:
            main(
                ["baselines", str(dataset("gap_filling", "gaps")), str(dataset("super_resolution", "coarse")), "--page"]
            )
        assert done.value.code == 0
        text = page.read_text()
        assert text.startswith(f"before\n{begin}\n### gap_filling\n") and text.endswith(f"\n{end}\nafter\n")
        assert "old" not in text and text.count("### super_resolution") == 1
        assert "8 samples of 8 scenes, 3 dates, 64 x 64 pixels, B2, B3, B4, B8A, B11, B12; seed 7" in text
    assert "| gaps | linear in time |" in capsys.readouterr().out


def test_the_page_of_the_project_has_its_place():
    page = baselines.PAGE.read_text()
    begin, end = marks(baselines.SECTION)
    between = page[page.index(begin) : page.index(end)]
    assert [name for name in datasets.PRESETS if f"### {name}\n" in between] == list(datasets.PRESETS)


def test_errors_are_one_line(dataset, tmp_path, tiny_root, capsys):
    def said(path):
        with pytest.raises(SystemExit) as done:
            main(["baselines", str(path)])
        assert done.value.code == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    assert "there is no such dataset folder" in said(tmp_path / "nowhere")
    assert "has no synthetic.json" in said(tiny_root / "data" / "tiny")
    untested = dataset("super_resolution", "untested", test=0)
    capsys.readouterr()
    assert "has no samples in test" in said(untested)
