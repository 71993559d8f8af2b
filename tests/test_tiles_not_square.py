"""Tiles that are not square, through training, evaluation and maps."""

import csv
import json

import numpy as np
import pytest
import rasterio

import evaluate
import predict
import train
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter

BANDS = ["B02", "B03"]
TRANSFORM = (10, 0, 436500, 0, -10, 4178940)


@pytest.fixture
def root(tmp_path, write_experiment, monkeypatch):
    """A dataset of targets of 48 x 64 pixels of 10 m with inputs of 20 m, and an experiment without sizes."""
    numbers = {"dtype": "uint16", "bands": BANDS, "scale": 1e-4, "valid_range": (0.0, 1.0)}
    fields = {
        "input_image": Field(shape=[24, 32, 2], gsd=20.0, **numbers),
        "target": Field(shape=[48, 64, 2], gsd=10.0, **numbers),
    }
    manifest = Manifest(name="wide", tilesize=64, fields=fields, split=Split(method="synthetic"))
    random = np.random.default_rng(6)
    with DatasetWriter(tmp_path / "data", manifest) as writer:
        for split, count in (("train", 4), ("val", 2)):
            for number in range(count):
                target = random.integers(1000, 9000, (48, 64, 2)).astype(np.uint16)
                coarse = target.reshape(24, 2, 32, 2, 2).mean(axis=(1, 3)).round().astype(np.uint16)
                writer.write(
                    split, f"{split}{number}", {"input_image": coarse, "target": target}, crs="EPSG:32618",
                    transform=TRANSFORM,
                )  # fmt: skip
    (tmp_path / "environment.json").write_text('{"data_root": "data", "experiment_root": "experiments"}')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIX2EARTH_ENV", str(tmp_path / "environment.json"))
    write_experiment(tmp_path, "wide", dataset="wide")
    return tmp_path


def run(command, *arguments: str) -> None:
    """Run a command, which may end the process with status 0."""
    try:
        command.main([*arguments])
    except SystemExit as end:
        assert not end.code


@pytest.mark.slow
def test_are_what_they_are_in_training_evaluation_and_maps(root):
    run(train, "--exp", "wide")
    (record,) = (root / "experiments" / "wide" / "logs").glob("*/run.json")
    settings = json.loads(record.read_text())["settings"]
    assert (settings["img_height"], settings["img_width"]) == (48, 64)

    run(evaluate, "--exp", "wide")
    (scores,) = (root / "experiments" / "_evaluation").glob("*.csv")
    assert len(list(csv.DictReader(scores.open()))) >= 2
    scale = json.loads(scores.with_name(scores.name + ".json").read_text())
    assert '"height": 48' in json.dumps(scale) and '"width": 64' in json.dumps(scale)

    run(predict, "--exp", "wide", "--input", "data/wide", "--split", "val", "--output", "maps")
    with rasterio.open(root / "maps" / "val0.tif") as tile:
        assert (tile.height, tile.width, tile.res) == (48, 64, (10, 10))

    scene = np.random.default_rng(7).integers(1000, 9000, (2, 50, 90)).astype(np.uint16)
    coarse = rasterio.Affine(20, 0, 436500, 0, -20, 4178940)
    profile = {"height": 50, "width": 90, "count": 2, "dtype": "uint16", "crs": "EPSG:32618", "transform": coarse}
    with rasterio.open(root / "scene.tif", "w", driver="GTiff", **profile) as file:
        file.write(scene)
        file.descriptions = BANDS
    run(predict, "--exp", "wide", "--input", "scene.tif", "--output", "map.tif")
    with rasterio.open(root / "map.tif") as mapped:
        assert (mapped.height, mapped.width, mapped.res) == (100, 180, (10, 10))
        assert np.isfinite(mapped.read()).all()
