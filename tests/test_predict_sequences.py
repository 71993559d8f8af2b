"""The command predict.py for a network with a state: dated scenes in the order of time, a map for each."""

import json

import numpy as np
import pytest
import rasterio
from affine import Affine

import predict
from experiment import Environment
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.training.trained import open_run

SIDE, BATCH = 32, 3
DAYS = ["20240105", "20240120", "20240301"]
TRANSFORM = Affine(10, 0, 436500, 0, -10, 4178940)
FIELD = Field(
    dtype="uint16", shape=[SIDE, SIDE, 2], bands=["B02", "B03"], scale=1e-4, nodata=0, valid_range=(0.0, 1.0), gsd=10.0
)
PLUGIN = """
import keras
import tensorflow as tf

class GAN:
    sampling = "sequences"

    def __init__(self, exp):
        shape = (exp.BATCH_SIZE, exp.IMG_HEIGHT, exp.IMG_WIDTH, 2)
        image = keras.Input(shape[1:])
        self.generator = keras.Model(image, keras.layers.DepthwiseConv2D(1, depthwise_initializer="ones")(image))
        self.generator_optimizer = keras.optimizers.SGD()
        self.previous = tf.Variable(tf.ones(shape), trainable=False)

    def train_step(self, input_image, target, sequence_start):
        return {}

    def predict(self, input_image, sequence_start):
        \"\"\"Return half of the image and half of the output before.\"\"\"
        carried = self.previous * (1 - sequence_start[:, None, None, None])
        output = 0.5 * self.generator(input_image, training=False) + 0.5 * carried
        self.previous.assign(output)
        return output
"""


@pytest.fixture
def root(tmp_path, write_experiment, monkeypatch):
    """The experiments "state" and "cgan_recurrent"; their dataset has two sequences of three dates in ``val``."""
    from pix2earth.batches.dataset import Dataset
    from pix2earth.plugins import contract, finding
    from pix2earth.records.writer import DatasetWriter
    from pix2earth.runs import identity
    from pix2earth.training import checkpoints

    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "state.py").write_text(PLUGIN)
    roots = {"data_root": "data", "experiment_root": "experiments", "models_root": ["plugins"]}
    (tmp_path / "environment.json").write_text(json.dumps(roots))
    monkeypatch.setenv("PIX2EARTH_ENV", str(tmp_path / "environment.json"))
    manifest = Manifest(
        name="made", tilesize=SIDE, fields={"input_image": FIELD, "target": FIELD}, split=Split(method="synthetic"),
        sequence=r"(?P<sequence>\w+)_(?P<position>\d+)",
    )  # fmt: skip
    with DatasetWriter(tmp_path / "data", manifest) as writer:
        for place in ("east", "west"):
            for day in DAYS:
                tile = numbers(place, day)
                writer.write("val", f"{place}_{day}", {"input_image": tile, "target": tile})
    small = {"filters": [4, 8], "discriminator_filters": [4, 8]}
    for name, params in (("state", {}), ("cgan_recurrent", small)):
        write_experiment(
            tmp_path, name, model_name=name, dataset="made", tilesize=SIDE, batch_size=BATCH, params=params
        )  # fmt: skip
        experiment = open_run(Environment(), name, "a")
        plugin = finding.find(experiment)
        about = {"identity": identity.describe(experiment, Dataset(experiment).listing, plugin)}
        checkpoints.save(contract.build(experiment, plugin), experiment.output.checkpoints, 7, None, recorded=about)
    return tmp_path


def numbers(place, day, height=SIDE, width=SIDE):
    random = np.random.default_rng([ord(letter) for letter in place + day])
    values = random.integers(1, 9000, (height, width, 2), np.uint16)
    values[5:9, 3 : 3 + int(day[-1])] = 0  # missing at one date only, or more or less of it
    return values


def write_scene(path, values, **tags):
    height, width, count = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=count, dtype="uint16", crs="EPSG:32618",
        transform=TRANSFORM, nodata=0,
    ) as file:  # fmt: skip
        file.write(np.moveaxis(values, -1, 0))
        file.descriptions = FIELD.bands
        file.update_tags(**tags)
    return path


@pytest.fixture
def command(root, capfd):
    """``command(*inputs, exp="state", output="out.tif", **options)``: status and errors of predict.py."""

    def run(*inputs, exp="state", output="out.tif", **options):
        words = [f"--{name}={value}" for name, value in options.items()]
        with pytest.raises(SystemExit) as end:
            predict.main(
                ["--exp", exp, "--input", *map(str, inputs), "--output", str(root / output), *words]
            )  # fmt: skip
        return end.value.code, capfd.readouterr().err

    return run


def read(path):
    with rasterio.open(path) as raster:
        return np.moveaxis(raster.read(), 0, -1)


def expected(scenes):
    """Return the prediction of each date: half of it and half of the one before, in network values from -1 to 1."""
    state, found = 0.0, []
    for scene in scenes:
        state = 0.5 * (scene * 2e-4 - 1) + 0.5 * state
        found.append(np.where((scene == 0).any(-1, keepdims=True), np.nan, (state + 1) / 2))
    return found


def test_dates_are_read_in_their_order_whatever_the_order_of_the_inputs(root, command):
    scenes = [numbers("scene", day, 75, 110) for day in DAYS]
    files = [write_scene(root / f"s_{day}.tif", scene) for day, scene in zip(DAYS, scenes, strict=True)]
    status, err = command(files[2], files[0], files[1])
    assert status == 0, err
    for day, wanted in zip(DAYS, expected(scenes), strict=True):
        np.testing.assert_allclose(read(root / f"out_{day}.tif"), wanted, atol=1e-6)
        with rasterio.open(root / f"out_{day}.tif") as raster:
            assert (raster.crs, raster.transform) == ("EPSG:32618", TRANSFORM)
            assert raster.tags()["ACQUIRED"][:10].replace("-", "") == day and raster.descriptions == ("B02", "B03")
    assert not (root / "out.tif").exists() and not (root / "out.tif.part").exists()
    status, err = command(*files)
    assert status == 2 and f"out_{DAYS[0]}.tif: exists; --overwrite replaces it" in err


@pytest.mark.parametrize("exp", ["state", "cgan_recurrent"])
def test_maps_are_those_of_the_dataset_with_the_same_tiles(root, command, exp):
    assert command(root / "data/made", exp=exp, output="maps")[0] == 0
    (root / "scenes").mkdir()
    for place in ("east", "west"):
        files = [write_scene(root / "scenes" / f"{place}_{day}.tif", numbers(place, day)) for day in DAYS]
        assert command(*files, exp=exp, output=f"{place}.tif")[0] == 0
        for day in DAYS:
            of_dataset, of_scene = read(root / f"maps/{place}_{day}.tif"), read(root / f"{place}_{day}.tif")
            assert np.isfinite(of_scene).mean() > 0.9
            np.testing.assert_allclose(of_scene, of_dataset, rtol=1e-5, atol=1e-6)


def test_times_come_from_the_tag_before_the_name(root, command):
    days = ["2024-03-01T10:00:00+00:00", "2024-03-01T09:00:00Z"]
    scenes = [numbers("scene", day, 40, 40) for day in DAYS[:2]]
    files = [
        write_scene(root / f"s_{day}.tif", scene, ACQUIRED=time)
        for day, scene, time in zip(DAYS, scenes, days, strict=False)
    ]
    assert command(*files)[0] == 0
    for time, wanted in zip(("20240301T090000", "20240301T100000"), expected(scenes[::-1]), strict=True):
        np.testing.assert_allclose(read(root / f"out_{time}.tif"), wanted, atol=1e-6)


def test_errors(root, command):
    scene = write_scene(root / "scene.tif", numbers("scene", DAYS[0]))
    status, err = command(scene)
    assert status == 2 and "neither a tag ACQUIRED nor a date in the name, such as 20240131" in err
    one, two = (write_scene(root / f"{name}_20240105.tif", numbers("scene", DAYS[0])) for name in ("a", "b"))
    status, err = command(one, two)
    assert status == 2 and f"{two}: has the date of {one}; leave one of them out" in err
    status, err = command(one, field=f"mask={two}")
    assert status == 2 and "--field: does not apply to a network that reads sequences; leave it out" in err
    other = write_scene(root / "c_20240106.tif", numbers("scene", DAYS[0], 40, 40))
    status, err = command(one, other)
    assert status == 2 and "resample all to one grid" in err
