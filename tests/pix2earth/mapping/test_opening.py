"""Opening of scenes: pixels are averaged or repeated to the size that the network was trained on, or a line warns."""

import numpy as np
import pytest
from affine import Affine
from scipy.ndimage import gaussian_filter

from pix2earth.mapping.geometry import geometry_of
from pix2earth.mapping.inference import Network
from pix2earth.mapping.opening import open_scene
from pix2earth.records.degradation_schema import Degradation
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

    def predict(path, source, target, *, degrade=False, overlap=16, **keys):
        experiment = experiment_of({"input_image": source, "target": target}, roles=keys, normalize="none")
        scene, geometry = open_scene([path], None, experiment, degrade=degrade)
        return predict_scene(
            Network(experiment, namespace_of(lambda image: image), tmp_path / "x.py", geometry), scene, overlap
        )

    return predict


def numbers(height=128, width=192):
    return np.random.default_rng(0).integers(1, 9000, (height, width, 2), np.uint16)


def block_means(values, times):
    height, width, bands = values.shape
    return np.rint(values.reshape(height // times, times, width // times, times, bands).mean((1, 3)))


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
    assert np.array_equal(output, block_means(values, times).repeat(times, 0).repeat(times, 1))


@pytest.mark.parametrize("stored", [16, SIDE])
@pytest.mark.parametrize("gsd", [True, False])
def test_windows_are_degraded_as_the_manifest_states(predict_identity, raster, stored, gsd):
    values = numbers(SIDE, 2 * SIDE)
    fields = field(stored, 40.0 if gsd else None), field(SIDE, 10.0 if gsd else None)
    path, options = raster(values, **at(10)), {"degrade": True, "overlap": 0}
    average = predict_identity(path, *fields, degradation=Degradation(kind="average", factor=4), **options)
    assert np.array_equal(average, block_means(values, 4).repeat(4, 0).repeat(4, 1))
    gaussian = Degradation(kind="gaussian", factor=4, fwhm=4.8)
    blurred = predict_identity(path, *fields, degradation=gaussian, **options)
    for start in (0, SIDE):
        tile = values[:, start : start + SIDE].astype(float)
        filtered = gaussian_filter(tile, 4.8 / 2.3548200450309493, axes=(0, 1), mode="nearest")
        expected = block_means(filtered, 4).repeat(4, 0).repeat(4, 1)
        assert np.array_equal(blurred[:, start : start + SIDE], expected)


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
    assert np.array_equal(output, block_means(values, 4).repeat(4, 0).repeat(4, 1))


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


# ---- several time steps --------------------------------------------------------------------------------------------

STEPS = Field(dtype="uint16", shape=[3, SIDE, SIDE, 2], bands=BANDS, nodata=0, gsd=10.0)


@pytest.fixture
def opened_steps(experiment_of):
    """``opened_steps(*paths)``: the scene of a network with three time steps."""

    def open_for(*paths, **options):
        experiment = experiment_of({"input_image": STEPS, "target": field(SIDE, 10.0)}, normalize="none")
        return open_scene(paths, None, experiment, **{"degrade": False, **options})[0]

    return open_for


def test_time_steps_are_taken_in_the_order_of_their_files(opened_steps, raster):
    steps = [numbers() + number for number in range(3)]
    paths = [raster(step, f"t{number}.tif") for number, step in enumerate(steps)]
    (first, last), backwards = (paths[0], paths[2]), [*reversed(paths)]
    for order in (paths, backwards):
        scene = opened_steps(*order)
        expected = np.concatenate([steps[paths.index(path)] for path in order], -1)
        assert np.array_equal(scene.read(2, 3, 100, 90), expected[2:102, 3:93])
    assert opened_steps(*paths).identity() != opened_steps(*backwards).identity()
    whole = raster(np.concatenate(steps, -1), "all.tif")
    assert np.array_equal(opened_steps(whole).read(0, 0, 128, 192), np.concatenate(steps, -1))
    with pytest.raises(UserError, match=r"t0.tif, .*t2.tif: 2 files, .* reads 3 time steps of B02, B03; name 3 files"):
        opened_steps(first, last)
    with pytest.raises(UserError, match=r"has 2 bands; the network takes 6: .* or name 3 rasters"):
        opened_steps(first)


def test_several_files_for_one_time_step_are_an_error(opened, raster, experiment_of):
    path = raster(numbers())
    experiment = experiment_of({"input_image": field(SIDE, 10.0), "target": field(SIDE, 10.0)}, normalize="none")
    with pytest.raises(UserError, match="2 files, where the network reads 1 time step of B02, B03; name one file"):
        open_scene([path, path], None, experiment, degrade=False)


def test_time_steps_on_other_grids_are_an_error_that_says_both(opened_steps, raster):
    first, shifted = raster(numbers(), "t0.tif"), raster(numbers(), "t1.tif", **at(20))
    with pytest.raises(
        UserError, match=r"t1.tif: has .* of 20 x 20 .*t0.tif has .* of 10 x 10 .*: resample all to one"
    ):
        opened_steps(first, shifted, first)


def test_time_steps_may_be_folders_and_products(opened_steps, raster, tmp_path):
    from tests.products import write_safe

    for step in range(3):
        for index, band in enumerate(BANDS):
            raster(numbers()[..., index : index + 1] + step, f"step{step}/{band}.tif")
    scene = opened_steps(*(tmp_path / f"step{step}" for step in range(3)))
    assert np.array_equal(scene.read(0, 0, 128, 192), np.concatenate([numbers() + step for step in range(3)], -1))
    safe = write_safe(tmp_path)
    one = opened_steps(safe, safe, safe)
    read = one.read(0, 0, 30, 40)
    assert read.shape == (30, 40, 6) and np.array_equal(read[..., :2], read[..., 4:])
    assert one.tags["ACQUIRED"].count("2020-07-02T17:29:01") == 3
    with pytest.raises(UserError, match="is a product, and others are not"):
        opened_steps(safe, tmp_path / "step0", safe)
