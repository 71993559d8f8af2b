"""Products as scenes: reflectance of Sentinel-2, and radiance of OLCI at the nearest pixel of the swath."""

import json
from pathlib import Path

import numpy as np
import pytest
from pyproj import Transformer
from rasterio.windows import Window

from experiment import PROJECT
from pix2earth.mapping.opening import open_scene
from pix2earth.records.loading import OLCI_BANDS
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError
from sensors.sentinel2 import Safe
from sensors.sentinel3 import Sen3
from tests.products import synthetic_reflectance, write_safe, write_sen3

SIDE = 64
TARGET = Field(
    dtype="uint16", shape=[SIDE, SIDE, 3], bands=["B02", "B03", "B04"], scale=1e-4, offset=-0.1, nodata=0, gsd=10.0
)
OLCI = Field(dtype="float32", shape=[SIDE, SIDE, 21], bands=OLCI_BANDS, nodata=-1.0, gsd=300.0)
SHARED = PROJECT.parent / "shared" / "data"


@pytest.fixture
def opened(experiment_of):
    """``opened(path, swath, source, degrade=False)``: the scene and the geometry."""

    def open_product(path, swath=None, source=TARGET, *, degrade=False):
        experiment = experiment_of({"input_image": source, "target": TARGET}, normalize="none")
        return open_scene([path], swath, experiment, degrade=degrade)

    return open_product


def centres(scene, row, column, height, width):
    columns, rows = np.meshgrid(np.arange(column, column + width) + 0.5, np.arange(row, row + height) + 0.5)
    return scene.transform @ (columns, rows)


@pytest.mark.parametrize("options", [{}, {"baseline": "05.10"}, {"level": "L2A", "baseline": "04.00", "zipped": True}])
def test_reflectance_is_read_as_the_dataset_stores_it(opened, tmp_path, options, capfd):
    scene, geometry = opened(write_safe(tmp_path, **options))
    assert scene.size == (240, 240) and (geometry.window, geometry.factor, geometry.coarse) == ((64, 64), 1, None)
    stored = scene.read(30, 50, 20, 10)
    x, y = centres(scene, 30, 50, 20, 10)
    expected = np.stack([synthetic_reflectance(band, x, y) for band in TARGET.bands], axis=-1)
    np.testing.assert_allclose(stored * 1e-4 - 0.1, expected, atol=6e-5)
    assert scene.tags["ACQUIRED"].startswith("2020-07-02T17:29:01")
    assert "B02, B03, B04" in capfd.readouterr().out


def test_a_coarser_input_is_averaged_from_the_product(opened, tmp_path):
    coarse = TARGET.model_copy(update={"shape": [21, 21, 3], "gsd": 30.0})
    _, geometry = opened(write_safe(tmp_path), None, coarse)
    assert (geometry.window, geometry.coarse, geometry.stored, geometry.factor) == ((64, 64), (21, 21), (21, 21), 1)


def test_radiance_is_that_of_the_nearest_pixel(opened, tmp_path, capfd):
    swath = write_sen3(tmp_path)
    scene, geometry = opened(write_safe(tmp_path), swath, OLCI)
    assert (geometry.window, geometry.factor, geometry.coarse) == ((64, 64), 1, None) and scene.size == (240, 240)
    window = 100, 37, 16, 24
    radiance = scene.read(*window)
    sen3 = Sen3.open(swath)
    latitude, longitude = sen3.latitude_longitude()
    east, north = Transformer.from_crs(4326, scene.crs, always_xy=True).transform(longitude, latitude)
    x, y = centres(scene, *window)
    nearest = np.hypot(x[..., None] - east.ravel(), y[..., None] - north.ravel()).argmin(axis=-1)
    for index, band in ((0, "Oa01"), (20, "Oa21")):
        assert np.array_equal(radiance[..., index], sen3.radiance(band).ravel()[nearest])
    assert scene.tags["ACQUIRED_S3"].startswith("2020-07-02T16:14:01")
    assert "1.2 hours apart, Oa01, Oa02" in capfd.readouterr().out
    assert scene.name.endswith(".SAFE")  # messages name the product of the grid


@pytest.mark.parametrize("kind", ["radiance", "finer bands", "coarser bands", "averages"])
def test_a_window_is_the_same_part_of_any_larger_window(opened, tmp_path, kind):
    # Strips of a scene are read in large pieces; the windows of a network must not depend on them.
    mixed = {
        "finer bands": TARGET.model_copy(update={"bands": ["B02", "B05", "B11"]}),
        "coarser bands": TARGET.model_copy(update={"bands": ["B05", "B01", "B11"], "gsd": 20.0}),
        "averages": TARGET.model_copy(update={"bands": ["B02", "B05", "B01"], "gsd": 60.0}),
    }
    bands = [*TARGET.bands, "B01", "B05", "B11"]
    swath = write_sen3(tmp_path) if kind == "radiance" else None
    scene, _ = opened(write_safe(tmp_path, bands=bands), swath, mixed.get(kind, OLCI))
    height, width = scene.size
    whole, side = scene.read(0, 0, height, width), 24 if kind != "averages" else 10
    for row in range(0, height - side, 13):
        for column in range(0, width - side, 11):
            window = scene.read(row, column, side, side)
            assert np.array_equal(window, whole[row : row + side, column : column + side], equal_nan=True), (
                row,
                column,
            )


def test_pixels_outside_of_the_swath_are_nan(opened, tmp_path):
    # The swath covers only the west of the scene; its border is fill.
    swath = write_sen3(tmp_path, area=(519000.0, 8096600.0, 520300.0, 8101000.0))
    scene, _ = opened(write_safe(tmp_path), swath, OLCI)
    radiance = scene.read(0, 0, 240, 240)
    assert np.isfinite(radiance[100:140, 10:30]).all() and np.isnan(radiance[:, 200:]).all()


def test_errors(opened, tmp_path):
    safe, swath = write_safe(tmp_path, bands=["B02", "B03"]), write_sen3(tmp_path)
    with pytest.raises(UserError, match="lacks B04; it has B02, B03"):
        opened(safe)
    with pytest.raises(UserError, match=r"the network reads OLCI \(Oa01, ...\); name its product by --s3"):
        opened(safe, None, OLCI)
    with pytest.raises(UserError, match="no band of OLCI; leave it out"):
        opened(safe, swath)
    far = write_sen3(tmp_path / "far", area=(619000.0, 8096600.0, 623500.0, 8101000.0))
    with pytest.raises(UserError, match="does not overlap"):
        opened(safe, far, OLCI)
    with pytest.raises(UserError, match="name it by --s3, and a Sentinel-2 product as --input"):
        opened(swath, None, OLCI)
    with pytest.raises(UserError, match="needs a Sentinel-2 product"):
        opened(Path(__file__), swath, OLCI)
    with pytest.raises(UserError, match="products are read at 10, 20, 60 m"):
        opened(safe, None, TARGET.model_copy(update={"gsd": 5.0}))
    two_time_steps = Field(dtype="uint16", shape=[2, SIDE, SIDE, 3], bands=TARGET.bands)
    with pytest.raises(UserError, match="the network reads 2: name as many products in their order"):
        opened(safe, None, two_time_steps)


@pytest.mark.skipif(not SHARED.is_dir(), reason="real products are missing")
def test_the_real_pair(opened):
    safe = next((SHARED / "s2_l1c_safe_18svg").glob("*N0510*.SAFE"))
    swath = next((SHARED / "s2_s3_pair_semireal").glob("*.SEN3"))
    grid, _ = opened(safe)
    with Safe.open(safe) as product:
        expected = product.read(TARGET.bands, Window(30, 20, 50, 40))
    np.testing.assert_allclose(grid.read(20, 30, 40, 50) * 1e-4 - 0.1, expected, atol=1e-6)
    scene, _ = opened(safe, swath, OLCI)
    assert (scene.crs, scene.transform, scene.size) == (grid.crs, grid.transform, grid.size)
    # Oa08 was simulated from B04: where the one is bright the other is.
    red, radiance = grid.read(0, 0, 480, 480)[..., 2], scene.read(0, 0, 480, 480)[..., 7]
    valid = np.isfinite(radiance)
    assert valid.mean() > 0.9
    assert np.corrcoef(red[valid], radiance[valid])[0, 1] > 0.6
    assert json.dumps(scene.identity())
