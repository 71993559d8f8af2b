"""Results that would mislead: threads and devices of a training, metrics that have no meaning for the bands."""

import json

import numpy as np
import pandas as pd
import pytest

import compare
import evaluate
import train
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from pix2earth.scoring import origins
from tests.started_commands import run
from tests.test_train import plugin

pytestmark = pytest.mark.slow

THREADS = """
    def __init__(self, exp):
        super().__init__(exp)
        print("threads between operations:", tf.config.threading.get_inter_op_parallelism_threads())
"""
TWO_DEVICES = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import train
train.main(sys.argv[1:])
"""


@pytest.fixture
def command(tiny_root, capfd):
    """``command(module, *arguments)``: what a command prints, which succeeds."""

    def run(module, *arguments):
        with pytest.raises(SystemExit) as end:
            module.main(["--env", str(tiny_root / "environment.json"), *map(str, arguments)])
        out, err = capfd.readouterr()
        assert end.value.code == 0, err
        return out + err

    return run


def process(root, *words, status=0):
    """Run ``train.py``, or another program with its options, as a process on one CPU."""
    options = ["--env", root / "environment.json", "--exp", "x", "--timestamp", "a"]
    return run(*words, *options, status=status, CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3")


def test_one_thread_executes_the_operations_of_a_deterministic_run(tiny_root, write_experiment):
    settings = plugin(tiny_root, "threads")
    path = tiny_root / "plugins" / "threads.py"
    path.write_text(path.read_text() + THREADS)
    write_experiment(tiny_root, "x", **settings, metrics=["PSNR"], steps=1, deterministic=True)
    out = process(tiny_root, "train.py").out()
    assert "threads between operations: 1\n" in out and "may differ in their rounding" not in out


def test_keras_2_on_several_devices_is_refused(tiny_root, write_experiment):
    path = tiny_root / "environment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"legacy_keras": True, "distribution": "mirrored"}))
    write_experiment(tiny_root, "x", steps=1)
    errors = process(tiny_root, "-c", TWO_DEVICES, status=2).err()
    line = f'{path}: legacy_keras: Keras 2 is possible on one device only, not on 2; set distribution to "none"\n'
    assert errors.endswith(line) and "Traceback" not in errors
    assert not (tiny_root / "experiments/x/ckpt").exists()


def write_dataset(root, tiny_arrays, bands):
    """Write a dataset of the tiny tiles with their first bands, called "few"."""
    names = ["B04", "B03", "B02"][:bands]
    image = {"dtype": "uint16", "bands": names, "scale": 1e-4, "valid_range": (0.0, 1.0)}
    fields = {
        "input_image": Field(shape=[32, 32, bands], gsd=20.0, **image),
        "target": Field(shape=[64, 64, bands], gsd=10.0, **image),
    }
    manifest = Manifest(name="few", tilesize=64, fields=fields, split=Split(method="synthetic"))
    with DatasetWriter(root / "data", manifest) as writer:
        for split, tiles in tiny_arrays.items():
            for name, tile in tiles.items():
                coarse, fine = tile["input_image"][..., [2, 1, 0]], tile["target"]
                writer.write(split, name, {"input_image": coarse[..., :bands], "target": fine[..., :bands]})


@pytest.mark.parametrize(
    ("bands", "metric", "reason"),
    [(1, "SAM", "has no spectra"), (2, "HPSI", "neither grey nor in colour")],
    ids=["one", "two"],
)
def test_a_metric_without_a_meaning_is_neither_perfect_nor_the_best(
    tiny_root, write_experiment, command, tiny_arrays, bands, metric, reason
):
    write_dataset(tiny_root, tiny_arrays, bands)
    write_experiment(tiny_root, "x", dataset="few", metrics=["PSNR", metric], best_metric=metric, validate_freq=1)
    output = command(train, "--exp", "x", "--timestamp", "a")
    assert output.count(f"{metric}: is undefined for every sample: ") == 1 and "best so far" not in output
    assert f"best_metric: {metric} is undefined for every sample" in output
    output = command(evaluate, "--exp", "x")
    assert output.count(f"{metric}: is undefined for every sample: ") == 1 and reason in output
    table = pd.read_csv(tiny_root / "experiments/_evaluation/x_a.csv")
    assert table[[metric, f"{metric}_bicubic"]].isna().all(axis=None) and np.isfinite(table["PSNR"]).all()
    assert set(origins.load(tiny_root / "experiments/_evaluation/x_a.csv")["splits"]["val"]["failures"].values()) == {0}
    command(compare)
    summary = pd.read_csv(tiny_root / "experiments/_evaluation/summary.csv")
    assert summary[metric].isna().all() and np.isfinite(summary["PSNR"]).all()
