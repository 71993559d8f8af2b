"""Sharpened maps of products, band files and rasters: at their own resolution, consistent with their pixels."""

import json
import shutil

import numpy as np
import pytest
import rasterio

import predict
from experiment import Environment
from pix2earth.training.trained import open_run
from preprocessing.sharpening import __main__ as sharpening
from preprocessing.sharpening.opening import COARSE, GUIDE
from sensors.sentinel2 import Safe
from tests.products import write_safe

SIDE = 24

pytestmark = pytest.mark.slow


@pytest.fixture
def root(tmp_path, write_experiment, monkeypatch):
    """The experiment "sharp" with random weights, and the dataset of a product without offset."""
    from pix2earth.batches.dataset import Dataset
    from pix2earth.plugins import contract, finding
    from pix2earth.runs import identity
    from pix2earth.training import checkpoints

    (tmp_path / "environment.json").write_text(json.dumps({"data_root": "data", "experiment_root": "experiments"}))
    monkeypatch.setenv("PIX2EARTH_ENV", str(tmp_path / "environment.json"))
    product = write_safe(tmp_path / "old", baseline="02.09", driver="GTiff")
    with pytest.raises(SystemExit, match="0"):
        sharpening.main(["--input", str(product), "--dataset", "made", "--tilesize", str(SIDE)])
    write_experiment(
        tmp_path, "sharp", model_name="guided_upsampler", dataset="made", tilesize=SIDE, seed=3,
        params={"filters": 4, "blocks": 1, "discriminator_filters": 4},
    )  # fmt: skip
    experiment = open_run(Environment(), "sharp", "a")
    plugin = finding.find(experiment)
    gan = contract.build(experiment, plugin)
    random = np.random.default_rng(0)
    gan.generator.set_weights([random.normal(0, 0.1, each.shape) for each in gan.generator.get_weights()])
    about = {"identity": identity.describe(experiment, Dataset(experiment).listing, plugin)}
    checkpoints.save(gan, experiment.output.checkpoints, 7, None, recorded=about)
    return tmp_path


@pytest.fixture
def command(root, capfd):
    """``command(*arguments)``: status, output and errors of predict.py."""

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            predict.main(["--exp", "sharp", "--output", str(root / "out.tif"), *map(str, arguments)])
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


def output_of(root):
    with rasterio.open(root / "out.tif") as raster:
        return np.moveaxis(raster.read(), 0, -1), raster.transform, raster.descriptions


def averages(values):
    height, width, count = values.shape
    return values.reshape(height // 2, 2, width // 2, 2, count).mean((1, 3), dtype=np.float64)


@pytest.mark.parametrize("overlap", [0.5, 0.2])
@pytest.mark.parametrize(("baseline", "zipped"), [("02.09", False), ("05.10", True)])
def test_averages_of_the_map_are_the_product_within_a_digital_number(root, command, baseline, zipped, overlap):
    """Also of a product with another offset than those of the training, of a size that is no multiple of the tiles."""
    product = write_safe(root, baseline=baseline, zipped=zipped, size=(180, 228), driver="GTiff")
    status, printed, _ = command("--input", product, "--overlap", overlap)
    assert status == 0
    assert f"{', '.join(GUIDE)}, the guide" in printed
    values, transform, bands = output_of(root)
    with Safe.open(product) as safe:
        expected = safe.read(COARSE, resolution=20)
        assert transform == safe.transform and values.shape == (*safe.size, 6)
    assert bands == tuple(COARSE)
    assert np.abs(averages(values) - expected).max() < 1e-4
    # Detail was added: the map is neither the coarse pixels nor constant within them.
    assert np.abs(values - expected.repeat(2, 0).repeat(2, 1)).max() > 1e-3


@pytest.fixture
def band_files(root):
    """The images of a product, in a folder without its metadata."""
    product, folder = write_safe(root, baseline="02.09", driver="GTiff"), root / "bands"
    folder.mkdir()
    for path in product.rglob("*.jp2"):
        shutil.copy(path, folder)
    return product, folder


def test_a_folder_of_band_files_and_two_rasters_give_the_same(root, band_files, command):
    product, folder = band_files
    assert command("--input", product)[0] == 0
    expected, transform, _ = output_of(root)
    assert command("--input", folder, "--overwrite")[0] == 0
    values, other, _ = output_of(root)
    assert transform == other
    np.testing.assert_allclose(values, expected, atol=2e-6)
    with Safe.open(product) as safe:
        for name, bands, pixel in (("fine", GUIDE, 10), ("coarse", COARSE, 20)):
            stored = safe.read(bands, resolution=pixel)
            place = safe.transform @ type(safe.transform).scale(pixel / 10)
            with rasterio.open(
                root / f"{name}.tif", "w", driver="GTiff", height=stored.shape[0], width=stored.shape[1],
                count=len(bands), dtype="float32", crs=safe.crs, transform=place,
            ) as file:  # fmt: skip
                file.write(np.moveaxis(stored, -1, 0))
                file.descriptions = bands
    guide = ("--field", f"guide={root / 'fine.tif'}")
    assert command("--input", root / "coarse.tif", *guide, "--overwrite")[0] == 0
    np.testing.assert_allclose(output_of(root)[0], expected, atol=2e-6)


def test_without_its_guide_a_raster_is_refused_before_tensorflow(root, band_files, command):
    coarse = next(band_files[1].glob("*_B05.jp2"))
    status, _, errors = command("--input", coarse)
    assert status == 2
    assert "predict() reads guide besides the input; add --field guide=FILE (image of B02, B03, B04, B08)" in errors


def test_a_product_that_lacks_a_band_of_the_guide_is_refused(root, command):
    bands = [*COARSE, "B02", "B03", "B04"]
    status, _, errors = command("--input", write_safe(root, baseline="02.09", bands=bands, driver="GTiff"))
    assert status == 2 and "lacks B08" in errors


def test_degraded_it_predicts_what_was_measured(root, command):
    """At the resolution of the training, where averages of the map are those of the product's 20 m pixels."""
    product = write_safe(root, baseline="02.09", driver="GTiff")
    assert command("--input", product, "--degrade")[0] == 0
    values, transform, _ = output_of(root)
    assert values.shape == (120, 120, 6) and transform.a == 20
    with Safe.open(product) as safe:
        expected = averages(safe.read(COARSE, resolution=20))
    assert np.abs(averages(values) - expected).max() < 1e-4


def test_a_box_of_a_product(root, command):
    product = write_safe(root, baseline="02.09", driver="GTiff")
    with Safe.open(product) as safe:
        expected, transform = safe.read(COARSE, resolution=20), safe.transform
        west, south, east, north = safe.footprint.bounds
    middle = ((west + east) / 2, (south + north) / 2)
    box = (middle[0], south, east, middle[1])
    assert command("--input", product, "--bbox", *box)[0] == 0
    part, corner, _ = output_of(root)
    column, row = (round(number) for number in ~transform @ (corner.c, corner.f))
    assert column % 2 == 0 and row % 2 == 0 and column > 0 and row > 0
    inside = expected[row // 2 : (row + part.shape[0]) // 2, column // 2 : (column + part.shape[1]) // 2]
    assert np.abs(averages(part) - inside).max() < 1e-4
