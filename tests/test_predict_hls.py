"""The command predict.py with HLS granules, and with products of a sensor that is one new module."""

import numpy as np
import pytest
import rasterio
from affine import Affine

import predict
import sensors
from pix2earth.records.manifest import Field
from tests.fake_hls import SIDE, TRANSFORM, numbers_of, quality, write_hls
from tests.test_predict_fields import with_checkpoint  # noqa: F401

BANDS = {"S30": ["B04", "B8A", "B11"], "L30": ["B04", "B05", "B06"]}
IMAGE = Field(
    dtype="int16", shape=[64, 64, 3], bands=BANDS["S30"], scale=1e-4, nodata=-9999, valid_range=(0.0, 1.0), gsd=30.0
)
MASK = Field(dtype="uint8", shape=[64, 64, 1], kind="mask", bands=["hidden"])
PLUGIN = """
import keras
import tensorflow as tf

class GAN:
    def __init__(self, exp):
        image = keras.Input((64, 64, 3))
        self.generator = keras.Model(image, keras.layers.DepthwiseConv2D(1, depthwise_initializer="ones")(image))
        self.generator_optimizer = keras.optimizers.SGD()

    def train_step(self, input_image, target):
        return {}
"""
FILLED = """
    def predict(self, input_image, cloud_mask):
        \"\"\"Return the last clear date, and 1 where all are hidden.\"\"\"
        filled = tf.ones_like(input_image[..., :3])
        for step in range(cloud_mask.shape[-1]):
            date = input_image[..., 3 * step : 3 * step + 3]
            filled = tf.where(cloud_mask[..., step : step + 1] == 0, date, filled)
        return filled
"""
MODULE = '''
"""A sensor of one file."""
from datetime import UTC, datetime
import numpy as np
import rasterio
from pix2earth.settings.errors import UserError

class Scan:
    has_clouds = False

    def __init__(self, path):
        with rasterio.open(path) as raster:
            self.crs, self.transform, self.size = raster.crs, raster.transform, raster.shape
            self.values = raster.read().transpose(1, 2, 0) / 100
        self.path, self.name, self.acquired = path, path.name, datetime(2001, 2, 3, tzinfo=UTC)

    def named(self, bands):
        return [band.lower() for band in bands]

    def remark(self, bands):
        return ""

    def read(self, bands, row, column, height, width):
        return self.values[row : row + height, column : column + width]

def granule(path):
    return Scan(path) if path.name.endswith(".scan") else None
'''


@pytest.fixture
def root(tmp_path, with_checkpoint):  # noqa: F811
    """The folder of the experiments "same", "filled" and "series", the last one of two dates."""
    (tmp_path / "plugins" / "same.py").write_text(PLUGIN)
    (tmp_path / "plugins" / "filled.py").write_text(PLUGIN + FILLED)
    image, two = {"input_image": IMAGE, "target": IMAGE}, {"shape": [2, 64, 64, 3]}
    with_checkpoint("same", image, model_name="same")
    with_checkpoint("filled", {**image, "cloud_mask": MASK}, model_name="filled")
    dates = {"input_image": IMAGE.model_copy(update=two), "target": IMAGE}
    masks = MASK.model_copy(update={"shape": [2, 64, 64, 1]})
    with_checkpoint("series", {**dates, "cloud_mask": masks}, model_name="filled")
    return tmp_path


@pytest.fixture
def command(root, capfd):
    """``command(exp, *inputs, **options)``: the map, and what the command says; or status and the error."""

    def run(exp, *inputs, **options):
        words = [f"--{name}={value}" for name, value in options.items()]
        output = root / "out.tif"
        with pytest.raises(SystemExit) as end:
            predict.main(["--exp", exp, "--input", *map(str, inputs), "--output", str(output), "--overwrite", *words])
        captured = capfd.readouterr()
        if end.value.code:
            return end.value.code, captured.err
        with rasterio.open(output) as raster:
            assert (raster.crs, raster.transform) == ("EPSG:32606", TRANSFORM)
            return np.moveaxis(raster.read(), 0, -1), captured.out, raster.tags()

    return run


def reflectance(sensor, time="2024120T211159"):
    numbers = np.stack([numbers_of(band, time) for band in BANDS[sensor]], axis=-1)
    return np.where(numbers == -9999, np.nan, numbers * 1e-4).astype(np.float32)


def hidden(shift=0):
    numbers = quality(shift=shift)
    return (numbers & 0b1010 != 0) | (numbers == 255)


@pytest.mark.parametrize("sensor", ["L30", "S30"])
def test_a_granule_becomes_a_map(root, command, sensor):
    values, out, tags = command("same", write_hls(root, sensor, folder="any name"))
    np.testing.assert_allclose(values, reflectance(sensor), atol=1e-6)
    assert tags["ACQUIRED"] == "2024-04-29T21:11:59+00:00"
    bands = "B04, B8A (B05), B11 (B06)" if sensor == "L30" else "B04, B8A, B11"
    assert f"HLS.{sensor}.T06WVS.2024120T211159.v2.0: of 2024-04-29 21:11, {bands}\n" in out


def test_its_quality_is_the_mask_that_the_network_reads(root, command):
    granule = write_hls(root)
    values, _, _ = command("filled", granule)
    expected = np.where(hidden()[..., None], np.float32(1), reflectance("L30"))
    expected[:20, :30] = np.nan
    np.testing.assert_allclose(values, expected, atol=1e-6)
    other = write_hls(root, time="2024121T211159", shift=30)
    values, _, _ = command("filled", granule, field=f"cloud_mask={other}")
    expected = np.where(hidden(30)[..., None], np.float32(1), reflectance("L30"))
    expected[:20, :30] = np.nan
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_granules_of_both_sensors_are_time_steps(root, command):
    first = write_hls(root, "S30", time="2024119T211159")
    second = write_hls(root, "L30", time="2024120T211159", shift=10)
    values, _, tags = command("series", first, second)
    both = hidden() & hidden(10)
    expected = np.where(hidden(10)[..., None], reflectance("S30", "2024119T211159"), reflectance("L30"))
    expected[both] = 1
    expected[:20, :30] = np.nan
    np.testing.assert_allclose(values, expected, atol=1e-6)
    assert tags["ACQUIRED"].startswith("2024-04-28") and "2024-04-29" in tags["ACQUIRED"]


def test_errors(root, command):
    granule = write_hls(root)
    status, err = command("same", granule, scale=0.1)
    assert status == 2 and "is a product, which states them; leave them out" in err
    status, err = command("filled", write_hls(root / "without", fmask=False))
    assert status == 2 and "predict() reads cloud_mask besides the input" in err
    status, err = command("series", granule, root / "plugins")
    assert status == 2 and "plugins: is no product like HLS.L30" in err
    status, err = command("series", granule)
    assert status == 2 and "the network reads 2" in err
    status, err = command("same", write_hls(root / "few", bands=["B04", "B05"]))
    assert status == 2 and "few/HLS.L30.T06WVS.2024120T211159.v2.0: lacks B11; L30 has B04, B05 here" in err


def test_a_sensor_is_one_file(root, command, monkeypatch):
    (root / "modules").mkdir()
    (root / "modules" / "scanner.py").write_text(MODULE)
    monkeypatch.setattr(sensors, "__path__", [*sensors.__path__, str(root / "modules")])
    numbers = np.random.default_rng(0).integers(1, 90, (3, SIDE, SIDE), np.uint8)
    with rasterio.open(
        root / "a.scan", "w", driver="GTiff", height=SIDE, width=SIDE, count=3, dtype="uint8", crs="EPSG:32606",
        transform=TRANSFORM @ Affine.translation(0, 0),
    ) as file:  # fmt: skip
        file.write(numbers)
    values, out, tags = command("same", root / "a.scan")
    np.testing.assert_allclose(values, np.moveaxis(numbers, 0, -1) / 100, atol=1e-6)
    assert tags["ACQUIRED"].startswith("2001-02-03") and "a.scan: of 2001-02-03 00:00, B04 (b04)" in out
