"""The 26-band GeoTIFF of a tile, read back by rasterio."""

import json

import numpy as np
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.transform import from_origin

from pix2earth.settings.errors import UserError
from preprocessing.tiles import tile_rasters

TRANSFORM = from_origin(520020, 8100000, 10, 10)
FLAGS = {"land": 1 << 31, "invalid": 1 << 25, "saturated_Oa20": 2, "saturated_Oa21": 1}


@pytest.fixture
def tile() -> tile_rasters.Tile:
    random = np.random.default_rng(1)
    flags = random.integers(0, 2**32, (8, 8), np.uint32)
    located = np.ones((8, 8), bool)
    located[0] = False
    flags[0] = 0
    reflectance = random.random((8, 8, 3), np.float32)
    radiance = random.random((8, 8, 21), np.float32) * 100
    reflectance[3, 3, 1] = radiance[0] = np.nan
    tags = {"S2_SENSING_TIME": "2020-07-02T17:29:01Z"}
    return tile_rasters.Tile(flags, located, reflectance, radiance, CRS.from_epsg(32617), TRANSFORM, tags)


def test_bands_are_those_documented(tile, tmp_path):
    path = tmp_path / "00007_12x34.tif"
    tile_rasters.write(path, tile, FLAGS)
    with rasterio.open(path) as raster:
        assert raster.descriptions[:6] == ("quality_flags", "collocationFlags", "B2", "B3", "B4", "Oa01_radiance")
        assert raster.descriptions[25] == "Oa21_radiance"
        assert raster.count == 26
        assert set(raster.dtypes) == {"float32"}
        assert np.isnan(raster.nodata)
        assert raster.crs == CRS.from_epsg(32617)
        assert raster.transform == TRANSFORM
        assert raster.units[2:6] == ("1", "1", "1", "mW m-2 sr-1 nm-1")
        assert raster.profile["compress"] == "deflate"
        assert raster.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"] == "2"
        assert raster.tags()["S2_SENSING_TIME"] == "2020-07-02T17:29:01Z"
        assert json.loads(raster.tags(1)["flag_masks"]) == FLAGS
        np.testing.assert_array_equal(raster.read(4), tile.reflectance[..., 1])
        np.testing.assert_array_equal(raster.read(10), tile.radiance[..., 4])
        # Every bit of the flags survives float32, as the tags of the bands describe.
        first, second = (raster.read(band).astype(np.int64) for band in (1, 2))
    np.testing.assert_array_equal(first + (second >> 8 & 255), tile.flags)
    np.testing.assert_array_equal(second & 1, tile.located)


def test_a_tile_is_read_as_written(tile, tmp_path):
    path = tmp_path / "t.tif"
    tile_rasters.write(path, tile, FLAGS)
    read = tile_rasters.read(path)
    for one, other in zip(read[:4], tile[:4], strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    assert (read.crs, read.transform) == (tile.crs, tile.transform)
    assert read.flags.max() >= 1 << 31


def test_tiles_of_the_original_code_are_read(tmp_path):
    path = tmp_path / "00003_5x6.tif"
    stack = np.arange(1, 27 * 16 - 15, dtype=np.float32).reshape(26, 4, 4)
    stack[0], stack[1] = 2.0**31, 1
    stack[1, 0] = 0
    stack[5:, 0] = 0
    stack[2:5, 2, 2] = 0
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=26, height=4, width=4, crs="EPSG:32617", transform=TRANSFORM
    ) as raster:
        raster.write(stack)
    tile = tile_rasters.read(path)
    assert tile.tags.keys() <= {"AREA_OR_POINT"}
    assert tile_rasters.index_of(path) == 3
    np.testing.assert_array_equal(tile.located, stack[1] == 1)
    assert np.isnan(tile.radiance[0]).all()
    np.testing.assert_array_equal(tile.radiance[1:], np.moveaxis(stack[5:, 1:], 0, -1))
    assert np.isnan(tile.reflectance).all(axis=-1).sum() == 1
    assert (tile.flags == 1 << 31).all()


def test_other_rasters_are_refused(tmp_path):
    path = tmp_path / "x.tif"
    with rasterio.open(path, "w", driver="GTiff", dtype="float32", count=3, height=4, width=4) as raster:
        raster.write(np.zeros((3, 4, 4), np.float32))
    with pytest.raises(UserError, match="3 bands"):
        tile_rasters.read(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(UserError, match="damaged"):
        tile_rasters.read(path)
