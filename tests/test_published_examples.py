"""The examples of the published models, by the commands: trained, restored bit for bit, evaluated and mapped."""

import json
import shutil
import signal

import numpy as np
import pandas as pd
import pytest
import rasterio

from experiment import PROJECT
from pix2earth.results.budgets import EXAMPLES
from pix2earth.runs.folders import checkpoint_steps
from pix2earth.settings.commented_json import read
from synthetic import __main__ as synthetic
from tests import started_commands

pytestmark = pytest.mark.slow

STEPS, CHECKPOINT, SIDE = 20, 10, 64
NARROW = {
    "ctgan": {"filters": 2, "aspp_filters": 4, "fusion_filters": 4, "heads": 2, "head_features": 4, "expansion": 1,
              "discriminator_filters": 2},
    "gapfill": {"filters": 2, "blocks": 1, "discriminator_filters": 2},
    "pix2pixcc": {"filters": 2, "downsamplings": 2, "residual_blocks": 1, "discriminator_filters": 2},
    "rsgan": {"filters": [2] * 3, "discriminator_filters": [2] * 2},
}  # fmt: skip
"""Params of this test alone, by the first folder of an example."""


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    """The presets that the examples name, in the smallest profile."""
    root = tmp_path_factory.mktemp("presets")
    for preset in dict.fromkeys(example.preset for example in EXAMPLES.values()):
        place = str(root / "synthetic" / preset)
        with pytest.raises(SystemExit, match="0"):
            synthetic.main(["make", "--preset", preset, "--profile", "tiny", "--workers", "1", "--o", place])
    return root


@pytest.fixture
def root(request, tmp_path, data_root):
    """A folder with the narrow example."""
    name = request.getfixturevalue("name")
    settings = read(PROJECT / "experiments" / name / "experiment.json").data
    settings |= {
        "params": settings["params"] | NARROW[name.split("/")[0]], "tilesize": SIDE, "batch_size": 2, "steps": STEPS,
        "ckpt_freq": CHECKPOINT, "sample_freq": 100, "validate_freq": 100, "sample_val": 2, "metrics": ["PSNR"],
        "deterministic": True,
    }  # fmt: skip
    folder = tmp_path / "one" / "experiments" / name
    folder.mkdir(parents=True)
    (folder / "experiment.json").write_text(json.dumps(settings))
    environment = {"data_root": str(data_root), "experiment_root": "experiments"}
    (tmp_path / "one" / "environment.json").write_text(json.dumps(environment))
    return tmp_path / "one"


def start(root, name, command, *words):
    variables = {"PIX2EARTH_ENV": str(root / "environment.json")}
    return started_commands.start(command, "--exp", name, *words, **variables)


def variables(root, name):
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(root / f"experiments/{name}/ckpt/a/ckpt-{STEPS}"))
    return {key: reader.get_tensor(key).tobytes() for key in reader.get_variable_to_shape_map()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_is_trained_restored_evaluated_and_mapped(name, root, data_root):
    """A copy of the folder at the first checkpoint is what a killed run leaves behind."""
    training, left = start(root, name, "train.py", "--timestamp", "a"), root.with_name("left")
    training.wait_until(lambda: checkpoint_steps(root / f"experiments/{name}/ckpt/a") == [CHECKPOINT])
    training.send_signal(signal.SIGSTOP)
    shutil.copytree(root, left)
    training.send_signal(signal.SIGCONT)
    training.finish()
    assert checkpoint_steps(left / f"experiments/{name}/ckpt/a") == [CHECKPOINT]
    start(left, name, "train.py", "--restore", "a").finish()
    one, other = variables(root, name), variables(left, name)
    assert one.keys() == other.keys() and [key for key in one if one[key] != other[key]] == []

    csv = f"experiments/_evaluation/{name.replace('/', '--')}_a.csv"
    tables = [pd.read_csv(folder / csv) for folder in (root, left)]
    assert np.isfinite(tables[0]["PSNR"]).all() and (tables[0]["step"] == STEPS).all()
    assert ("PSNR.inside" in tables[0]) == (EXAMPLES[name].preset != "sar_to_optical")
    pd.testing.assert_frame_equal(*tables)
    if name in ("ctgan", "gapfill"):
        return  # their maps are tested in test_predict_series_models.py
    dataset, maps = data_root / "synthetic" / EXAMPLES[name].preset, root / "maps"
    start(root, name, "predict.py", "--timestamp", "a", "--input", dataset, "--output", maps).finish()
    written = sorted(maps.rglob("*.tif"))
    assert len(written) == len(list((dataset / str(SIDE) / "test").iterdir()))
    with rasterio.open(written[0]) as raster:
        assert raster.shape == (SIDE, SIDE) and np.isfinite(raster.read()).any()
