"""Samples of the six datasets against the arrays of the tile."""

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.transform import from_origin
from rasterio.warp import reproject

from pix2earth.records.degradation import area_mean
from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.manifest import Split
from preprocessing.tiles.tile_rasters import Tile
from preprocessing.tiles.tile_records import KINDS, arrays, manifest, stored_reflectance

SIDE = 64


@pytest.fixture
def tile() -> Tile:
    random = np.random.default_rng(3)
    reflectance = (random.integers(0, 20000, (SIDE, SIDE, 3)) / 1e4 - 0.05).astype(np.float32)
    radiance = random.uniform(0, 300, (SIDE, SIDE, 21)).astype(np.float32)
    located = np.ones((SIDE, SIDE), bool)
    located[:3] = False
    radiance[10, 10, 4] = np.nan
    reflectance[20, 20] = np.nan
    flags = np.zeros((SIDE, SIDE), np.uint32)
    return Tile(flags, located, reflectance, radiance, CRS.from_epsg(32617), from_origin(5e5, 8.1e6, 10, 10), {})


@pytest.mark.parametrize("side", [21, 16, 10, 5, 3, 2, 64])
def test_area_means_are_those_of_gdal(tile, side):
    fine, coarse = tile.transform, tile.transform @ tile.transform.scale(SIDE / side, SIDE / side)
    whole = np.nan_to_num(tile.reflectance)
    for band in range(3):
        expected = np.zeros((side, side), np.float64)
        reproject(
            whole[..., band].astype(np.float64), expected, src_transform=fine, dst_transform=coarse,
            src_crs=tile.crs, dst_crs=tile.crs, resampling=Resampling.average,
        )  # fmt: skip
        np.testing.assert_allclose(area_mean(whole, side)[..., band], expected, rtol=1e-5, atol=1e-6)


def test_area_means_leave_out_what_has_no_data():
    tile = np.arange(16.0).reshape(4, 4, 1)
    tile[0, 0] = np.nan
    tile[2:, :2] = np.nan
    tile[3, 0] = 7.0
    np.testing.assert_allclose(area_mean(tile, 2)[..., 0], [[(1 + 4 + 5) / 3, (2 + 3 + 6 + 7) / 4], [np.nan, 12.5]])


def test_reflectance_is_stored_without_loss():
    counts = np.arange(0, 65535, dtype=np.int64)
    # Baselines before 04.00, and with the offset of -1000: 0 is no data in both.
    for offset in (0, -1000):
        reflectance = np.where(counts == 0, np.nan, (counts + offset) / 1e4).astype(np.float32)
        stored = stored_reflectance(reflectance)
        back = stored.astype(np.float64) * 1e-4 - 0.1
        fits = (counts > 0) & (back < 6.45)
        np.testing.assert_array_equal(np.rint(back * 1e4)[fits], (counts + offset)[fits])
        assert stored[0] == 0
        assert stored.dtype == np.uint16


@pytest.mark.parametrize("kind", KINDS)
def test_samples_agree_with_their_manifest(tile, kind):
    about = manifest(kind, "x", SIDE, Split(method="scene"), "")
    sample = arrays(kind, tile)
    assert sample.keys() == about.fields.keys() == {"input_image", "target"}
    for name, field in about.fields.items():
        assert (sample[name].dtype.name, list(sample[name].shape)) == (field.dtype, field.shape)
    assert about.name == f"{kind}_x"
    target = about.fields["target"]
    back = sample["target"] * target.scale + target.offset
    seen = np.isfinite(tile.reflectance)
    np.testing.assert_allclose(back[seen], tile.reflectance[seen], atol=1e-6)
    assert (sample["target"][~seen] == target.nodata).all()
    assert (target.gsd, target.rgb) == (10, ["B04", "B03", "B02"])


def test_coarse_inputs_say_how_coarse_they_are(tile):
    ratios = {kind: manifest(kind, "x", SIDE, Split(method="s"), "").ratio for kind in KINDS}
    assert ratios == pytest.approx(
        {"cur": 30, "alt3": 64 / 21, "alt6": 6.4, "alt12": 12.8, "alt20": 64 / 3, "alt30": 32}
    )
    # 96 is divisible: the ratio is the one of the name.
    assert manifest("alt12", "x", 96, Split(method="s"), "").ratio == 12
    assert manifest("alt12", "x", 96, Split(method="s"), "").shared_bands == [0, 1, 2]


@pytest.mark.parametrize(("kind", "factor"), [("alt3", 3), ("alt12", 12), ("cur", None)])
def test_manifests_state_how_inputs_are_made(tile, kind, factor):
    stated = manifest(kind, "x", SIDE, Split(method="s"), "").degradation
    assert stated == (factor and Degradation(kind="average", factor=factor))
    if factor is None:
        return
    sample = arrays(kind, tile)
    counts = np.where(sample["target"] == 0, np.nan, sample["target"])
    expected = area_mean(counts, SIDE // factor)
    assert np.array_equal(sample["input_image"], np.nan_to_num(np.rint(expected)))


def test_radiance_keeps_its_numbers(tile):
    about = manifest("cur", "x", SIDE, Split(method="s"), "").fields["input_image"]
    stored = arrays("cur", tile)["input_image"]
    missing = ~tile.located[..., None] | np.isnan(tile.radiance)
    np.testing.assert_array_equal(stored[~missing], tile.radiance[~missing])
    assert (stored[missing] == about.nodata).all()
    assert about.units == "mW m-2 sr-1 nm-1"
    # A white surface under the sun overhead: solar flux of January over pi, of the first and the last band.
    assert about.bounds[1][0] == pytest.approx(1540 / np.pi, abs=1)
    assert about.bounds[1][20] == pytest.approx(724 / np.pi, abs=1)
