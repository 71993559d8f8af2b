"""HLS granules: names of bands of both sensors, scale and fill, clouds, and errors."""

from datetime import UTC, datetime

import numpy as np
import pytest

from pix2earth.settings.errors import UserError
from sensors import granule_at, hls
from tests.fake_hls import SIDE, TRANSFORM, numbers_of, quality, write_hls

SIX = {"L30": ["B02", "B03", "B04", "B05", "B06", "B07"], "S30": ["B02", "B03", "B04", "B8A", "B11", "B12"]}
COMMON = ["Blue", "green", "red", "NIR_narrow", "SWIR 1", "swir2"]


def expected(bands, factor=1e-4):
    numbers = np.stack([numbers_of(band) for band in bands], axis=-1)
    return np.where(numbers == -9999, np.nan, numbers * factor)


def test_what_a_granule_is(tmp_path):
    granule = granule_at(write_hls(tmp_path))
    assert (granule.name, granule.sensor) == ("HLS.L30.T06WVS.2024120T211159.v2.0", "L30")
    assert granule.acquired == datetime(2024, 4, 29, 21, 11, 59, tzinfo=UTC)
    assert (granule.crs, granule.transform, granule.size) == ("EPSG:32606", TRANSFORM, (SIDE, SIDE))
    assert granule.has_clouds and granule.bands[:2] == ["B01", "B02"] and len(granule.bands) == 10


@pytest.mark.parametrize("stated", [(True, True), (False, True), (True, False), (False, False)])
def test_scale_and_fill_are_those_of_the_file_or_of_the_product(tmp_path, stated):
    granule = hls.granule(write_hls(tmp_path, scales=stated[0], tags=stated[1]))
    read = granule.read(["B04", "B10"], 10, 20, 40, 30)
    assert np.array_equal(read[..., :1], expected(["B04"])[10:50, 20:50], equal_nan=True)
    assert np.array_equal(read[..., 1:], expected(["B10"], 0.01)[10:50, 20:50], equal_nan=True)
    assert np.isnan(read[:10, :10]).all() and np.isfinite(read[10:]).all()


@pytest.mark.parametrize("tags", [True, False])
def test_another_scale_in_the_file_is_used(tmp_path, tags):
    granule = hls.granule(write_hls(tmp_path, scales=not tags, tags=tags, scale=2e-4))
    assert np.array_equal(granule.read(["B04"], 0, 0, SIDE, SIDE), expected(["B04"], 2e-4), equal_nan=True)


@pytest.mark.parametrize("sensor", SIX)
def test_bands_have_names_of_either_sensor_and_common_ones(tmp_path, sensor):
    granule = hls.granule(write_hls(tmp_path, sensor))
    assert granule.named(COMMON) == SIX[sensor] and granule.named(SIX[sensor]) == SIX[sensor]
    assert granule.named(["B2", "b03"]) == ["B02", "B03"]
    assert granule.remark(COMMON) == "" and granule.remark(["B02", "B04"]) == ""


def test_names_that_both_sensors_have_for_other_bands_are_said(tmp_path):
    landsat, sentinel = (hls.granule(write_hls(tmp_path, sensor)) for sensor in ("L30", "S30"))
    assert landsat.named(SIX["S30"]) == SIX["L30"] and landsat.remark(SIX["S30"]) == ""
    assert sentinel.named(SIX["L30"]) == SIX["L30"]
    said = sentinel.remark(SIX["L30"])
    assert "B05 red edge 1, B06 red edge 2" in said and "HLS L30 (Landsat) has near infrared, short-wave" in said
    with pytest.raises(UserError, match="lacks B06, B07; L30 has B01, B02"):
        landsat.named(["B8A", "B06", "B07"])


def test_clouds_are_cloud_shadow_and_fill(tmp_path):
    granule = hls.granule(write_hls(tmp_path))
    numbers = quality()
    hidden = (numbers & 0b1010 != 0) | (numbers == 255)
    assert np.array_equal(granule.clouds(0, 0, SIDE, SIDE), hidden) and 0 < hidden.mean() < 0.1
    assert np.array_equal(granule.clouds(50, 60, 20, 30), hidden[50:70, 60:90])
    assert not hls.granule(write_hls(tmp_path / "without", fmask=False)).has_clouds


def test_errors(tmp_path):
    assert granule_at(tmp_path) is None and granule_at(tmp_path / "none") is None
    with pytest.raises(UserError, match=r"lacks B05; L30 has B02, B03 here"):
        hls.granule(write_hls(tmp_path / "few", bands=["B02", "B03"])).named(["B02", "B05"])
    two = write_hls(tmp_path / "two", folder="both")
    write_hls(tmp_path / "two", time="2024121T211159", folder="both")
    with pytest.raises(UserError, match=r"both: holds 2 granules, such as HLS.L30.*; give each a folder of its own"):
        hls.granule(two)
    with pytest.raises(UserError, match=r"B03.tif: has another grid than the other bands"):
        hls.granule(write_hls(tmp_path / "grids", other_grid="B03")).read(["B02", "B03"], 0, 0, 9, 9)
    damaged = write_hls(tmp_path / "damaged")
    (damaged / "._HLS.L30.T06WVS.2024120T211159.v2.0.B02.tif").write_bytes(b"x")  # what macOS leaves
    next(damaged.glob("*.B04.tif")).write_bytes(b"x")
    with pytest.raises(UserError, match=r"B04.tif: is damaged or no band of HLS"):
        hls.granule(damaged).read(["B04"], 0, 0, 9, 9)
