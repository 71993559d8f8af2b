"""The figure of a sharpened map: places that are found, values that are shown, errors."""

import numpy as np
import pytest
from PIL import Image

from preprocessing.sharpening import figure
from preprocessing.sharpening.opening import open_pair
from tests.preprocessing.sharpening.conftest import write_raster

SIDE = 120  # coarse pixels


@pytest.fixture
def scene(tmp_path):
    """Flat ground, but for one place with detail in all bands, and one with detail in the coarse band alone."""
    random = np.random.default_rng(0)
    fine = np.full((2 * SIDE, 2 * SIDE, 2), 3000.0)
    coarse = np.full((SIDE, SIDE, 1), 2000.0)
    shared = random.normal(0, 400, (40, 40, 1))
    coarse[4:44, 4:44] += shared
    fine[8:88, 8:88] += shared.repeat(2, 0).repeat(2, 1)
    coarse[70:90, 72:92] += random.normal(0, 200, (20, 20, 1))
    write_raster(tmp_path / "fine.tif", fine.astype(np.uint16), ["B04", "B08"])
    write_raster(tmp_path / "coarse.tif", coarse.astype(np.uint16), ["B11"], pixel=2)
    sharpened = coarse.repeat(2, 0).repeat(2, 1)
    sharpened[8:88, 8:88] += random.normal(0, 100, (80, 80, 1))
    write_raster(tmp_path / "map.tif", (sharpened).astype(np.float32), ["B11"])
    return open_pair(tmp_path / "fine.tif", tmp_path / "coarse.tif", None, None)


def contains(place, row, column, side):
    return place.row <= row and row + side <= place.row + figure.SIDE and place.column <= column <= column + side


def test_places_show_the_detail_that_was_added_and_the_detail_that_no_fine_band_has(scene, tmp_path):
    coarse, sharpened = figure.read(scene, "coarse"), figure.read_map(tmp_path / "map.tif", scene)
    added, unseen = figure.chosen_places(scene, coarse, sharpened)
    assert contains(added, 4, 4, 40) and contains(unseen, 70, 72, 20)


def command(*arguments):
    with pytest.raises(SystemExit) as ended:
        figure.main([*map(str, arguments)])
    return ended.value.code


def test_the_figure_is_drawn_for_chosen_and_for_stated_places(scene, tmp_path):
    rasters = ("--fine", tmp_path / "fine.tif", "--coarse", tmp_path / "coarse.tif", "--map", tmp_path / "map.tif")
    assert command(*rasters, "--output", tmp_path / "two.png") == 0
    assert command(*rasters, "--output", tmp_path / "one.png", "--place", 0, 0) == 0
    two, one = (Image.open(tmp_path / name) for name in ("two.png", "one.png"))
    assert two.width == one.width and two.height > 1.5 * one.height
    assert two.info["Source"] == "map.tif"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--place", 100, 0], "--place 100 0: coarse has 120 x 120 coarse pixels"),
        (["--map", "{folder}/coarse.tif"], "is no map of coarse: it has 120 x 120 pixels of B11"),
        (["--map", "{folder}/none.tif"], "is not a raster"),
        (["--input", "{folder}"], "--input: name products or folders, or two rasters"),
    ],
)
def test_errors(scene, tmp_path, arguments, message, capsys):
    rasters = ["--fine", tmp_path / "fine.tif", "--coarse", tmp_path / "coarse.tif", "--map", tmp_path / "map.tif"]
    given = [str(word).format(folder=tmp_path) for word in arguments]
    assert command(*rasters, "--output", tmp_path / "x.png", *given) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "x.png").exists()
