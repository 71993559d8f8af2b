"""The command predict.py with further fields and several time steps: pixel values, and errors before TensorFlow."""

import json
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.warp import transform_bounds

import predict
from experiment import PROJECT, Environment
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.settings.errors import UserError
from pix2earth.training.trained import open_run

SIDE, STEPS = 64, 3
BANDS = ["B02", "B03"]
TRANSFORM = Affine(10, 0, 436500, 0, -10, 4178940)
REFLECTANCE = {"dtype": "uint16", "bands": BANDS, "scale": 1e-4, "valid_range": (0.0, 1.0), "gsd": 10.0}
FIELDS = {
    "input_image": Field(shape=[STEPS, SIDE, SIDE, 2], **REFLECTANCE),
    "target": Field(shape=[SIDE, SIDE, 2], **REFLECTANCE),
    "cloud_mask": Field(dtype="uint8", shape=[STEPS, SIDE, SIDE, 1], kind="mask", bands=["clouded"]),
    "cover": Field(dtype="uint8", shape=[SIDE // 4, SIDE // 4, 1], kind="classes", bands=["class"]),
    "height": Field(dtype="float32", shape=[SIDE, SIDE, 1], bands=["elevation"], units="m", valid_range=(0.0, 4000.0)),
}
PLUGIN = """
import keras
import tensorflow as tf

class GAN:
    def __init__(self, exp):
        image = keras.Input((64, 64, 6))
        self.generator = keras.Model(image, keras.layers.DepthwiseConv2D(1, depthwise_initializer="ones")(image))
        self.generator_optimizer = keras.optimizers.SGD()

    def train_step(self, input_image, target):
        return {}

    def predict(self, input_image, cloud_mask, cover):
        \"\"\"Return the newest clear time step of each pixel; water is black.\"\"\"
        image = self.generator(input_image, training=False)
        newest = image[..., 4:]
        for step in (1, 0):
            hidden = tf.reduce_min(cloud_mask[..., step + 1:], -1, keepdims=True)
            newest = tf.where(hidden == 1, image[..., 2 * step : 2 * step + 2], newest)
        return tf.where(cover == 1, -1.0, newest)
"""


@pytest.fixture
def with_checkpoint(tmp_path, write_experiment, monkeypatch):
    """``with_checkpoint(name, fields, **settings)``: an experiment on a dataset of its name, with untrained weights."""
    from pix2earth.batches.dataset import Dataset
    from pix2earth.plugins import contract, finding
    from pix2earth.records.writer import DatasetWriter
    from pix2earth.runs import identity
    from pix2earth.training import checkpoints

    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "newest.py").write_text(PLUGIN)
    roots = {"data_root": "data", "experiment_root": "experiments", "models_root": ["plugins"]}
    (tmp_path / "environment.json").write_text(json.dumps(roots))
    monkeypatch.setenv("PIX2EARTH_ENV", str(tmp_path / "environment.json"))

    def write_all(name, fields, **settings):
        manifest = Manifest(name=name, tilesize=SIDE, fields=fields, split=Split(method="synthetic"))
        with DatasetWriter(tmp_path / "data", manifest) as writer:
            writer.write("val", "tile", {key: np.zeros(field.shape, field.dtype) for key, field in fields.items()})
        write_experiment(tmp_path, name, dataset=name, tilesize=SIDE, fold_dates=True, **settings)
        experiment = open_run(Environment(), name, "a")
        plugin = finding.find(experiment)
        about = {"identity": identity.describe(experiment, Dataset(experiment).listing, plugin)}
        checkpoints.save(contract.build(experiment, plugin), experiment.output.checkpoints, 7, None, recorded=about)

    return write_all


@pytest.fixture
def root(tmp_path, with_checkpoint):
    """The folder of the experiment "newest", whose plug-in is that above."""
    with_checkpoint("newest", FIELDS, model_name="newest")
    return tmp_path


class Arrays:
    """A scene as arrays, and the prediction that the plug-in should give for it."""

    def __init__(self, height=148, width=216):
        random = np.random.default_rng(0)
        self.image = random.integers(1, 9000, (STEPS, height, width, 2), np.uint16)
        self.mask = random.integers(0, 2, (STEPS, height, width, 1), np.uint8)
        self.cover = random.integers(0, 5, (height // 4, width // 4, 1), np.uint8)

    @property
    def reflectance(self):
        return self.image.astype(np.float32) * np.float32(1e-4)

    @property
    def prediction(self):
        hidden, image = self.mask.astype(bool), self.reflectance
        newest = np.where(hidden[2], np.where(hidden[1], image[0], image[1]), image[2])
        return np.where(self.cover.repeat(4, 0).repeat(4, 1) == 1, 0, newest)


def write(path, values, metres=10):
    height, width, count = values.shape
    transform = Affine(metres, 0, TRANSFORM.c, 0, -metres, TRANSFORM.f)
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=count, dtype=values.dtype, crs="EPSG:32618",
        transform=transform,
    ) as file:  # fmt: skip
        file.write(np.moveaxis(values, -1, 0))
    return path


@pytest.fixture
def scene(root):
    """Files of the scene: time steps, masks of the time steps, classes of 40 m; and its arrays."""
    arrays = Arrays()
    for step in range(STEPS):
        write(root / f"t{step}.tif", arrays.image[step])
        write(root / f"m{step}.tif", arrays.mask[step])
    write(root / "cover.tif", arrays.cover, 40)
    return arrays


@pytest.fixture
def command(root, capfd):
    """``command(*arguments)``: status, output and errors of predict.py with all time steps and masks."""

    def run(*arguments):
        words = ["--exp", "newest", "--input", *(root / f"t{step}.tif" for step in range(STEPS))]
        words += ["--field", "cloud_mask=" + ",".join(str(root / f"m{step}.tif") for step in range(STEPS))]
        with pytest.raises(SystemExit) as end:
            predict.main([*map(str, words), "--output", str(root / "out.tif"), *map(str, arguments)])
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


def read(path):
    with rasterio.open(path) as raster:
        return np.moveaxis(raster.read(), 0, -1), raster.transform


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5])
def test_every_window_gets_its_part_of_each_field(root, scene, command, overlap):
    status, *_ = command("--field", f"cover={root / 'cover.tif'}", "--overlap", overlap)
    output, transform = read(root / "out.tif")
    assert status == 0 and transform == TRANSFORM
    np.testing.assert_allclose(output, scene.prediction, atol=1e-6)


@pytest.mark.slow
def test_masked_unet_keeps_what_is_clear_and_fills_gaps(tmp_path, with_checkpoint, capfd):
    names = ("input_image", "cloud_mask")
    fields = {"target": FIELDS["input_image"], **{name: FIELDS[name] for name in names}}
    params = {"filters": 4, "discriminator_filters": 4}
    with_checkpoint("gaps", fields, model_name="masked_unet", params=params, gen_loss={"gen_gan": 0.01})
    arrays = Arrays()
    whole = [np.concatenate(list(each), axis=-1) for each in (arrays.image, arrays.mask)]
    paths = [write(tmp_path / f"{name}.tif", each) for name, each in zip(names, whole, strict=True)]
    words = ["--exp", "gaps", "--input", str(paths[0]), "--field", f"cloud_mask={paths[1]}"]
    with pytest.raises(SystemExit) as end:
        predict.main([*words, "--output", str(tmp_path / "out.tif")])
    assert end.value.code == 0, capfd.readouterr().err
    output, _ = read(tmp_path / "out.tif")
    reflectance, hidden = np.concatenate(list(arrays.reflectance), axis=-1), whole[1].repeat(2, -1) == 1
    np.testing.assert_allclose(output[~hidden], reflectance[~hidden], atol=1e-6)
    assert np.isfinite(output).all() and np.abs(output - reflectance)[hidden].mean() > 0.01
    with rasterio.open(tmp_path / "out.tif") as raster:
        assert raster.descriptions == ("B02 1", "B03 1", "B02 2", "B03 2", "B02 3", "B03 3")


def test_a_box_has_the_values_of_the_whole_scene(root, scene, command):
    box = transform_bounds("EPSG:32618", "EPSG:4326", 436913, 4178105, 437708, 4178711)
    assert command("--field", f"cover={root / 'cover.tif'}", "--bbox", *box)[0] == 0
    output, transform = read(root / "out.tif")
    row, column = round((TRANSFORM.f - transform.f) / 10), round((transform.c - TRANSFORM.c) / 10)
    assert row % 4 == column % 4 == 0 and row > 0 and column > 0 and 60 <= output.shape[0] < 80
    expected = scene.prediction[row : row + output.shape[0], column : column + output.shape[1]]
    np.testing.assert_allclose(output, expected, atol=1e-6)


def test_an_array_gives_the_values_of_the_map(root, scene):
    import xarray

    from pix2earth.mapping import predict_array

    further = {"cloud_mask": scene.mask.astype(bool), "cover": scene.cover}
    result = predict_array(scene.reflectance, "newest", fields=further)
    np.testing.assert_allclose(result, scene.prediction, atol=1e-6)
    labelled = xarray.DataArray(np.moveaxis(scene.mask, 0, -1), dims=("y", "x", "band", "time"))
    again = predict_array(scene.reflectance, "newest", fields={**further, "cloud_mask": labelled})
    np.testing.assert_array_equal(again, result)


def test_arrays_that_do_not_fit_are_errors(root, scene, capfd):
    from pix2earth.mapping import predict_array

    with pytest.raises(UserError, match=r'reads cover besides the input; add fields=\{"cover": array\}'):
        predict_array(scene.reflectance, "newest", fields={"cloud_mask": scene.mask})
    with pytest.raises(UserError, match=r'"cover": array\}: has 148 x 216 pixels, .* 16 x 16 for every 64 x 64'):
        predict_array(scene.reflectance, "newest", fields={"cloud_mask": scene.mask, "cover": scene.mask[0]})
    with pytest.raises(
        UserError, match=r'fields=\{"cloud_mask": array\}, clouded, has the shape \(3, height, width, 1\)'
    ):
        predict_array(scene.reflectance, "newest", fields={"cloud_mask": scene.mask[0], "cover": scene.cover})


def test_another_mask_starts_an_unfinished_map_again(root, scene, command, monkeypatch):
    from pix2earth.mapping.inference import Plan

    cover = ("--field", f"cover={root / 'cover.tif'}")
    strips = Plan.strips
    with monkeypatch.context() as interrupted:
        interrupted.setattr(Plan, "strips", lambda *arguments: _first(strips(*arguments)))
        assert command(*cover)[0] == 130
    scene.mask = 1 - scene.mask
    for step in range(STEPS):
        write(root / f"m{step}.tif", scene.mask[step])
    assert (root / "out.tif.part/progress.raw").exists()
    status, out, _ = command(*cover)
    assert status == 0 and "is of another input" in out
    np.testing.assert_allclose(read(root / "out.tif")[0], scene.prediction, atol=1e-6)


def _first(strips):
    yield next(strips)
    raise KeyboardInterrupt


def test_errors_are_one_line_before_tensorflow_is_loaded(root, scene):
    cover = f"cover={root / 'cover.tif'}"
    inputs = [str(root / f"t{step}.tif") for step in range(STEPS)]
    masks = "cloud_mask=" + ",".join(str(root / f"m{step}.tif") for step in range(STEPS))
    write(root / "fine.tif", scene.mask[0])
    write(root / "t9.tif", scene.image[0], 20)
    cases = [
        ([*inputs], [masks], "predict() reads cover besides the input; add --field cover=FILE"),
        (inputs[:2], [masks, cover], "2 files, where the network reads 3 time steps of B02, B03; name 3 files"),
        ([*inputs[:2], str(root / "t9.tif")], [masks, cover], "resample all to one grid"),
        (inputs, [masks, cover, "height=none.tif"], "--field height=none.tif: there is no such file"),
        (inputs, [masks, f"cover={root / 'fine.tif'}"], "of which cover has 16 x 16 pixels for every 64 x 64"),
        (inputs, [f"cloud_mask={root / 'm0.tif'}", cover], "has 1 bands; the network takes 3"),
        ([*inputs, str(root / "data/newest")], [], "is a dataset, which holds all time steps; name it alone"),
        ([str(root / "data/newest")], [cover], "--field: does not apply to a dataset"),
    ]
    calls = [
        ["--exp", "newest", "--input", *paths, *(word for text in texts for word in ("--field", text))]
        for paths, texts, _ in cases
    ]
    code = "import json, sys, predict\nfor call in json.loads(sys.argv[1]):\n    try: predict.main(call)\n"
    code += "    except SystemExit as end: print(end.code)\nassert 'tensorflow' not in sys.modules"
    output = ["--output", str(root / "out.tif")]
    words = [sys.executable, "-c", code, json.dumps([[*call, *output] for call in calls])]
    ended = subprocess.run(words, cwd=PROJECT, check=True, capture_output=True, text=True)
    lines = ended.stderr.splitlines()
    assert ended.stdout.split("\n").count("2") == len(cases) == len(lines)
    for line, (*_, message) in zip(lines, cases, strict=True):
        assert message in line


def test_the_output_is_no_further_field(root, scene, command):
    before = (root / "m1.tif").read_bytes()
    cover = ("--field", f"cover={root / 'cover.tif'}", "--overwrite", "--output", root / "m1.tif")
    status, _, errors = command(*cover)
    assert status == 2 and "m1.tif: is the same file as --field cloud_mask" in errors
    assert (root / "m1.tif").read_bytes() == before
