"""Runs whose networks start at a trivial answer: restored bit for bit, scored and mapped; changes of it are refused."""

import json

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine

import evaluate
import predict
import train
from experiment import PROJECT
from pix2earth.results import pictures
from pix2earth.settings.commented_json import read
from synthetic import __main__ as synthetic
from tests.importing_trees import geotiff, run_importer, samples_of
from tests.test_train import checkpoint_values

pytestmark = pytest.mark.slow

COMMON = {"steps": 4, "ckpt_freq": 2, "metrics": ["PSNR"], "deterministic": True, "learning_rate": 1e-3}


def run(command, root, name, *words):
    with pytest.raises(SystemExit) as end:
        command.main(["--env", str(root / "environment.json"), "--exp", name, *map(str, words)])
    return end.value.code


@pytest.fixture
def started(tiny_root, write_experiment):
    """``started(**settings)``: the tiny folder after a training of four steps, ``a``, and one in two parts, ``b``."""

    def make(**settings):
        write_experiment(tiny_root, "x", **COMMON, **settings)
        assert run(train, tiny_root, "x", "--timestamp", "a") == 0
        write_experiment(tiny_root, "x", **COMMON | settings | {"steps": 2})
        assert run(train, tiny_root, "x", "--timestamp", "b") == 0
        write_experiment(tiny_root, "x", **COMMON, **settings)
        assert run(train, tiny_root, "x", "--restore", "b") == 0
        return tiny_root

    return make


@pytest.mark.parametrize(
    "settings",
    [
        {"start_from": "bicubic", "jit_compile": True},
        {"start_from": "linear_fit", "precision": "mixed_bfloat16", "ema": 0.9},
    ],
)
def test_restores_bit_for_bit(started, settings, capfd):
    root = started(**settings)
    one, other = (checkpoint_values(root / f"experiments/x/ckpt/{name}/ckpt-4") for name in "ab")
    assert one.keys() == other.keys() and all(one[key].tobytes() == other[key].tobytes() for key in one)
    assert "random_resize: is switched off: start_from needs the pixels as they are" in capfd.readouterr().out
    record = json.loads((root / "experiments/x/logs/x_b/run.json").read_text())
    assert record["start"]["start_from"] == settings["start_from"]
    if settings["start_from"] == "linear_fit":
        assert record["start"]["samples"] == 12 and 0 < record["start"]["held_out_rmse"] < 0.1


def test_is_scored_and_mapped_at_the_answer_and_refused_when_changed(tiny_root, tiny_arrays, write_experiment, capfd):
    """With a learning rate of nearly 0 the network is the trivial answer, for scores and for maps."""
    settings = COMMON | {"start_from": "bicubic", "learning_rate": 1e-12}
    write_experiment(tiny_root, "x", **settings)
    assert run(train, tiny_root, "x", "--timestamp", "a") == 0
    assert run(evaluate, tiny_root, "x") == 0
    scores = pd.read_csv(tiny_root / "experiments/_evaluation/x_a.csv")
    np.testing.assert_allclose(scores["PSNR"], scores["PSNR_bicubic"], atol=1e-3)

    stored = next(iter(tiny_arrays["val"].values()))["input_image"]
    grid = {"height": 32, "width": 32, "count": 4, "dtype": "uint16", "crs": "EPSG:32618", "nodata": 0}
    scene, output = tiny_root / "scene.tif", tiny_root / "map.tif"
    with rasterio.open(scene, "w", **grid, transform=Affine(20, 0, 5e5, 0, -20, 45e5)) as raster:
        raster.write(np.moveaxis(stored, -1, 0))
        raster.descriptions = ["B02", "B03", "B04", "B08"]
    assert run(predict, tiny_root, "x", "--input", scene, "--output", output) == 0
    from pix2earth.baselines.upsampling import bicubic_image

    expected = bicubic_image(stored[..., [2, 1, 0]].astype(np.float32) * 1e-4, 2)
    with rasterio.open(output) as raster:
        found = raster.read() * np.array(raster.scales)[:, None, None] + np.array(raster.offsets)[:, None, None]
    np.testing.assert_allclose(np.moveaxis(found, 0, -1), expected, atol=2e-4)

    write_experiment(tiny_root, "x", **settings | {"start_from": "linear_fit"})
    assert run(train, tiny_root, "x", "--restore", "a") == 2
    assert "x/experiment.json: start_from: was" in (error := capfd.readouterr().err), error[-400:]
    write_experiment(tiny_root, "x", **settings | {"start_standardize": False})
    assert run(train, tiny_root, "x", "--restore", "a") == 2
    assert "start_standardize: was true in the run, is false (shapes the network)" in (
        error := capfd.readouterr().err
    ), error[-400:]


@pytest.mark.parametrize(("preset", "start"), [("gap_filling", "linear_in_time"), ("cloud_removal", "nearest_clear")])
def test_answers_from_further_fields_of_the_batch(tmp_path, preset, start):
    """Masks and dates reach the start in training, evaluation and samples."""
    example = read(PROJECT / "experiments" / "synthetic" / preset / "experiment.json").data
    with pytest.raises(SystemExit, match="0"):
        place = str(tmp_path / "data" / "synthetic" / preset)
        synthetic.main(["make", "--preset", preset, "--profile", "tiny", "--workers", "1", "--o", place])
    params = {"filters": 4, "discriminator_filters": 4}
    settings = example | COMMON | {"params": params, "tilesize": 64, "batch_size": 2, "start_from": start}
    settings |= {"learning_rate": 1e-12, "sample_freq": 2, "sample_val": 3}
    (tmp_path / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')
    (tmp_path / "experiments" / "x").mkdir(parents=True)
    (tmp_path / "experiments" / "x" / "experiment.json").write_text(json.dumps(settings))
    assert run(train, tmp_path, "x", "--timestamp", "a") == 0
    scores = pd.read_csv(tmp_path / "experiments/_evaluation/x_a.csv")
    baseline = start.replace("_", "-")
    for measure in ("PSNR", "PSNR.inside"):
        np.testing.assert_allclose(scores[measure], scores[f"{measure}_{baseline}"], atol=2e-3)


@pytest.fixture
def series(tmp_path):
    """An imported series of eight dates over two years, and an experiment that starts at interpolation in time."""
    random = np.random.default_rng(5)
    days = ("20200101", "20200111", "20200121", "20200315", "20200910", "20201220", "20210130", "20210211")
    for day, share in zip(days, (0, 0.3, 0.5, 0, 0.6, 0, 0.4, 0), strict=True):
        geotiff(tmp_path / f"s/v_{day}.tif", random.integers(0, 9000, (32, 32, 1)).astype(np.int16))
        geotiff(tmp_path / f"m/v_{day}.tif", (random.random((32, 32, 1)) < share).astype(np.uint8))
    arguments = ("--input", tmp_path / "s", "--dates", "v_{date:date}.tif", "--mask", tmp_path / "m")
    more = ("--cloudy", 0, 0.9, "--val-from", "2020-09-01", "--steps", 2, "--clear", 0.6, "--set", "target.scale=1e-4")
    assert run_importer(tmp_path, "series", *arguments, *more, "--dataset", "s", "--write-experiment", "first") == 0
    (tmp_path / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')
    settings = json.loads((tmp_path / "exp/first/experiment.json").read_text())
    settings |= {"params": {"filters": 4, "discriminator_filters": 4}, "learning_rate": 1e-12, "schedule": None}
    (tmp_path / "experiments" / "x").mkdir(parents=True)
    (tmp_path / "experiments/x/experiment.json").write_text(json.dumps(settings | {"steps": 2, "batch_size": 2}))
    return tmp_path


def test_an_imported_series_starts_at_interpolation_in_time(series, capfd):
    """The scores are those of np.interp on the rasters; the picture of the run can be drawn."""
    assert run(train, series, "x", "--timestamp", "a") == 0
    assert "when the target was taken is not known" not in capfd.readouterr().err
    table = pd.read_csv(series / "experiments/_evaluation/x_a.csv")
    manifest, samples = samples_of(series, "s", 32)
    (low,), (high,) = manifest.fields["target"].bounds
    expected = {
        name: 10 * np.log10((high - low) ** 2 / interpolation_error(fields))
        for (split, name), (fields, _) in samples.items()
        if split == "val"
    }
    assert len(expected) > 1 and list(table["tile"]) == sorted(expected)
    for measure in ("PSNR", "PSNR_linear-in-time"):
        np.testing.assert_allclose(table[measure], [expected[name] for name in sorted(expected)], atol=2e-3)
    assert "PSNR_nearest-clear" in table
    with pytest.raises(SystemExit, match="0"):
        pictures.main(["--env", str(series / "environment.json"), "--exp", "x", "--output", str(series / "x.png")])
    assert (series / "x.png").is_file()


def interpolation_error(fields):
    """Return the mean squared error of interpolation in time of a stored sample, where its target is clear."""
    days, clear, stack = fields["days_from_target"].ravel(), fields["cloud_mask"] == 0, fields["input_image"] * 1e-4
    errors = []
    for row, column in zip(*np.nonzero(fields["mask"][..., 0]), strict=True):
        seen = clear[:, row, column, 0]
        values = stack[seen, row, column, 0]
        found = np.interp(0, days[seen], values) if seen.any() else stack[clear].mean()
        errors.append(found - fields["target"][row, column, 0] * 1e-4)
    return np.mean(np.square(errors))
