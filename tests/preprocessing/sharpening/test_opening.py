"""Scenes with two pixel sizes are opened as they are, and refused where their grids or numbers do not fit."""

import numpy as np
import pytest
from affine import Affine

from pix2earth.settings.errors import UserError
from preprocessing.sharpening.opening import COARSE, GUIDE, open_band_files, open_pair, open_product
from tests.preprocessing.sharpening.conftest import TRANSFORM, numbers, write_raster
from tests.products import BAND_IDS, write_safe


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("baseline", ["02.09", "05.10"])
def test_a_product_has_its_numbers_and_their_meaning(tmp_path, baseline, zipped):
    scene = open_product(write_safe(tmp_path, baseline=baseline, zipped=zipped))
    assert (list(scene.fine.names), list(scene.coarse.names)) == (GUIDE, COARSE)
    assert (scene.fine.size, scene.coarse.size, scene.ratio, scene.pixel) == ((240, 240), (120, 120), 2, 20.0)
    assert scene.crs == "EPSG:32617"
    assert (scene.numbers.scale, scene.numbers.offset) == (1e-4, -0.1 if baseline == "05.10" else 0.0)
    from sensors.sentinel2 import Safe

    safe = Safe.open(write_safe(tmp_path / "again", baseline=baseline))
    stored = scene.coarse.read(10, 20, 30, 40)
    expected = safe.read(COARSE, resolution=20)[10:40, 20:60]
    np.testing.assert_allclose(stored * scene.numbers.scale + scene.numbers.offset, expected, atol=1e-6)


def test_a_product_without_a_band_is_refused(tmp_path):
    product = write_safe(tmp_path, bands=[band for band in BAND_IDS if band != "B11"])
    with pytest.raises(UserError, match=r"lacks B11; it has B01"):
        open_product(product)


@pytest.mark.parametrize(("image", "metres"), [("R10m/*_B04_10m.jp2", 10), ("R20m/*_B11_20m.jp2", 20)])
def test_a_product_that_has_a_band_with_larger_pixels_only_is_refused(tmp_path, image, metres):
    product = write_safe(tmp_path, level="L2A")
    next(product.glob(f"GRANULE/*/IMG_DATA/{image}")).unlink()
    with pytest.raises(UserError, match=rf"has B\d\d with pixels of \d0 m, not of {metres} m"):
        open_product(product)


@pytest.fixture
def band_files(tmp_path):
    """A folder with one raster for each band, named as those of Sentinel-2."""
    folder = tmp_path / "T18SVG"
    folder.mkdir()
    for bands, side, pixel in ((GUIDE, 24, 1), (COARSE, 12, 2)):
        for seed, band in enumerate(bands):
            values = numbers(side, side, 1, seed)
            write_raster(folder / f"T18SVG_20160112_{band}.tif", values, pixel=pixel)
    return folder


def test_band_files(band_files, capsys):
    scene = open_band_files(band_files, None, None)
    assert (scene.name, scene.acquired, scene.numbers.scale) == ("T18SVG", "2016-01-12", 1e-4)
    np.testing.assert_array_equal(scene.fine.read(2, 4, 6, 8)[..., 3], numbers(24, 24, 1, 3)[2:8, 4:12, 0])
    assert "state no scale; reflectance is 0.0001 x number" in capsys.readouterr().out
    stated = open_band_files(band_files, 2e-4, -0.1).numbers
    assert (stated.scale, stated.offset) == (2e-4, -0.1)


def test_of_a_band_at_several_pixel_sizes_the_native_one_is_taken(band_files):
    write_raster(band_files / "T18SVG_20160112_B02_20m.tif", numbers(12, 12, 1), pixel=2)
    assert open_band_files(band_files, None, None).fine.size == (24, 24)
    write_raster(band_files / "T18SVG_B02_10m_copy.tif", numbers(24, 24, 1))
    with pytest.raises(UserError, match="are named for B02; keep one with pixels of 10 m"):
        open_band_files(band_files, None, None)


def test_band_files_that_do_not_fit_are_refused(band_files):
    (band_files / "T18SVG_20160112_B05.tif").unlink()
    with pytest.raises(UserError, match="has no raster that is named for B05"):
        open_band_files(band_files, None, None)
    write_raster(band_files / "T18SVG_20160112_B05.tif", numbers(11, 12, 1), pixel=2)
    with pytest.raises(UserError, match="band B06 has another grid than B05"):
        open_band_files(band_files, None, None)


class TestTwoRasters:
    @pytest.mark.parametrize("ratio", [2, 3, 4])
    def test_any_bands_and_ratio(self, tmp_path, ratio, capsys):
        fine = write_raster(tmp_path / "fine.tif", numbers(24, 36, 2), ["pan", "nir"])
        coarse = write_raster(tmp_path / "coarse.tif", numbers(24 // ratio, 36 // ratio, 1), pixel=ratio)
        scene = open_pair(fine, coarse, None, None)
        assert (scene.ratio, scene.pixel, list(scene.fine.names)) == (ratio, 10.0 * ratio, ["pan", "nir"])
        assert list(scene.coarse.names) == ["coarse_1"]
        printed = capsys.readouterr().out
        assert "state no nodata value; 0 is taken for it" in printed
        assert "state no scale; numbers are taken as they are" in printed

    def test_scale_and_nodata_of_the_files(self, tmp_path, capsys):
        tags = {"nodata": 7, "scales": (1e-4, 1e-4), "offsets": (-0.1, -0.1)}
        fine = write_raster(tmp_path / "fine.tif", numbers(24, 24, 2), **tags)
        coarse = write_raster(tmp_path / "coarse.tif", numbers(12, 12, 2), pixel=2, **tags)
        numbers_of = open_pair(fine, coarse, None, None).numbers
        assert numbers_of[:3] == (1e-4, -0.1, 7)
        assert capsys.readouterr().out == ""

    def test_without_coordinates(self, tmp_path):
        fine = write_raster(tmp_path / "fine.tif", numbers(24, 24, 2), crs=None)
        coarse = write_raster(tmp_path / "coarse.tif", numbers(12, 12, 2), pixel=2, crs=None)
        assert open_pair(fine, coarse, None, None).crs is None

    @pytest.mark.parametrize(
        ("fine", "coarse", "message"),
        [
            ({}, {"pixel": 1}, "has the pixel size of --fine"),
            ({}, {"pixel": 2.5}, r"need a ratio of 2, 3, \.\.\."),
            ({}, {"transform": TRANSFORM @ Affine.translation(1, 0)}, "begin 1 columns, 0 rows of fine pixels apart"),
            ({"rows": 26}, {}, "do not cover the same ground"),
            ({}, {"crs": "EPSG:32617"}, "has another CRS"),
            ({"nodata": 1}, {}, "different nodata values"),
            ({"scales": (2.0, 2.0)}, {}, "different scale or offset tags; state --scale and --offset"),
        ],
        ids=["one size", "broken ratio", "shifted", "other extent", "other CRS", "nodata", "scales"],
    )
    def test_rasters_that_do_not_fit(self, tmp_path, fine, coarse, message):
        fine, coarse = dict(fine), {"pixel": 2} | dict(coarse)
        first = write_raster(tmp_path / "fine.tif", numbers(fine.pop("rows", 24), 24, 2), **fine)
        second = write_raster(tmp_path / "coarse.tif", numbers(12, 12, 2), **coarse)
        with pytest.raises(UserError, match=message):
            open_pair(first, second, None, None)

    def test_no_raster(self, tmp_path):
        (tmp_path / "fine.tif").write_text("no image")
        with pytest.raises(UserError, match=r"--fine .*fine.tif: is not a raster"):
            open_pair(tmp_path / "fine.tif", tmp_path / "fine.tif", None, None)
