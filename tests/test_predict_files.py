"""The command predict.py over files of images in any format: values, what outputs state, resuming, series, errors."""

import json

import numpy as np
import pytest
import rasterio
import xarray
from affine import Affine
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

import predict
from experiment import Environment
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.training.trained import open_run

SIDE, STEPS = 16, 3
TRANSFORM = Affine(10, 0, 436500, 0, -10, 4178940)
FLUX = {"dtype": "float32", "bands": ["171"], "units": "DN", "valid_range": (0.0, 255.0)}
NDVI = {"dtype": "int16", "bands": ["NDVI"], "scale": 1e-4, "nodata": -32768, "valid_range": (-1.0, 1.0)}
MASK = Field(dtype="uint8", shape=[STEPS, SIDE, SIDE, 1], kind="mask", bands=["hidden"])
DATASETS = {
    "double": {
        "input_image": Field(shape=[SIDE, SIDE, 1], **FLUX), "target": Field(shape=[2 * SIDE, 2 * SIDE, 1], **FLUX),
    },
    "fill": {
        "input_image": Field(shape=[STEPS, SIDE, SIDE, 1], **NDVI), "cloud_mask": MASK,
        "target": Field(shape=[STEPS, SIDE, SIDE, 1], **NDVI),
    },
    "code": {
        "input_image": Field(shape=[STEPS, SIDE, SIDE, 1], **NDVI), "target": Field(shape=[SIDE, SIDE, 1], **NDVI),
    },
    "days": {
        "input_image": Field(shape=[STEPS, SIDE, SIDE, 1], **NDVI), "target": Field(shape=[SIDE, SIDE, 1], **NDVI),
        "days_from_target": Field(dtype="float32", shape=[STEPS, 1, 1, 1], bands=["days"], units="d"),
    },
}  # fmt: skip
START = """
import keras
import tensorflow as tf

class GAN:
    def __init__(self, exp):
        image = keras.Input((1,))
        self.generator = keras.Model(image, keras.layers.Dense(1)(image))
        self.generator_optimizer = keras.optimizers.SGD()

    def train_step(self, input_image, target):
        return {}

"""
PLUGINS = {
    "double": """
    def predict(self, input_image):
        return tf.identity(input_image)  # of the target's size already, each pixel twice along each axis
""",
    "fill": """
    def predict(self, input_image, cloud_mask):
        # Hidden pixels become the mean of those that are not, plus 0.1; others are wrong on purpose.
        clear = 1.0 - cloud_mask
        mean = tf.reduce_sum(clear * input_image, 1, keepdims=True) / tf.reduce_sum(clear, 1, keepdims=True)
        return tf.where(cloud_mask == 1, mean + 0.1, -0.9)
""",
    "code": """
    def predict(self, input_image):
        # The digits of the result tell which dates were read, in which order.
        return input_image[:, 0] + 10 * input_image[:, 1] + 100 * input_image[:, 2]
""",
}


PLUGINS["days"] = """
    def predict(self, input_image, days_from_target):
        return tf.reduce_sum(days_from_target * tf.constant([1.0, 1e2, 1e4], shape=(1, 3, 1, 1, 1)), 1)
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with an environment, whose experiments are made when a command names them."""
    (tmp_path / "plugins").mkdir()
    roots = {"data_root": "data", "experiment_root": "experiments", "models_root": ["plugins"]}
    (tmp_path / "environment.json").write_text(json.dumps(roots))
    monkeypatch.setenv("PIX2EARTH_ENV", str(tmp_path / "environment.json"))
    return tmp_path


def make(root, name, write_experiment):
    """Write a plug-in, its dataset and its experiment, with a checkpoint."""
    from pix2earth.batches.dataset import Dataset
    from pix2earth.plugins import contract, finding
    from pix2earth.records.writer import DatasetWriter
    from pix2earth.runs import identity
    from pix2earth.training import checkpoints

    (root / "plugins" / f"{name}.py").write_text(START + PLUGINS[name])
    fields = DATASETS[name]
    side = fields["target"].size[0]
    manifest = Manifest(name=name, tilesize=side, fields=fields, split=Split(method="synthetic"))
    with DatasetWriter(root / "data", manifest) as writer:
        writer.write("val", "tile", {key: np.zeros(field.shape, field.dtype) for key, field in fields.items()})
    write_experiment(root, name, model_name=name, params={}, dataset=name, tilesize=side, normalize="none")
    experiment = open_run(Environment(), name, "a")
    plugin = finding.find(experiment)
    about = {"identity": identity.describe(experiment, Dataset(experiment).listing, plugin)}
    checkpoints.save(contract.build(experiment, plugin), experiment.output.checkpoints, 7, None, recorded=about)


@pytest.fixture
def command(root, write_experiment, capfd):
    """``command(exp, *arguments)``: status, output and errors of predict.py."""

    def run(exp, *arguments):
        if not (root / "experiments" / exp).exists():
            make(root, exp, write_experiment)
        with pytest.raises(SystemExit) as end:
            predict.main(["--exp", exp, *map(str, arguments)])
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


@pytest.fixture
def error_line(command):
    """``error_line(exp, *arguments)``: the one line that the command ends with."""

    def run(*arguments):
        status, _, err = command(*arguments)
        assert status == 2 and err.count("\n") == 1, err
        return err

    return run


def sun(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (height, width)).astype(np.uint8)


def doubled(values):
    return np.asarray(values, np.float32).repeat(2, 0).repeat(2, 1)


def write_fits(path, values):
    header = fits.Header()
    header["TELESCOP"], header["DATE-OBS"] = "TRACE", "1998-05-19T22:21:43"
    header["CTYPE1"], header["CTYPE2"], header["CRPIX1"], header["CRPIX2"] = "HPLN-TAN", "HPLT-TAN", 11.0, 6.5
    header["CDELT1"] = header["CDELT2"] = 0.5
    header["CUNIT1"] = header["CUNIT2"] = "arcsec"
    fits.PrimaryHDU(values.astype(">i2"), header).writeto(path)


@pytest.fixture
def folder(root):
    """A folder with an image of each format, and a text."""
    images = {name: sun(20 + 5 * number, 37, number) for number, name in enumerate(("a", "b", "c", "d", "e"))}
    path = root / "images"
    path.mkdir()
    write_fits(path / "a.fits", images["a"])
    Image.fromarray(images["b"]).save(path / "b.png")
    np.save(path / "c.npy", images["c"].astype(np.float64))
    with rasterio.open(
        path / "d.tif", "w", driver="GTiff", height=35, width=37, count=1, dtype="uint8", crs="EPSG:32618",
        transform=TRANSFORM, nodata=7,
    ) as raster:  # fmt: skip
        raster.write(images["d"][None])
    xarray.DataArray(images["e"].astype("float32"), dims=("y", "x"), name="flux").to_netcdf(path / "e.nc")
    (path / "notes.txt").write_text("of the observer")
    return path, images


def test_every_image_of_a_folder_goes_out_in_its_format(folder, command, root):
    path, images = folder
    status, out, err = command("double", "--input", path, "--output", root / "out")
    assert status == 0, err
    assert sorted(p.name for p in (root / "out").iterdir()) == [
        "a.fits", "b.png", "c.npy", "c.npy.json", "d.tif", "e.nc", "predictions.json",
    ]  # fmt: skip
    assert "out: 5 images, 171" in out and (root / "out_preview.png").is_file()
    with fits.open(root / "out/a.fits") as hdus:
        np.testing.assert_array_equal(hdus[0].data, doubled(images["a"]))
        header = hdus[0].header
    assert header["TELESCOP"] == "TRACE" and header["DATE-OBS"] == "1998-05-19T22:21:43" and header["BUNIT"] == "DN"
    history = "\n".join(header["HISTORY"])
    assert "experiment double, run a, step 7, model double" in history and "from a.fits" in history
    old, new = WCS(fits.getheader(path / "a.fits")), WCS(header)
    places = [wcs.pixel_to_world_values(*place) for wcs, place in ((new, (16.5, 6.5)), (old, (8, 3)))]
    np.testing.assert_allclose(*places, rtol=1e-12)
    np.testing.assert_array_equal(np.asarray(Image.open(root / "out/b.png")), doubled(images["b"]))
    np.testing.assert_array_equal(np.load(root / "out/c.npy")[..., 0], doubled(images["c"]))
    with rasterio.open(root / "out/d.tif") as raster:
        expected = doubled(np.where(images["d"] == 7, np.nan, images["d"].astype(np.float32)))
        np.testing.assert_array_equal(raster.read(1), expected)
        assert raster.transform == Affine(5, 0, 436500, 0, -5, 4178940) and raster.crs.to_epsg() == 32618
        assert raster.tags()["EXPERIMENT"] == "double" and "IDENTITY" in raster.tags()
    with xarray.open_dataset(root / "out/e.nc") as dataset:
        np.testing.assert_array_equal(dataset["band_171"], doubled(images["e"]))


def test_work_is_resumed_and_outputs_of_something_else_are_kept(folder, command, error_line, root):
    path, _ = folder
    arguments = ("--input", path, "--output", root / "out", "--format", "fits")
    assert command("double", *arguments)[0] == 0
    names = [f"{name}.fits" for name in "abcde"]
    before = {name: (root / "out" / name).stat().st_mtime_ns for name in names}
    (root / "out/c.fits").unlink()
    write_fits(path / "new.fits", sun(20, 20))
    np.save(path / "c.npy", sun(9, 9).astype(np.float64))
    status, out, _ = command("double", *arguments)
    assert status == 0 and "resumed, 4 of 6 files exist" in out
    after = {name: (root / "out" / name).stat().st_mtime_ns for name in names}
    assert {name for name in names if after[name] != before[name]} == {"c.fits"}
    assert fits.getdata(root / "out/c.fits").shape == (18, 18)
    np.save(path / "c.npy", sun(8, 8).astype(np.float64))  # newer than its output
    assert command("double", *arguments)[0] == 0
    assert fits.getdata(root / "out/c.fits").shape == (16, 16)
    assert "holds outputs of another run" in error_line("double", *arguments, "--overlap", 0.25)
    assert command("double", *arguments, "--overlap", 0.25, "--overwrite")[0] == 0
    (root / "mine").mkdir()
    (root / "mine/a.fits").write_text("mine")
    assert "nothing says what of" in error_line("double", "--input", path / "a.fits", "--output", root / "mine")
    assert (root / "mine/a.fits").read_text() == "mine"


def test_a_single_file_becomes_a_file(folder, command, error_line, root):
    path, images = folder
    for output in ("sun.fits", "sun.tif", "sun.npy", "sun.fts"):
        assert command("double", "--input", path / "a.fits", "--output", root / output)[0] == 0
    np.testing.assert_array_equal(fits.getdata(root / "sun.fts"), doubled(images["a"]))
    assert (root / "sun_preview.png").is_file()
    assert command("double", "--input", path / "d.tif", "--output", root / "d.fits")[0] == 0  # to another format
    assert "exists; --overwrite" in error_line("double", "--input", path / "a.fits", "--output", root / "sun.fits")
    assert "is the input" in error_line(
        "double", "--input", path / "a.fits", "--output", path / "a.fits", "--overwrite"
    )


def test_samples_of_a_stack_are_written_one_by_one(root, command):
    stack = np.random.default_rng(1).uniform(0, 255, (3, 20, 20, 1)).astype(np.float32)
    np.save(root / "stack.npy", stack)
    assert command("double", "--input", root / "stack.npy", "--output", root / "out")[0] == 0
    for number in range(3):
        np.testing.assert_allclose(
            np.load(root / f"out/stack_{number:04d}.npy")[..., 0], doubled(stack[number, ..., 0])
        )


def test_a_stack_again_is_resumed(root, command, error_line):
    np.save(root / "stack.npy", np.ones((3, 20, 20, 1), np.float32))
    to = ("--input", root / "stack.npy", "--output", root / "out")
    assert command("double", *to)[0] == 0
    (root / "out/stack_0001.npy").unlink()
    status, out, _ = command("double", *to)
    assert status == 0 and "resumed, 2 of 3 files exist" in out and (root / "out/stack_0001.npy").is_file()
    assert command("double", *to, "--overwrite")[0] == 0


def test_axes_and_variable_of_arrays(root, command, error_line):
    stack = np.random.default_rng(1).uniform(0, 255, (3, 1, 20, 24)).astype(np.float32)
    np.save(root / "stack.npy", stack)
    assert "stack.npy: has 24 bands; the network takes 1: 171; are its axes in another order? state --axes NCHW" in (
        error_line("double", "--input", root / "stack.npy", "--output", root / "out")
    )
    images = {"clear": (("sample", "y", "x"), stack[:, 0] + 1), "cloudy": (("sample", "y", "x"), stack[:, 0])}
    xarray.Dataset(images).to_netcdf(root / "all.nc")
    np.savez(root / "all.npz", clear=stack + 1, cloudy=stack)
    for name in ("all.nc", "all.npz"):
        assert f"{name}: has several variables: clear, cloudy; name one: --variable NAME" in error_line(
            "double", "--input", root / name, "--output", root / "out"
        )
    for name, further in (
        ("stack.npy", ("--axes", "NCHW")), ("all.npz", ("--axes", "NCHW", "--variable", "cloudy")),
        ("all.nc", ("--variable", "cloudy", "--format", "npy")),
    ):  # fmt: skip
        output = root / name.replace(".", "_")
        status, _, err = command("double", "--input", root / name, "--output", output, *further)
        assert status == 0, err
        found = [np.load(path)[..., 0] for path in sorted(output.glob("*.npy"))]
        np.testing.assert_allclose(found, [doubled(image) for image in stack[:, 0]])


def test_mistakes_with_files(folder, error_line, root):
    path, _ = folder
    to = ("--output", root / "out")
    assert "--format fit8: is not written; did you mean 'fits'" in error_line(
        "double", "--input", path, *to, "--format", "fit8"
    )
    assert "--bbox: does not apply to files" in error_line("double", "--input", path, *to, "--bbox", 1, 2, 3, 4)
    assert "--mask: is for series" in error_line("double", "--input", path, *to, "--mask", path)
    assert "'.jp2' is not written" in error_line("double", "--input", path / "b.png", "--output", root / "b.jp2")
    assert "5 images need a folder, without '.fits'" in error_line(
        "double", "--input", path, "--output", root / "b.fits"
    )
    assert "--format: does not apply to a scene" in error_line(
        "double", "--input", path / "d.tif", "--output", root / "d.tif", "--format", "fits"
    )
    for option in ("axes", "variable"):
        assert f"--{option}: does not apply to a scene" in error_line(
            "double", "--input", path / "d.tif", "--output", root / "d.tif", f"--{option}", "HWC"
        )
    (root / "empty").mkdir()
    assert "holds no file of images" in error_line("double", "--input", root / "empty", *to)
    Image.fromarray(sun(20, 20)).save(path / "a.jpg")
    assert "has the same output as a.fits" in error_line("double", "--input", path, *to, "--format", "fits")
    (path / "a.jpg").unlink()
    np.save(path / "two.npy", np.zeros((20, 20, 2)))
    assert "two.npy: has 2 bands; the network takes 1: 171" in error_line("double", "--input", path, *to)
    (path / "two.npy").unlink()
    content = (path / "a.fits").read_bytes()
    (path / "a.fits").write_bytes(content[:2900])
    assert "a.fits: is a damaged FITS file" in error_line("double", "--input", path, *to)


def test_the_preview_of_a_dataset_has_its_first_row_where_the_manifest_says(
    command, root, write_experiment, monkeypatch
):
    from pix2earth.figures import preview

    drawn, shown = [], preview.shown

    def keep(*arguments, upwards=False):
        drawn.append(upwards)
        return shown(*arguments, upwards=upwards)

    monkeypatch.setattr(preview, "shown", keep)
    make(root, "double", write_experiment)
    (manifest,) = (root / "data/double").glob("*/dataset.json")
    for first_row in ("top", "bottom"):
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"first_row": first_row}))
        to = ("--output", root / first_row, "--split", "val")
        status, _, err = command("double", "--input", manifest.parent, *to)
        assert status == 0, err
    assert drawn == [False, True]
    assert (root / "top/tile.tif").read_bytes() == (root / "bottom/tile.tif").read_bytes()


# ---- series -------------------------------------------------------------------------------------------------------

DATES = ["2016-01-05", "2016-02-10", "2016-03-01", "2016-03-20", "2016-05-30"]


@pytest.fixture
def series(root):
    """A folder with five dates of NDVI of one place, and a folder with their masks; the last date is clear."""
    random = np.random.default_rng(3)
    stored = random.integers(-2000, 9000, (5, 20, 23)).astype(np.int16)
    stored[1, 4, 5] = -32768  # missing, and not in the mask
    hidden = random.random((5, 20, 23)) < 0.3
    hidden[2:4] &= ~hidden[0]  # every window of three dates shows each pixel once
    hidden[3] &= ~hidden[2]
    hidden[4] = False
    hidden[:, 4, 5] = False
    for name in ("ndvi", "cloud"):
        (root / name).mkdir()
    for date, image, mask in zip(DATES, stored, hidden, strict=True):
        for name, values in (("ndvi", image), ("cloud", mask.astype(np.uint8))):
            with rasterio.open(
                root / name / f"{name}_{date.replace('-', '')}.tif", "w", driver="GTiff", height=20, width=23, count=1,
                dtype=values.dtype, crs="EPSG:32633", transform=TRANSFORM,
            ) as raster:  # fmt: skip
                raster.write(values[None])
    return stored, hidden


def expected_series(stored, hidden):
    """Return what the plug-in "fill" makes of the series: the mean of what its three dates show, plus 0.1."""
    ndvi = np.where(stored == -32768, np.nan, stored * 1e-4)
    hidden = hidden | np.isnan(ndvi)
    filled = ndvi.copy()
    for date in range(5):
        first = min(max(date - 1, 0), 2)
        window = np.where(hidden[first : first + 3], np.nan, ndvi[first : first + 3])
        filled[date] = np.where(hidden[date], np.nanmean(window, axis=0) + 0.1, ndvi[date])
    return filled


def test_a_series_is_filled(series, command, root):
    stored, hidden = series
    arguments = ("--input", root / "ndvi", "--mask", root / "cloud", "--output", root / "filled")
    status, out, err = command("fill", *arguments)
    assert status == 0, err
    assert (root / "filled_ndvi_preview.png").is_file() and "ndvi: 5 dates" in out and "0 pixels stay missing" in out
    with xarray.open_dataset(root / "filled/ndvi.nc") as dataset:
        np.testing.assert_allclose(dataset["NDVI"], expected_series(stored, hidden), atol=2e-6)
        assert list(dataset["time"].values.astype("datetime64[D]").astype(str)) == DATES
        assert dataset["x"][0] == 436505 and "which were hidden or missing" in dataset.attrs["history"]
    status, out, _ = command("fill", *arguments)
    assert status == 0 and "resumed, 'ndvi' exists" in out


def test_a_series_as_geotiffs_by_date(series, command, root):
    stored, hidden = series
    arguments = ("--input", root / "ndvi", "--mask", root / "cloud", "--output", root / "filled", "--format", "tif")
    assert command("fill", *arguments)[0] == 0
    expected = expected_series(stored, hidden)
    for number, date in enumerate(DATES):
        with rasterio.open(root / f"filled/ndvi_{date.replace('-', '')}.tif") as raster:
            np.testing.assert_allclose(raster.read(1), expected[number], atol=2e-6)
            assert raster.tags()["ACQUIRED"] == date and raster.transform == TRANSFORM


def test_a_series_in_one_file(series, command, root):
    """The output of a series is itself a series that can be read: nothing is hidden in it, all is predicted."""
    command("fill", "--input", root / "ndvi", "--mask", root / "cloud", "--output", root / "filled")
    status, _, err = command("code", "--input", root / "filled/ndvi.nc", "--output", root / "again")
    assert status == 0, err
    with xarray.open_dataset(root / "again/ndvi.nc") as dataset, xarray.open_dataset(root / "filled/ndvi.nc") as read:
        ndvi = read["NDVI"].values
        np.testing.assert_allclose(dataset["NDVI"][4], ndvi[2] + 10 * ndvi[3] + 100 * ndvi[4], rtol=1e-5)


@pytest.mark.parametrize(
    ("position", "read"),
    [
        (None, [(1, 2, 0), (0, 2, 1), (0, 1, 2), (1, 2, 3), (2, 3, 4)]),
        ("middle", [(1, 0, 2), (0, 1, 2), (1, 2, 3), (2, 3, 4), (2, 4, 3)]),
        ("first", [(0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 2, 4), (4, 2, 3)]),
    ],
)
def test_which_dates_a_network_with_one_time_step_reads(position, read, command, root):
    (root / "ndvi").mkdir()
    for number, date in enumerate(DATES):
        np.save(root / f"ndvi/{date}.npy", np.full((16, 16, 1), number / 10, np.float64))
    more = ("--position", position) if position else ()
    status, _, err = command("code", "--input", root / "ndvi", "--output", root / "out", "--format", "npy", *more)
    assert status == 0, err
    found = np.load(root / "out/ndvi.npy")[:, 3, 3, 0]
    np.testing.assert_allclose(found, [a / 10 + b + 10 * c for a, b, c in read], rtol=1e-5)


def test_a_network_reads_the_days_from_the_date_that_it_predicts(command, root):
    (root / "ndvi").mkdir()
    for date in DATES:
        np.save(root / f"ndvi/{date}.npy", np.zeros((16, 16, 1)))
    to = ("--output", root / "out", "--format", "npy", "--position", "middle")
    status, _, err = command("days", "--input", root / "ndvi", *to)
    assert status == 0, err
    # 36, 20, 19 and 71 days lie between the dates; the one that is predicted is in the middle.
    windows = [(36, 0, 56), (-36, 0, 20), (-20, 0, 19), (-19, 0, 71), (-90, 0, -71)]
    expected = [first + 1e2 * second + 1e4 * third for first, second, third in windows]
    np.testing.assert_allclose(np.load(root / "out/ndvi.npy")[:, 3, 3, 0], expected, rtol=1e-6)


def test_several_places_and_overpasses_of_a_day(command, root):
    (root / "in").mkdir()
    for place in ("north", "south"):
        for text in ("2016005", "2016009", "2016009b", "2016101"):
            np.save(root / f"in/hls_{place}_{text}.npy", np.full((16, 16, 1), 1.0))
    arguments = ("--input", root / "in", "--output", root / "out", "--dates", "%Y%j")
    assert command("code", *arguments)[0] == 0
    assert sorted(path.name for path in (root / "out").glob("*.nc")) == ["north.nc", "south.nc"]
    with xarray.open_dataset(root / "out/south.nc") as dataset:
        days = list(dataset["time"].values.astype("datetime64[D]").astype(str))
    assert days == ["2016-01-05", "2016-01-09", "2016-01-09", "2016-04-10"]


def test_mistakes_with_series(series, error_line, root):
    to = ("--input", root / "ndvi", "--output", root / "out")
    masked = ("--mask", root / "cloud")
    assert "--mask: is missing; the network reads 'cloud_mask'" in error_line("fill", *to)
    assert "has 3 time steps of its input; leave it out" in error_line("fill", *to, *masked, "--position", "last")
    assert "'%b' is not read" in error_line("fill", *to, *masked, "--dates", "%Y%b")
    assert "must name year and day" in error_line("fill", *to, *masked, "--dates", "%Y%m")
    assert "has no date in its name, written as %Y-%j" in error_line("fill", *to, *masked, "--dates", "%Y-%j")
    assert "are given by --mask" in error_line("fill", *to, "--field", f"cloud_mask={root / 'cloud'}")
    (root / "cloud/cloud_20160210.tif").rename(root / "mask.tif")
    assert "has no mask of 20160210, which ndvi_20160210.tif has" in error_line("fill", *to, *masked)
    for date in ("20160210", "20160301", "20160320", "20160530"):
        (root / f"ndvi/ndvi_{date}.tif").unlink()
    assert "has 1 dates; the network reads 3 at once" in error_line("fill", *to, *masked)
