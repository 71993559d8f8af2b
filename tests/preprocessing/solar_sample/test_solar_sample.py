"""The dataset of the image of the Sun, its average as FITS, and the figure of a prediction."""

import json

import matplotlib.image
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from scipy import stats

from pix2earth.records.format import read
from pix2earth.records.listing import open_folder
from preprocessing.solar_sample import __main__ as solar_sample
from preprocessing.solar_sample import figure
from preprocessing.solar_sample.image import PATH, tiles


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("solar")
    (path / "environment.json").write_text(json.dumps({"data_root": "data"}))
    with pytest.raises(SystemExit, match="0"):
        solar_sample.main(["--env", str(path / "environment.json")])
    return path


@pytest.fixture(scope="module")
def original():
    return fits.getdata(PATH).astype(np.float64)


def means(values):
    return values.reshape(256, 4, 256, 4).mean((1, 3))


def test_tiles_are_the_image_and_its_means(root, original):
    folder = root / "data/solar/64"
    manifest = open_folder(str(folder)).manifest
    assert sum(manifest.records.values()) == 256
    for tile in tiles((1024, 1024))[::37]:
        fields, about = read(folder / tile.split / f"{tile.name}.tfrecord", manifest)
        rows, columns = slice(tile.row, tile.row + 64), slice(tile.column, tile.column + 64)
        np.testing.assert_array_equal(fields["target"][..., 0], original[rows, columns])
        coarse = means(original)[tile.row // 4 : tile.row // 4 + 16, tile.column // 4 : tile.column // 4 + 16]
        np.testing.assert_allclose(fields["input_image"][..., 0], coarse, rtol=1e-6)
        assert about["acquired"] == ["1998-05-19T22:21:43.000"]
    low, high = manifest.fields["target"].valid_range
    assert low < original.min() and original.max() < high


def test_blocks_of_two_by_two_tiles_have_one_split():
    of = {(tile.row // 128, tile.column // 128): set() for tile in tiles((1024, 1024))}
    for tile in tiles((1024, 1024)):
        of[tile.row // 128, tile.column // 128].add(tile.split)
    assert all(len(splits) == 1 for splits in of.values())
    assert sum(splits == {"test"} for splits in of.values()) == 9


def test_the_average_shows_the_same_places(root, original):
    data, header = fits.getdata(root / "data/solar/trace_171_average.fits", header=True)
    np.testing.assert_allclose(data, means(original), rtol=1e-6)
    fine, coarse = WCS(fits.getheader(PATH)), WCS(header)
    for column, row in ((0, 0), (100, 7), (255, 255)):  # the centre of a coarse pixel is that of its 4 x 4 pixels
        place = fine.pixel_to_world_values(4 * column + 1.5, 4 * row + 1.5)
        np.testing.assert_allclose(coarse.pixel_to_world_values(column, row), place, rtol=1e-9)
    assert header["CDELT1"] == 2.0 and "average of 4 x 4 pixels" in str(header["HISTORY"])


def test_the_figure_states_scores_of_test_blocks_alone(original, tmp_path, capsys):
    """Errors in blocks of other splits do not count; those of a known prediction are as SciPy computes them."""
    test = figure.split_mask("test", (1024, 1024))
    random = np.random.default_rng(0)
    prediction = np.where(test, original * random.normal(1, 0.1, original.shape), 0).astype(np.float32)
    fits.writeto(tmp_path / "map.fits", prediction)
    with pytest.raises(SystemExit, match="0"):
        figure.main(["--map", str(tmp_path / "map.fits"), "--output", str(tmp_path / "figure.png")])
    assert matplotlib.image.imread(tmp_path / "figure.png").shape[1] > 1000
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("pix2pixCC"))
    found = dict(part.rsplit(" ", 1) for part in line.split(": ")[1].split(", "))
    t, p = original[test], prediction[test].astype(np.float64)
    assert float(found["CC"]) == pytest.approx(stats.pearsonr(t, p).statistic, abs=1e-4)
    assert float(found["RMSE"]) == pytest.approx(np.sqrt(np.mean((t - p) ** 2)), rel=1e-3)
    assert float(found["PPE10"]) == pytest.approx(100 * np.mean(np.abs(p - t) <= 0.1 * t), abs=0.02)


def test_a_map_of_another_size_is_refused(tmp_path, capsys):
    fits.writeto(tmp_path / "map.fits", np.zeros((256, 256), np.float32))
    with pytest.raises(SystemExit, match="2"):
        figure.main(["--map", str(tmp_path / "map.fits"), "--output", str(tmp_path / "figure.png")])
    assert "has 256 x 256 x 1 pixels, the image of samples/ 1024 x 1024 x 1" in capsys.readouterr().err
