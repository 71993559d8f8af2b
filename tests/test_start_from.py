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
from pix2earth.settings.commented_json import read
from synthetic import __main__ as synthetic
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
