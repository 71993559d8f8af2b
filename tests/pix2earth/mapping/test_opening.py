"""Opening of scenes: pixels are averaged or repeated to the size that the network was trained on, or a line warns."""

import numpy as np
import pytest
from affine import Affine

from pix2earth.mapping.geometry import geometry_of
from pix2earth.mapping.inference import Network
from pix2earth.mapping.opening import open_scene
from pix2earth.records.degradation import square_mean
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

SIDE = 64
BANDS = ["B02", "B03"]


def field(side, gsd, **changes):
    return Field(dtype="uint16", shape=[side, side, 2], bands=BANDS, nodata=0, gsd=gsd, **changes)


@pytest.fixture
def opened(experiment_of):
    """``opened(path, source, target, degrade=False)``: the scene and the geometry."""

    def open_for(path, source, target, *, degrade=False, **settings):
        experiment = experiment_of({"input_image": source, "target": target}, normalize="none", **settings)
        return open_scene([path], None, experiment, degrade=degrade)

    return open_for


@pytest.fixture
def predict_identity(experiment_of, namespace_of, tmp_path, predict_scene):
    """``predict_identity(path, source, target, **options)``: the output of a network that returns its input."""

    def predict(path, source, target, *, degrade=False, overlap=16):
        experiment = experiment_of({"input_image": source, "target": target}, normalize="none")
        scene, geometry = open_scene([path], None, experiment, degrade=degrade)
        return predict_scene(
            Network(experiment, namespace_of(lambda image: image), tmp_path / "x.py", geometry), scene, overlap
        )

    return predict


def numbers(height=128, width=192):
    return np.random.default_rng(0).integers(1, 9000, (height, width, 2), np.uint16)


def at(metres):
    return {"transform": Affine(metres, 0, 436500, 0, -metres, 4178940)}


def test_the_expected_pixel_size_gives_no_warning(opened, raster, capfd):
    scene, geometry = opened(raster(numbers(), **at(20)), field(32, 20.0), field(SIDE, 10.0))
    assert scene.size == (128, 192) and (geometry.window, geometry.factor) == ((32, 32), 2)
    assert capfd.readouterr().err == ""


def test_another_pixel_size_gives_a_warning(opened, raster, capfd):
    scene, _ = opened(raster(numbers(), **at(10)), field(32, 20.0), field(SIDE, 10.0))
    assert scene.size == (128, 192)
    assert "pixels of 10 m, where the network was trained on 20 m" in capfd.readouterr().err


@pytest.mark.parametrize("coarse", [32, 16])
def test_degraded_windows_are_averaged_as_in_the_datasets(predict_identity, raster, coarse):
    values, times = numbers(), SIDE // coarse
    output = predict_identity(
        raster(values, **at(10)), field(coarse, 10.0 * times), field(SIDE, 10.0), degrade=True, overlap=0
    )
    assert np.array_equal(output, square_mean(values, times).repeat(times, 0).repeat(times, 1))


def test_a_ratio_that_is_not_an_integer(predict_identity, raster, opened):
    # As published: 64 pixels are averaged to 21, which are upsampled to 64 by nearest neighbour.
    values = numbers(SIDE, SIDE)
    coarse, target = field(21, 30.0), field(SIDE, 10.0)
    output = predict_identity(raster(values, **at(10)), coarse, target, degrade=True)
    assert len(np.unique(output[..., 0])) <= 21 * 21
    assert output.mean() == pytest.approx(values.mean(), rel=0.01)
    with pytest.raises(UserError, match=r"no integer factor lies between them; .* --degrade"):
        opened(raster(values, **at(30)), coarse, target)


def test_degraded_where_the_dataset_stores_repeated_pixels(predict_identity, raster):
    values = numbers()
    output = predict_identity(raster(values, **at(10)), field(SIDE, 40.0), field(SIDE, 10.0), degrade=True, overlap=0)
    assert np.array_equal(output, square_mean(values, 4).repeat(4, 0).repeat(4, 1))


def test_coarse_pixels_are_repeated_as_in_the_dataset(opened, raster, capfd):
    scene, geometry = opened(raster(numbers(), **at(40)), field(SIDE, 40.0), field(SIDE, 10.0))
    assert scene.size == (512, 768) and geometry.factor == 1
    assert scene.transform == at(10)["transform"]
    assert "repeated 4 times along each axis" in capfd.readouterr().out


def test_degrade_that_does_not_apply_is_an_error(opened, raster):
    with pytest.raises(UserError, match="has pixels of 15 m; the network's target has 10 m"):
        opened(raster(numbers(), **at(15)), field(32, 20.0), field(SIDE, 10.0), degrade=True)
    with pytest.raises(UserError, match="states 10 m for the input"):
        opened(raster(numbers(), **at(10)), field(SIDE, 10.0), field(SIDE, 10.0), degrade=True)


def test_networks_whose_predictions_cannot_be_joined_are_errors(experiment_of):
    fields = {"input_image": field(SIDE, 10.0), "target": field(SIDE, 10.0)}
    with pytest.raises(UserError, match="'l2' cannot be undone"):
        geometry_of(experiment_of(fields, normalize="l2"))
    with pytest.raises(UserError, match="not on the grid of its target"):
        geometry_of(experiment_of(fields, img_height=32, img_width=32))
    wide = Field(dtype="uint16", shape=[SIDE, 2 * SIDE, 2], bands=BANDS)
    with pytest.raises(UserError, match="no integer factor lies between them"):
        geometry_of(experiment_of(fields | {"input_image": wide}))
