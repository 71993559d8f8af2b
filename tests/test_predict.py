"""The command predict.py: pixel values, coordinates, resuming after kill -9, and errors of the user."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

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
from sensors.sentinel2 import Safe
from tests import started_commands
from tests.products import write_safe

SIDE = 64
BANDS = ["B02", "B03"]
BLUE = {"LONG_NAME": "blue", "WAVELENGTH_NM": "492.7", "BANDWIDTH_NM": "66", "UNIT": "1"}
TRANSFORM = Affine(10, 0, 436500, 0, -10, 4178940)
REFLECTANCE = {"dtype": "uint16", "bands": BANDS, "scale": 1e-4, "nodata": 0, "valid_range": (0.0, 1.0), "gsd": 10.0}
PLUGIN = '''
"""Takes time, and gives back what it is given."""
import time
import keras
import tensorflow as tf

class GAN:
    def __init__(self, exp):
        image = keras.Input((64, 64, 2))
        self.generator = keras.Model(image, keras.layers.DepthwiseConv2D(1, depthwise_initializer="ones")(image))
        self.discriminator = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        self.generator_optimizer, self.discriminator_optimizer = keras.optimizers.SGD(), keras.optimizers.SGD()
        self.seconds = exp.PARAMS.get("seconds", 0)

    def train_step(self, input_image, target, step):
        return {}

    def predict(self, input_image):
        def waited(image):
            time.sleep(self.seconds)
            return image
        prediction = self.generator(input_image, training=False)
        if not self.seconds:
            return prediction
        prediction = tf.numpy_function(waited, [prediction], tf.float32, stateful=True)
        return tf.ensure_shape(prediction, (None, 64, 64, 2))
'''


@pytest.fixture
def root(tmp_path, write_experiment, monkeypatch):
    """Experiments "same" and "slow" with a checkpoint each, whose network changes nothing, and their dataset."""
    from pix2earth.batches.dataset import Dataset
    from pix2earth.plugins import contract, finding
    from pix2earth.records.writer import DatasetWriter
    from pix2earth.runs import identity
    from pix2earth.training import checkpoints

    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "same.py").write_text(PLUGIN)
    roots = {"data_root": "data", "experiment_root": "experiments", "models_root": ["plugins"]}
    (tmp_path / "environment.json").write_text(json.dumps(roots))
    monkeypatch.setenv("PIX2EARTH_ENV", str(tmp_path / "environment.json"))
    field = Field(shape=[SIDE, SIDE, 2], **REFLECTANCE)
    manifest = Manifest(
        name="made", tilesize=SIDE, fields={"input_image": field, "target": field}, split=Split(method="synthetic")
    )
    with DatasetWriter(tmp_path / "data", manifest) as writer:
        for number in range(3):
            tile = numbers(SIDE, SIDE, seed=number)
            place = {"crs": "EPSG:32618", "transform": TRANSFORM @ Affine.translation(number * SIDE, 5)}
            # One list for the record, the target's own time, and that of the input alone.
            by_field = {"input_image": ["2016-01-10"], "target": ["2016-01-12"]}
            times = (["2016-01-12"], by_field, {"input_image": ["2016-01-12"]})[number]
            writer.write("val", f"tile{number}", {"input_image": tile, "target": tile}, **place, acquired=times)
    for name, params in (("same", {}), ("slow", {"seconds": 0.4})):
        write_experiment(
            tmp_path, name, model_name="same", dataset="made", tilesize=SIDE, normalize="none", params=params
        )
        experiment = open_run(Environment(), name, "a")
        gan = contract.build(experiment, finding.find(experiment))
        plugin = finding.find(experiment)
        about = {"identity": identity.describe(experiment, Dataset(experiment).listing, plugin)}
        checkpoints.save(gan, experiment.output.checkpoints, 7, None, recorded=about)
    return tmp_path


def numbers(height, width, seed=0):
    values = np.random.default_rng(seed).integers(1, 12000, (height, width, 2), np.uint16)
    values[height // 3, : width // 2] = 0
    return values


def write_scene(path, values, **profile):
    height, width, count = values.shape
    profile = {"crs": "EPSG:32618", "transform": TRANSFORM, "dtype": values.dtype, "driver": "GTiff", **profile}
    with rasterio.open(path, "w", height=height, width=width, count=count, **profile) as file:
        file.write(np.moveaxis(values, -1, 0))
        if count == 2:
            file.descriptions = BANDS
    return path


@pytest.fixture
def command(root, capfd):
    """``command(*arguments, exp="same")``: status, output and errors of predict.py."""

    def run(*arguments, exp="same"):
        with pytest.raises(SystemExit) as end:
            predict.main(["--exp", exp, *map(str, arguments)])
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


@pytest.mark.parametrize("size", [(301, 517), (40, 30)])
def test_identity_in_physical_units_on_the_map(root, command, size):
    values = numbers(*size)
    scene = write_scene(root / "scene.tif", values, nodata=0)
    status, _, err = command("--input", scene, "--output", root / "out.tif")
    assert status == 0 and "windows/s" in err
    with rasterio.open(scene) as source, rasterio.open(root / "out.tif") as raster:
        read = np.moveaxis(raster.read(), 0, -1)
        valid = values[..., 0] != 0
        assert np.array_equal(read[valid], values[valid].astype(np.float32) * np.float32(1e-4))
        assert np.isnan(read[~valid]).all() and np.isnan(raster.nodata)
        assert (raster.crs, raster.transform, raster.shape) == (source.crs, source.transform, source.shape)
        assert [raster.xy(row, 7) for row in range(9)] == [source.xy(row, 7) for row in range(9)]
        assert raster.descriptions == ("B02", "B03") and raster.units == ("1", "1")
        assert raster.tags(1) == BLUE
        assert raster.tags()["RUN"] == "a" and raster.tags()["STEP"] == "7" and raster.tags()["EXPERIMENT"] == "same"
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert bool(raster.overviews(1)) == (size[0] > 512 or size[1] > 512)
    assert sorted(path.name for path in root.glob("out*")) == ["out.tif", "out_preview.png"]


@pytest.mark.parametrize("overlap", [0.0, 0.5])
def test_an_array_gives_the_values_of_the_map(root, command, monkeypatch, overlap):
    import tensorflow as tf
    import xarray

    from pix2earth.mapping import predict_array
    from pix2earth.plugins import contract

    # Windows that differ where they overlap show how they are blended.
    def centred(gan, plugin, fields):
        return fields["input_image"] - tf.reduce_mean(fields["input_image"], (1, 2), keepdims=True)

    monkeypatch.setattr(contract, "forward", centred)
    values = numbers(100, 150).astype(np.float32) * np.float32(1e-4)
    values[20:24, 90:] = np.nan
    scene = write_scene(root / "scene.tif", values)
    assert command("--input", scene, "--output", root / "out.tif", "--overlap", overlap)[0] == 0
    with rasterio.open(root / "out.tif") as raster:
        expected = np.moveaxis(raster.read(), 0, -1)
    result = predict_array(values, "same", overlap=overlap)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, expected)
    labelled = xarray.DataArray(np.moveaxis(values, -1, 0)[::-1], dims=("band", "y", "x"), coords={"band": BANDS[::-1]})
    of_labelled = predict_array(labelled, "same", overlap=overlap)
    assert of_labelled.dims == ("band", "y", "x")
    np.testing.assert_array_equal(of_labelled.sel(band=BANDS).transpose("y", "x", "band").values, expected)


def test_an_array_that_does_not_fit_is_an_error(root):
    from pix2earth.mapping import predict_array

    with pytest.raises(UserError, match=r"has the shape \(height, width, 2\); the array has \(64, 64, 3\)"):
        predict_array(np.zeros((64, 64, 3)), "same")
    with pytest.raises(UserError, match=r"overlap=0\.7: must be between 0 and 0\.5"):
        predict_array(np.zeros((64, 64, 2)), "same", overlap=0.7)


def test_a_box_is_snapped_to_pixels_of_the_scene(root, command):
    values = numbers(120, 130)
    scene = write_scene(root / "scene.tif", values)
    box = transform_bounds("EPSG:32618", "EPSG:4326", 436700, 4178000, 437203, 4178500)
    assert command("--input", scene, "--output", root / "out.tif", "--bbox", *box)[0] == 0
    with rasterio.open(root / "out.tif") as raster:
        # The box in degrees, which encloses the rectangle in metres, is some pixels larger.
        left, bottom, right, top = raster.bounds
        assert 436600 < left <= 436700 and 437203 <= right < 437300 and 4177900 < bottom <= 4178000
        row, column = (round(number) for number in ((4178940 - top) / 10, (left - 436500) / 10))
        assert raster.transform == TRANSFORM @ Affine.translation(column, row)
        cut = values[row : row + raster.height, column : column + raster.width]
        read = np.nan_to_num(np.moveaxis(raster.read(), 0, -1))
    assert np.array_equal(read, cut.astype(np.float32) * np.float32(1e-4))


@pytest.mark.parametrize("form", ["demo", "demo/64"])
def test_a_dataset_gives_a_geotiff_for_each_sample_and_goes_on(root, command, form):
    folder = root / "data" / form.replace("demo", "made")
    output = root / "maps"
    status, out, _ = command("--input", folder, "--output", output)
    assert status == 0 and "3 GeoTIFFs" in out
    for number in range(3):
        with rasterio.open(output / f"tile{number}.tif") as raster:
            assert raster.transform == TRANSFORM @ Affine.translation(number * SIDE, 5)
            assert raster.crs == "EPSG:32618" and raster.tags()["ACQUIRED"] == "2016-01-12"
            tile, read = numbers(SIDE, SIDE, seed=number), np.moveaxis(raster.read(), 0, -1)
            valid = tile[..., 0] != 0
            assert np.array_equal(read[valid], tile[valid].astype(np.float32) * np.float32(1e-4))
            assert np.isnan(read[~valid]).all()
            assert raster.tags(1) == BLUE
    before = {path: path.stat().st_mtime_ns for path in output.iterdir()}
    (output / "tile1.tif").unlink()
    status, out, _ = command("--input", folder, "--output", output)
    assert status == 0 and "2 of 3 files exist" in out
    after = {path: path.stat().st_mtime_ns for path in output.iterdir()}
    assert [path.name for path in before if before[path] != after[path]] == ["tile1.tif"]


def test_a_damaged_sample_is_named(root, error_line):
    record = root / "data/made/64/val/tile1.tfrecord"
    content = bytearray(record.read_bytes())
    content[len(content) // 2] ^= 1
    record.write_bytes(content)
    assert "tile1.tfrecord: field" in error_line("--input", root / "data/made", "--output", root / "maps")


def test_a_product_gives_its_reflectance(root, command):
    safe = write_safe(root, baseline="05.10", zipped=True)
    assert command("--input", safe, "--output", root / "out.tif")[0] == 0
    with Safe.open(safe) as product, rasterio.open(root / "out.tif") as raster:
        np.testing.assert_allclose(np.moveaxis(raster.read(), 0, -1), product.read(BANDS), atol=1e-6)
        assert (raster.crs, raster.transform, raster.shape) == (product.crs, product.transform, product.size)
        assert raster.tags()["ACQUIRED"].startswith("2020-07-02T17:29:01")


def test_files_of_another_run_are_not_taken_for_its_own(root, command):
    output = root / "maps"
    assert command("--input", root / "data/made", "--output", output)[0] == 0
    status, _, err = command("--input", root / "data/made", "--output", output, exp="slow")
    assert status == 2 and "tile0.tif: exists and is not of this run" in err
    assert command("--input", root / "data/made", "--output", output, "--overwrite", exp="slow")[0] == 0


@pytest.mark.slow
def test_killed_and_run_again_it_gives_the_same_bytes(root):
    scene = write_scene(root / "scene.tif", numbers(401, 150), nodata=0)
    words = ["predict.py", "--exp", "slow", "--input", scene, "--output"]
    started_commands.run(*words, root / "straight.tif", new=True)
    output = root / "killed.tif"
    for rows, number in ((1, signal.SIGKILL), (150, signal.SIGINT)):  # more than so many rows are done
        process = started_commands.start(*words, output)
        process.wait_until(lambda rows=rows: done(output) >= rows)
        process.send_signal(number)
        assert process.wait(20) == (130 if number == signal.SIGINT else -number)
        assert not output.exists()
    assert process.err().endswith("interrupted\n") and "Traceback" not in process.err()
    before = done(output)
    again = started_commands.run(*words, output)
    assert f"resumed after row {before} of 401" in again.out()
    assert output.read_bytes() == (root / "straight.tif").read_bytes()
    assert not (root / "killed.tif.part").exists()


def done(output: Path) -> int:
    """Return how many rows are safe."""
    progress = output.with_name(f"{output.name}.part") / "progress.raw"
    return json.loads(progress.read_bytes().partition(b"\n")[0])["rows"] if progress.exists() else 0


# ---- errors --------------------------------------------------------------------------------------------------------


@pytest.fixture
def error_line(root, command):
    """``mistaken(*arguments)``: the one line that the command ends with."""

    def run(*arguments, **others):
        status, _, err = command(*arguments, **others)
        assert status == 2 and err.count("\n") == 1, err
        return err

    return run


def test_a_picture_of_8_bits_needs_a_scale(root, command, error_line):
    values = numbers(70, 90) // 47
    scene = write_scene(root / "scene.tif", values.astype(np.uint8))
    line = error_line("--input", scene, "--output", root / "out.tif")
    assert "holds 8-bit numbers, where the dataset stores uint16, and becomes 0 to 0.0255 of 0 to 1" in line
    assert "state --scale and --offset" in line and not (root / "out.tif").exists()
    assert command("--input", scene, "--output", root / "out.tif", "--scale", "0.004", "--offset", "0.01")[0] == 0
    with rasterio.open(root / "out.tif") as raster:
        read, valid = np.moveaxis(raster.read(), 0, -1), (values != 0).all(-1)
    np.testing.assert_allclose(read[valid], values[valid] * 0.004 + 0.01, rtol=1e-5)


def test_a_scene_that_is_damaged_in_its_middle(root, command):
    scene = write_scene(root / "scene.tif", numbers(400, 90), compress="deflate", blockysize=4)
    with rasterio.open(scene) as raster:
        place = int(raster.get_tag_item("BLOCK_OFFSET_0_62", "TIFF", 1))
    content = bytearray(scene.read_bytes())
    content[place : place + 20] = bytes(20)  # rows that are not looked at before
    scene.write_bytes(content)
    status, _, err = command("--input", scene, "--output", root / "out.tif")
    assert status == 2 and f"{scene}: is damaged at row " in err and "Traceback" not in err and "ERROR" not in err
    assert not (root / "out.tif").exists() and done(root / "out.tif")


def test_errors_of_names(root, error_line):
    scene = write_scene(root / "scene.tif", numbers(70, 70))
    output = root / "out.tif"
    assert "did you mean 'same'" in error_line("--input", scene, "--output", output, exp="sane")
    assert "no such file" in error_line("--input", root / "none.tif", "--output", output)
    assert "there are best, last, 7" in error_line("--input", scene, "--output", output, "--step", "8")
    assert "has no checkpoint" in error_line("--input", scene, "--output", output, "--timestamp", "b")
    assert "'.jpg' is not written" in error_line("--input", scene, "--output", root / "out.jpg")
    output.write_text("mine")
    assert "--overwrite replaces it" in error_line("--input", scene, "--output", output)
    assert output.read_text() == "mine"


def test_errors_of_the_input(root, error_line):
    output = root / "out.tif"
    text = root / "text.tif"
    text.write_text("no raster")
    assert "is not a raster" in error_line("--input", text, "--output", output)
    one = write_scene(root / "one.tif", numbers(70, 70)[..., :1])
    assert "has 1 bands; the network takes 2: B02, B03" in error_line("--input", one, "--output", output)
    scene = write_scene(root / "scene.tif", numbers(70, 70))
    assert "lies outside" in error_line("--input", scene, "--output", output, "--bbox", 10, 50, 11, 51)
    assert "is not a box" in error_line("--input", scene, "--output", output, "--bbox", 10, 51, 11, 50)
    assert "finite" in error_line("--input", scene, "--output", output, "--bbox", "nan", 51, 11, 50)
    assert "between 0 and 0.5" in error_line("--input", scene, "--output", output, "--overlap", 0.6)
    assert "is neither a dataset" in error_line("--input", root / "plugins", "--output", output)
    assert "--bbox: does not apply" in error_line(
        "--input", root / "data/made", "--output", root / "maps", "--bbox", 1, 2, 3, 4
    )


def test_a_damaged_scene_is_named_and_leaves_no_output(root, error_line):
    scene = write_scene(root / "scene.tif", numbers(500, 500) // 100, compress="deflate")
    content = bytearray(scene.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 5000] = b"\xff" * 5000
    scene.write_bytes(content)
    assert "scene.tif: is damaged" in error_line("--input", scene, "--output", root / "out.tif")
    assert not (root / "out.tif").exists()


@pytest.mark.parametrize("share", [0.01, 0.6])
def test_a_truncated_scene_is_named(root, error_line, share):
    scene = write_scene(root / "scene.tif", numbers(500, 500))
    scene.write_bytes(scene.read_bytes()[: int(share * scene.stat().st_size)])
    assert "scene.tif: is " in error_line("--input", scene, "--output", root / "out.tif")
    assert not (root / "out.tif").exists()


def test_without_coordinates_it_works_and_says_so(root, command):
    scene = write_scene(root / "scene.tif", numbers(70, 80), crs=None, transform=Affine.identity())
    status, _, err = command("--input", scene, "--output", root / "out.tif")
    assert status == 0 and "has no coordinates" in err
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning), rasterio.open(root / "out.tif") as raster:
        assert raster.crs is None and raster.transform == Affine.identity()


def test_another_dataset_must_hold_the_same_fields(root, error_line):
    path = root / "data/made/64/dataset.json"
    other = root / "data/other/64"
    other.mkdir(parents=True)
    text = json.loads(path.read_text())
    text["name"], text["fields"]["input_image"]["scale"] = "other", 1e-3
    (other / "dataset.json").write_text(json.dumps(text))
    err = error_line("--input", other.parent, "--output", root / "maps")
    assert "input_image differ" in err and "'same' was trained" in err


def test_a_full_disk_keeps_what_is_done(root, command, monkeypatch):
    import shutil

    scene = write_scene(root / "scene.tif", numbers(200, 200))
    usage = shutil.disk_usage(root)
    with monkeypatch.context() as full:
        full.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
        status, _, err = command("--input", scene, "--output", root / "out.tif")
    assert status == 1 and err.count("\n") == 1 and "0.0 GB are free" in err
    assert command("--input", scene, "--output", root / "out.tif")[0] == 0


def test_help_imports_nothing_heavy():
    code = "import sys, predict\ntry: predict.main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'tensorflow', 'rasterio', 'numpy', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True, env=dict(os.environ))
