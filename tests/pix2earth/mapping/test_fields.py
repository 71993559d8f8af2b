"""Further fields of a scene: names, grids, time steps, cropping, and values that no mask has."""

import numpy as np
import pytest
from affine import Affine

from pix2earth.mapping import fields
from pix2earth.mapping.opening import open_scene
from pix2earth.mapping.scene import crop
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

SIDE = 64
IMAGE = Field(dtype="uint16", shape=[SIDE, SIDE, 2], bands=["B02", "B03"], nodata=0, gsd=10.0)
FIELDS = {
    "input_image": IMAGE,
    "target": IMAGE,
    "cloud_mask": Field(dtype="uint8", shape=[SIDE, SIDE, 1], kind="mask", bands=["clouded"]),
    "gaps": Field(dtype="uint8", shape=[2, SIDE, SIDE, 1], kind="mask", bands=["gap"]),
    "cover": Field(dtype="uint8", shape=[32, 32, 1], kind="classes", bands=["class"], gsd=20.0),
    "wind": Field(dtype="float32", shape=[SIDE, SIDE, 1], bands=["speed"], units="m s-1", gsd=80.0),
    "day": Field(dtype="uint16", shape=[1, 1, 1], bands=["day"]),
}


def numbers(height=128, width=192, bands=1, high=2):
    return np.random.default_rng(0).integers(0, high, (height, width, bands), np.uint8)


def at(metres, east=436500, north=4178940):
    return {"transform": Affine(metres, 0, east, 0, -metres, north)}


@pytest.fixture
def opened(experiment_of, raster):
    """``opened(cloud_mask=path, ...)``: scenes of further fields, of a scene of 128 x 192 pixels of 10 m."""
    path = raster(numbers(bands=2, high=99).astype(np.uint16), "scene.tif")

    def open_for(**paths):
        experiment = experiment_of(FIELDS, normalize="none")
        scene, geometry = open_scene([path], None, experiment, degrade=False)
        files = {name: each if isinstance(each, list) else [each] for name, each in paths.items()}
        return fields.open_fields(files, scene, experiment, geometry), scene, experiment.manifest, geometry

    return open_for


# ---- names and files -----------------------------------------------------------------------------------------------


def test_files_are_named_once_for_each_field_and_time_step(tmp_path):
    for name in ("a.tif", "b.tif", "a,b.tif"):
        (tmp_path / name).touch()
    a, b = tmp_path / "a.tif", tmp_path / "b.tif"
    assert fields.files_of([f"gaps={a},{b}", f"wind={a}"]) == {"gaps": [a, b], "wind": [a]}
    assert fields.files_of([f"wind={tmp_path / 'a,b.tif'}"]) == {"wind": [tmp_path / "a,b.tif"]}
    for text, message in (
        (f"{a}", "must be NAME=FILE"),
        (f"={a}", "must be NAME=FILE"),
        ("wind=", "must be NAME=FILE"),
        (f"wind={a},", "must be NAME=FILE"),
        (f"wind={a},{tmp_path / 'c.tif'}", "c.tif: there is no such file"),
    ):
        with pytest.raises(UserError, match=message):
            fields.files_of([text])
    with pytest.raises(UserError, match=r"--field wind: is given twice; .* wind=FILE,FILE"):
        fields.files_of([f"wind={a}", f"wind={b}"])


PLUGIN = """
class GAN:
    def train_step(self, input_image, target): ...
    def predict(self, input_image, cloud_mask, gaps): ...
"""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], r"mine.py: predict\(\) reads cloud_mask, gaps .* add --field cloud_mask=FILE \(mask of clouded\), --field"
             r" gaps=FILE \(mask of gap, 2 time steps\), on its grid"),
        (["cloud_mask"], r"reads gaps besides the input; add --field gaps=FILE"),
        (["cloud_mask", "gaps", "wind"], "--field wind=FILE: .* does not read wind; leave it out"),
        (["cloud_maks"], "--field cloud_maks=FILE: .* no further field 'cloud_maks'; did you mean 'cloud_mask'"),
        (["input_image"], "no further field 'input_image'"),
    ],
)  # fmt: skip
def test_names_are_compared_with_those_of_predict_in_the_source(experiment_of, tmp_path, given, message):
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN)
    experiment = experiment_of(FIELDS)
    fields.check_names(["gaps", "cloud_mask"], experiment, plugin)
    with pytest.raises(UserError, match=message):
        fields.check_names(given, experiment, plugin)


# ---- grids ---------------------------------------------------------------------------------------------------------


def test_rasters_on_the_grid_are_read_as_they_are(opened, raster):
    mask, cover = numbers(), numbers(64, 96, high=200)
    further, *_ = opened(cloud_mask=raster(mask, "mask.tif"), cover=raster(cover, "cover.tif", **at(20)))
    assert np.array_equal(further["cloud_mask"].read(3, 5, 20, 30), mask[3:23, 5:35])
    assert np.array_equal(further["cover"].read(0, 0, 64, 96), cover)


def test_coarse_pixels_are_repeated_as_in_the_dataset(opened, raster):
    wind = np.random.default_rng(1).random((16, 24, 1), np.float32)
    further, *_ = opened(wind=raster(wind, "wind.tif", **at(80)))
    assert np.array_equal(further["wind"].read(0, 0, 128, 192), wind.repeat(8, 0).repeat(8, 1))


def test_time_steps_are_one_raster_or_several(opened, raster):
    gaps = numbers(bands=2)
    paths = [raster(gaps[..., step : step + 1], f"gap{step}.tif") for step in range(2)]
    several, *_ = opened(gaps=paths)
    one, *_ = opened(gaps=raster(gaps, "gaps.tif"))
    for further in (several, one):
        assert np.array_equal(further["gaps"].read(1, 2, 90, 80), gaps[1:91, 2:82])
    with pytest.raises(UserError, match=r"--field gaps=.*3 files, where the network reads 2 time steps of gap; name 2"):
        opened(gaps=[paths[0]] * 3)
    with pytest.raises(UserError, match=r"has 1 bands; the network takes 2: .* or name 2 rasters"):
        opened(gaps=paths[0])
    shifted = raster(gaps[..., :1], "shifted.tif", **at(10, east=0))
    with pytest.raises(UserError, match=r"shifted\.tif: has 128 .*gap0\.tif has 128 .*: resample all to one"):
        opened(gaps=[paths[0], shifted])


@pytest.mark.parametrize(
    ("name", "size", "place"),
    [
        ("cloud_mask", (128, 193), at(10)),
        ("cloud_mask", (128, 192), at(10, east=436510)),
        ("cloud_mask", (128, 192), {**at(10), "crs": "EPSG:32617"}),
        ("cloud_mask", (64, 96), at(20)),
        ("cover", (128, 192), at(10)),
        ("wind", (64, 96), at(20)),
    ],
)
def test_another_grid_is_an_error_that_says_both(opened, raster, name, size, place):
    path = raster(numbers(*size), "other.tif", **place)
    with pytest.raises(UserError) as error:
        opened(**{name: path})
    message = str(error.value)
    assert message.startswith(f"--field {name}={path}: has {size[0]} rows x {size[1]} columns of ")
    assert "the input has 128 rows x 192 columns of 10 x 10 from 436500, 4178940 in EPSG:32618" in message
    assert ("cover has 32 x 32 pixels for every 64 x 64" in message) == (name == "cover")
    assert message.endswith(": resample it")


def test_a_raster_without_coordinates_needs_those_of_the_input(opened, raster):
    path = raster(numbers(), "unplaced.tif", crs=None, transform=Affine.identity())
    with pytest.raises(UserError, match=r"unplaced\.tif: has .* without coordinates; .*: write the coordinates of the"):
        opened(cloud_mask=path)


def test_a_number_of_a_tile_is_a_raster_of_one_pixel(opened, raster):
    further, *_ = opened(day=raster(np.full((1, 1, 1), 200, np.uint16), "day.tif", **at(900)))
    assert further["day"].read(0, 0, 1, 1) == 200
    with pytest.raises(UserError, match=r"day=.*: has 128 rows .*; it must have one pixel"):
        opened(day=raster(numbers(), "days.tif"))


def test_no_raster_is_an_error_that_names_the_field(opened, tmp_path):
    (tmp_path / "text.tif").write_text("no raster")
    with pytest.raises(UserError, match=r"--field cloud_mask=.*text.tif: is not a raster that GDAL can read"):
        opened(cloud_mask=tmp_path / "text.tif")


# ---- parts of scenes, values ---------------------------------------------------------------------------------------


def test_a_part_of_a_scene_has_whole_pixels_of_all_fields(opened, raster):
    cover, mask = numbers(64, 96, high=200), numbers()
    paths = {"cover": raster(cover, "cover.tif", **at(20)), "cloud_mask": raster(mask, "mask.tif")}
    day = raster(np.full((1, 1, 1), 200, np.uint16), "day.tif")
    further, scene, manifest, geometry = opened(**paths, day=day)
    assert fields.blocks(further, manifest, geometry) == (2, 2)
    assert fields.blocks(["cloud_mask", "day"], manifest, geometry) == (1, 1)
    # A box of some 300 m, some 500 m from the corner of the scene.
    part = crop(scene, (-75.7153, 37.7507, -75.7119, 37.7534), fields.blocks(further, manifest, geometry))
    assert part.row % 2 == part.column % 2 == part.size[0] % 2 == part.size[1] % 2 == 0 and part.size < (60, 60)
    cropped = fields.cropped(further, part, manifest, geometry)
    row, column, (height, width) = part.row, part.column, part.size
    assert np.array_equal(cropped["cloud_mask"].read(0, 0, *part.size), mask[row:, column:][:height, :width])
    read = cropped["cover"].read(0, 0, height // 2, width // 2)
    assert np.array_equal(read, cover[row // 2 :, column // 2 :][: height // 2, : width // 2])
    assert cropped["cover"].transform @ (0, 0) == part.transform @ (0, 0)
    assert cropped["day"].size == (1, 1)


def test_a_mask_of_other_numbers_gives_a_warning(opened, raster, capfd):
    opened(cloud_mask=raster(numbers(), "mask.tif"), cover=raster(numbers(64, 96, high=99), "cover.tif", **at(20)))
    opened(cloud_mask=raster(numbers() * 255, "masked.tif", nodata=255))
    assert capfd.readouterr().err == ""
    opened(cloud_mask=raster(numbers() * 255, "mask.tif"))
    assert "mask.tif: holds 255, cloud_mask of the dataset 0 to 1: expect artefacts" in capfd.readouterr().err
