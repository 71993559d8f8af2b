"""Sentinel-2 products of every baseline and level, real and fake, compared with rasterio and direct calculations."""

import re
import shutil
import struct
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from experiment import PROJECT
from pix2earth.settings.errors import UserError
from sensors.sentinel2 import Safe, products
from tests.products import BAND_IDS, NATIVE, ORIGIN, synthetic_reflectance, write_safe

DATA = PROJECT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"there are no real products: {DATA}")
HALF_A_NUMBER = 0.5e-4 + 1e-6
"""Largest change of reflectance by rounding to integer digital numbers."""


def centres(metres: float, size: tuple[int, int], origin=ORIGIN) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    return origin[0] + metres * columns, origin[1] - metres * rows


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("level", ["L1C", "L2A"])
@pytest.mark.parametrize("baseline", ["02.04", "02.14", "04.00", "05.10"])
def test_reflectance_is_the_same_for_every_baseline_and_level(baseline, level, zipped, tmp_path):
    path = write_safe(tmp_path, baseline=baseline, level=level, zipped=zipped, size=(120, 180))
    with Safe.open(path) as safe:
        reflectance = safe.read(["B2", "B03", "b8a"])
        assert safe.scale("B8A") == (10000, -1000 if baseline >= "04" else 0)
        for index, band in enumerate(("B02", "B03")):
            expected = synthetic_reflectance(band, *centres(10, (120, 180)))
            np.testing.assert_allclose(reflectance[..., index], expected, atol=HALF_A_NUMBER)
        coarse = synthetic_reflectance("B8A", *centres(20, (60, 90)))
        np.testing.assert_allclose(reflectance[..., 2], coarse.repeat(2, 0).repeat(2, 1), atol=HALF_A_NUMBER)
        assert reflectance.dtype == np.float32
        assert (safe.level, safe.baseline, safe.satellite, safe.tile) == (level, baseline, "S2A", "T17XNA")
        assert safe.remarks == []


def test_attributes_are_those_of_the_metadata(tmp_path):
    footprint = [(72.5, -81.0), (72.6, -80.0), (71.9, -79.5), (71.8, -81.2)]
    path = write_safe(tmp_path, satellite="S2B", footprint=footprint, cloud_cover=12.25, size=(60, 120))
    with Safe.open(path) as safe:
        assert safe.name == path.name
        assert safe.satellite == "S2B"
        assert safe.sensing_time == datetime(2020, 7, 2, 17, 29, 1, tzinfo=UTC)
        assert safe.cloud_cover == 12.25
        assert safe.crs.to_epsg() == 32617
        assert safe.size == (60, 120)
        assert safe.transform[:6] == (10, 0, ORIGIN[0], 0, -10, ORIGIN[1])
        assert safe.bands == list(BAND_IDS)
        assert list(safe.footprint.exterior.coords)[:4] == [(lon, lat) for lat, lon in footprint]


@pytest.mark.parametrize("baseline", ["02.09", "05.10"])
def test_nodata_is_compared_before_the_offset_and_saturation_is_a_mask(baseline, tmp_path):
    def reflectance(band, x, y):
        values = np.full(x.shape, 0.25)
        values[:, :6] = np.nan
        values[:6, 6:12] = np.inf
        values[6:12, 6:12] = -0.05
        return values

    with Safe.open(write_safe(tmp_path, baseline=baseline, reflectance=reflectance, size=(60, 60))) as safe:
        values = safe.read(["B04"])[..., 0]
        nodata, saturated = safe.masks("B04")
        window = safe.masks("B04", Window(6, 0, 6, 12))
        numbers = safe.digital_numbers("B04")
    offset = 1000 if baseline == "05.10" else 0
    assert np.isnan(values).sum() == nodata.sum() == nodata[:, :6].sum() == 360
    assert saturated.sum() == saturated[:6, 6:12].sum() == window.saturated.sum() == 36
    assert not window.nodata.any()
    assert (values[saturated] > 6).all()
    assert numbers.dtype == np.uint16
    assert (numbers[:, 6:][~saturated[:, 6:]] >= 1).all()
    # Below zero is valid with the offset; without it the lowest number of the fake products is 1.
    assert values[8, 8] == pytest.approx(-0.05 if offset else 1e-4)
    assert values[30, 30] == pytest.approx(0.25)


@pytest.mark.parametrize("resolution", [10, 20, 60])
@pytest.mark.parametrize("resampling", ["nearest", "bilinear", "average"])
def test_windows_are_cuts_of_the_whole_on_every_grid(resolution, resampling, tmp_path):
    with Safe.open(write_safe(tmp_path, size=(360, 420), baseline="05.10")) as safe:
        bands = ["B02", "B05", "B10"]
        whole = safe.read(bands, resolution=resolution, resampling=resampling)
        assert whole.shape == (3600 // resolution, 4200 // resolution, 3)
        assert np.isfinite(whole).all()
        for column, row, width, height in [(0, 0, 7, 5), (11, 13, 17, 9), (whole.shape[1] - 5, 30, 5, 20)]:
            part = safe.read(bands, Window(column, row, width, height), resolution, resampling)
            np.testing.assert_allclose(part, whole[row : row + height, column : column + width], atol=1e-6)


def test_bands_are_averaged_onto_a_coarser_grid(tmp_path):
    with Safe.open(write_safe(tmp_path, size=(120, 120), baseline="04.00")) as safe:
        fine = safe.read(["B02"])[..., 0]
        means = safe.read(["B02"], resolution=60, resampling="average")[..., 0]
    np.testing.assert_allclose(means, fine.reshape(20, 6, 20, 6).mean(axis=(1, 3)), atol=1e-6)


def test_pixels_outside_the_images_are_nan(tmp_path):
    with Safe.open(write_safe(tmp_path, size=(60, 60))) as safe:
        part = safe.read(["B02", "B01"], Window(50, -10, 20, 20))
        inside = safe.read(["B02", "B01"], Window(50, 0, 10, 10))
    np.testing.assert_array_equal(part[10:, :10], inside)
    assert np.isnan(part[:10]).all() and np.isnan(part[:, 10:]).all()


def test_native_numbers_are_those_of_the_file(tmp_path):
    path = write_safe(tmp_path, size=(120, 120), baseline="05.10")
    with Safe.open(path) as safe:
        for band, metres in NATIVE.items():
            numbers = safe.digital_numbers(band)
            with rasterio.open(next(path.glob(f"GRANULE/*/IMG_DATA/*_{band}.jp2"))) as image:
                np.testing.assert_array_equal(numbers, image.read(1))
            assert numbers.shape == (1200 // metres, 1200 // metres)
            np.testing.assert_array_equal(safe.digital_numbers(band, Window(3, 5, 4, 2)), numbers[5:7, 3:7])


def test_level_2a_has_aerosol_water_vapour_and_classes_in_their_units(tmp_path):
    with Safe.open(write_safe(tmp_path, level="L2A", baseline="05.10", size=(120, 120))) as safe:
        aot, wvp, scl = np.moveaxis(safe.read(["AOT", "WVP", "SCL"], resampling="bilinear"), -1, 0)
        assert "B10" not in safe.bands and safe.bands[-3:] == ["AOT", "WVP", "SCL"]
        classes = synthetic_reflectance("SCL", *centres(20, (60, 60)))
        np.testing.assert_array_equal(scl, classes.repeat(2, 0).repeat(2, 1))
        assert set(np.unique(classes)) == {4, 8}
        np.testing.assert_allclose(aot, 0.125)
        np.testing.assert_allclose(wvp, 1.5)
        with pytest.raises(UserError, match=r"has no band B10 \(L2A, images of B01, .*SCL\)"):
            safe.read(["B10"])


@pytest.mark.parametrize(
    ("without", "band", "metres", "coarser"),
    [
        (["R10m"], "B02", 20, (10,)),
        (["R10m"], "AOT", 20, ()),
        (["R10m"], "B8A", 20, ()),
        (["B03_10m"], "B03", 20, (10,)),
        (["R10m", "R20m"], "B8A", 60, (10, 20)),
        (["R10m", "R20m"], "SCL", 60, (10, 20)),
        (["R20m"], "B01", 60, ()),
    ],
)
def test_a_band_is_not_made_finer_than_it_is(without, band, metres, coarser, tmp_path):
    """Images of 20 m on a grid of 10 m would be squares of 2 x 2 equal pixels that pass for 10 m."""
    with Safe.open(write_safe(tmp_path, level="L2A", size=(60, 60), without=without)) as safe:
        for resolution in (10, 20, 60):
            if resolution not in coarser:
                assert np.isfinite(safe.read([band], resolution=resolution)).all()
                continue
            wanted = max(resolution, {"B8A": 20, "SCL": 20}.get(band, 10))
            message = rf"has {band} with pixels of {metres} m, not of {wanted} m.*IMG_DATA/R{wanted}m"
            with pytest.raises(UserError, match=message):
                safe.read([band], resolution=resolution)


def test_an_image_coarser_than_the_others_is_refused(tmp_path):
    path = write_safe(tmp_path, size=(120, 120))
    coarse = write_safe(tmp_path / "coarse", size=(60, 60))
    (name,) = (file.relative_to(path) for file in path.rglob("*_B03.jp2"))
    with rasterio.open(path / name) as image:
        profile = {**image.profile, "width": 60, "height": 60, "transform": image.transform @ image.transform.scale(2)}
    with rasterio.open(coarse / name) as image, rasterio.open(path / name, "w", **profile) as other:
        other.write(image.read())
    with Safe.open(path) as safe:
        assert np.isfinite(safe.read(["B02", "B05"])).all()
        with pytest.raises(UserError, match="has B03 with pixels of 20 m, not of 10 m"):
            safe.read(["B02", "B03"])


# ---- names, granules, oddities -----------------------------------------------------------------------------


def test_long_names_with_several_tiles_need_the_tile(tmp_path):
    path = write_safe(tmp_path, long_naming=True, other_tiles=("T17XPA",), size=(60, 60))
    assert products(tmp_path) == [path]
    with pytest.raises(UserError, match="holds the tiles T17XNA, T17XPA; name one of them"):
        Safe.open(path)
    with pytest.raises(UserError, match="has no tile T17XNB; did you mean 'T17XNA'"):
        Safe.open(path, "T17XNB")
    for tile in ("T17XPA", "17xna"):
        with Safe.open(path, tile) as safe:
            assert safe.tile == f"T{tile[-5:].upper()}"
            assert f"_{safe.tile}_" in safe._granules[0].images["B8A"].member
            expected = synthetic_reflectance("B02", *centres(10, (60, 60)))
            np.testing.assert_allclose(safe.read(["B02"])[..., 0], expected, atol=HALF_A_NUMBER)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("long_naming", [False, True])
def test_a_tile_in_two_granules_is_their_union(long_naming, zipped, tmp_path):
    path = write_safe(tmp_path, long_naming=long_naming, halves=True, zipped=zipped, size=(240, 120))
    with Safe.open(path, "T17XNA") as safe:
        for band in ("B02", "B05", "B01"):
            x, y = centres(NATIVE[band], tuple(side * 10 // NATIVE[band] for side in (240, 120)))
            np.testing.assert_allclose(
                safe.read([band], resolution=NATIVE[band])[..., 0],
                synthetic_reflectance(band, x, y),
                atol=HALF_A_NUMBER,
            )
            assert not safe.masks(band).nodata.any()
        assert safe.digital_numbers("B02", shape=(24, 12)).all()
        lowest = safe.read(["B02"], Window(0, 200, 120, 40))[..., 0]
        np.testing.assert_array_equal(lowest, safe.read(["B02"])[200:, :, 0])


def test_granules_of_one_tile_with_different_grids_are_refused(tmp_path):
    path = write_safe(tmp_path, long_naming=True, halves=True, size=(120, 120))
    other = write_safe(tmp_path / "other", size=(120, 60))
    later = next(path.glob("GRANULE/*235959*"))
    shutil.copy(next(other.rglob("*_B03.jp2")), next(later.rglob("*_B03.jp2")))
    with Safe.open(path) as safe:
        assert np.isfinite(safe.read(["B02"])).all()
        with pytest.raises(UserError, match=r"235959.*_B03\.jp2.*other pixels than.*203040.*_B03\.jp2"):
            safe.read(["B03"])


@pytest.mark.parametrize("long_naming", [False, True])
def test_a_stray_granule_is_left_out(long_naming, tmp_path):
    path = write_safe(tmp_path, null_granule=True, long_naming=long_naming, size=(60, 60))
    stray = next(path.glob("GRANULE/*_null"))
    (stray / "MTD_TL.xml").write_text("<a/>")
    with Safe.open(path) as safe:
        assert len(safe.bands) == 13 and safe.size == (60, 60)


@pytest.mark.parametrize("zipped", [False, True])
def test_level_2a_in_the_old_naming_is_read(zipped, tmp_path):
    path = write_safe(tmp_path, level="L2A", long_naming=True, size=(120, 60), zipped=zipped)
    assert path.name.startswith("S2A_USER_PRD_MSIL2A_") and products(tmp_path) == [path]
    with Safe.open(path) as safe:
        assert (safe.level, safe.tile, safe.bands[-3:]) == ("L2A", "T17XNA", ["AOT", "WVP", "SCL"])
        for metres, bands in ((10, ["B02", "AOT"]), (20, ["B05", "SCL"])):
            x, y = centres(metres, (1200 // metres, 600 // metres))
            expected = np.stack([synthetic_reflectance(band, x, y) for band in bands], axis=-1)
            np.testing.assert_allclose(safe.read(bands, resolution=metres), expected, atol=HALF_A_NUMBER)


@pytest.mark.parametrize("bands", [None, ()], ids=["images", "metadata"])
@pytest.mark.parametrize("long_naming", [False, True])
@pytest.mark.parametrize("level", ["L1C", "L2A"])
def test_a_granule_whose_folder_was_renamed_is_read(level, long_naming, bands, tmp_path):
    path = write_safe(tmp_path, level=level, long_naming=long_naming, granule_folder="0", bands=bands, size=(60, 60))
    for tile in (None, "T17XNA"):
        with Safe.open(path, tile) as safe:
            assert (safe.tile, safe.size) == ("T17XNA", (60, 60))
            if bands is None:
                expected = synthetic_reflectance("B02", *centres(10, (60, 60)))
                np.testing.assert_allclose(safe.read(["B02"])[..., 0], expected, atol=HALF_A_NUMBER)


def test_names_without_baseline_are_read(tmp_path):
    path = write_safe(tmp_path, baseline="05.10", baseline_in_name=False, size=(60, 60))
    with Safe.open(path) as safe:
        assert safe.baseline == "05.10"
        assert safe.scale("B02") == (10000, -1000)
    text = (path / "MTD_MSIL1C.xml").read_text()
    (path / "MTD_MSIL1C.xml").write_text(re.sub("<PROCESSING_BASELINE>.*?</PROCESSING_BASELINE>", "", text))
    with Safe.open(path) as safe:
        assert safe.baseline is None


def test_an_unknown_baseline_gives_a_remark_and_an_invalid_one_an_error(tmp_path):
    with Safe.open(write_safe(tmp_path / "a", baseline="07.11", size=(60, 60))) as safe:
        assert len(safe.remarks) == 1 and "baseline 07.11 is not known" in safe.remarks[0]
    with pytest.raises(UserError, match=r"MTD_MSIL1C\.xml: PROCESSING_BASELINE 'seven' is not known"):
        Safe.open(write_safe(tmp_path / "b", baseline="seven", size=(60, 60)))


def test_the_images_own_size_is_used_with_a_remark(tmp_path):
    with Safe.open(write_safe(tmp_path, stated_size=(10980, 10980), size=(60, 120))) as safe:
        assert safe.size == (60, 120)
        assert len(safe.remarks) == 1
        assert "60 x 120 pixels of 10 m, MTD_TL.xml states 10980 x 10980" in safe.remarks[0]


def test_without_images_the_grid_is_that_of_the_metadata(tmp_path):
    with Safe.open(write_safe(tmp_path, bands=(), size=(120, 60))) as safe:
        assert (safe.bands, safe.size, safe.transform.c) == ([], (120, 60), ORIGIN[0])
        with pytest.raises(UserError, match=r"has no band B02 \(L1C, no images\)"):
            safe.read(["B02"])


def test_with_coarse_images_only_the_grid_still_has_10_m(tmp_path):
    with Safe.open(write_safe(tmp_path, bands=("B05", "B01"), size=(120, 60))) as safe:
        assert safe.size == (120, 60)
        assert safe.transform[:6] == (10, 0, ORIGIN[0], 0, -10, ORIGIN[1])


def test_the_format_of_images_is_recognised_by_content(tmp_path):
    path = write_safe(tmp_path, driver="GTiff", size=(60, 60), zipped=True)
    with Safe.open(path) as safe:
        expected = synthetic_reflectance("B02", *centres(10, (60, 60)))
        np.testing.assert_allclose(safe.read(["B02"])[..., 0], expected, atol=HALF_A_NUMBER)


# ---- damaged products --------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0, 40, 0.5, 0.9], ids=["empty", "head", "half", "most"])
def test_a_truncated_image_is_an_error(keep, tmp_path):
    path = write_safe(tmp_path, size=(240, 240))
    image = next(path.glob("GRANULE/*/IMG_DATA/*_B03.jp2"))
    content = image.read_bytes()
    image.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    with Safe.open(path) as safe, pytest.raises(UserError, match="is damaged or no image") as raised:
        safe.read(["B02", "B03"])
    assert raised.value.lines[0].startswith(f"{image}: ")
    assert len(raised.value.lines) == 1


@pytest.mark.parametrize("side", [2_000_000_000, 11_000])
def test_an_image_of_excessive_size_is_refused_before_it_is_read(side, tmp_path):
    safe = write_safe(tmp_path, bands=("B02",))
    path = next(safe.glob("GRANULE/*/IMG_DATA/*.jp2"))
    content, size = bytearray(path.read_bytes()), struct.pack(">II", side, side)
    # The size in the header box, and size and tile size of the codestream (SIZ marker).
    for mark, offset in ((b"ihdr", 4), (b"\xff\x51", 6), (b"\xff\x51", 22)):
        at = content.index(mark) + offset
        content[at : at + 8] = size
    path.write_bytes(content)
    started = time.process_time()
    with Safe.open(safe) as opened, pytest.raises(UserError, match=f"it claims {side} x {side} pixels") as refused:
        opened.read(["B02"])
    assert time.process_time() - started < 1
    assert len(refused.value.lines) == 1


def test_an_image_of_another_dtype_is_refused(tmp_path):
    safe = write_safe(tmp_path, bands=("B02",), driver="GTiff")
    path = next(safe.glob("GRANULE/*/IMG_DATA/*.jp2"))
    with rasterio.open(path) as image:
        profile, numbers = image.profile, image.read()
    with rasterio.open(path, "w", **{**profile, "dtype": "float32"}) as image:
        image.write(numbers)
    with Safe.open(safe) as opened, pytest.raises(UserError, match="its numbers are float32, not uint16"):
        opened.read(["B02"])


def test_an_image_without_crs_is_an_error(tmp_path):
    path = write_safe(tmp_path, size=(60, 60), driver="GTiff")
    image = next(path.glob("GRANULE/*/IMG_DATA/*_B03.jp2"))
    with rasterio.open(image, "w", driver="GTiff", height=60, width=60, count=1, dtype="uint16") as file:
        file.write(np.ones((60, 60), np.uint16), 1)
    with Safe.open(path) as safe, pytest.raises(UserError, match=r"_B03\.jp2: .*\(it has no CRS\)"):
        safe.read(["B02", "B03"])


@pytest.mark.parametrize(
    ("file", "element"),
    [
        ("MTD_MSIL1C.xml", "SPACECRAFT_NAME"),
        ("MTD_MSIL1C.xml", "EXT_POS_LIST"),
        ("MTD_MSIL1C.xml", "QUANTIFICATION_VALUE"),
        ("MTD_TL.xml", "HORIZONTAL_CS_CODE"),
        ("MTD_TL.xml", "NROWS"),
        ("MTD_TL.xml", "ULX"),
    ],
)
def test_a_missing_element_is_an_error_that_names_the_file(file, element, tmp_path):
    path = write_safe(tmp_path, size=(60, 60))
    xml = next(path.rglob(file))
    xml.write_text(re.sub(f"<{element}( [^>]*)?>.*?</{element}>", "", xml.read_text(), flags=re.DOTALL))
    with pytest.raises(UserError) as raised, Safe.open(path) as safe:
        safe.read(["B02"])
        safe.stated_grid  # noqa: B018
    assert str(raised.value) == f"{xml}: has no element {element}; download the product again"


def test_a_list_of_offsets_without_the_band_is_an_error(tmp_path):
    path = write_safe(tmp_path, baseline="05.10", size=(60, 60))
    xml = path / "MTD_MSIL1C.xml"
    xml.write_text(xml.read_text().replace('<RADIO_ADD_OFFSET band_id="8">-1000</RADIO_ADD_OFFSET>', ""))
    with Safe.open(path) as safe:
        assert safe.scale("B09") == (10000, -1000)
        with pytest.raises(UserError, match=r"RADIO_ADD_OFFSET has no band_id 8 \(B8A\)"):
            safe.scale("B8A")


def test_a_missing_band_is_an_error_that_lists_the_existing_ones(tmp_path):
    with Safe.open(write_safe(tmp_path, bands=("B02", "B03"), size=(60, 60))) as safe:
        with pytest.raises(UserError, match=r"has no band B04 \(L1C, images of B02, B03\)"):
            safe.read(["B02", "B04"])
        with pytest.raises(UserError, match=r"has no band BO2.*; did you mean 'B02'"):
            safe.read(["BO2"])


def test_entities_in_a_products_metadata_are_refused(tmp_path):
    path = write_safe(tmp_path, zipped=False, bands=())
    xml = path / "MTD_MSIL1C.xml"
    xml.write_text(xml.read_text().replace("<n1:Level", '<!DOCTYPE a [<!ENTITY b "c">]><n1:Level', 1))
    with pytest.raises(UserError, match=r"MTD_MSIL1C\.xml: declares XML entities"):
        Safe.open(path)


def test_another_folder_is_an_error(tmp_path):
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.jpg").write_bytes(b"")
    with pytest.raises(UserError, match="holiday: is no Sentinel-2 L1C or L2A product"):
        Safe.open(tmp_path / "holiday")


# ---- real products -----------------------------------------------------------------------------------------


@pytest.fixture
def old_and_new() -> tuple[Path, Path]:
    """The same real pixels without offset (1920 x 1200) and with it (480 x 480)."""
    return tuple(next((DATA / "s2_l1c_safe_18svg").glob(f"*_{baseline}_*.SAFE")) for baseline in ("N0201", "N0510"))


@needs_data
def test_real_pixels_with_and_without_offset_give_the_same_reflectance(old_and_new):
    with Safe.open(old_and_new[0]) as old, Safe.open(old_and_new[1]) as new:
        assert (old.scale("B8A"), new.scale("B8A")) == ((10000, 0), (10000, -1000))
        for resolution, side in ((10, 480), (20, 240), (60, 80)):
            bands = [band for band, metres in NATIVE.items() if metres == resolution]
            one = old.read(bands, Window(0, 0, side, side), resolution)
            np.testing.assert_allclose(new.read(bands, resolution=resolution), one, atol=1e-7)
            with rasterio.open(next(old.path.glob(f"GRANULE/*/IMG_DATA/*_{bands[0]}.jp2"))) as image:
                numbers = image.read(1, window=Window(0, 0, side, side))
            np.testing.assert_allclose(one[..., 0], numbers / 1e4, atol=1e-7)
        assert old.crs.to_epsg() == 32618
        assert old.transform[:6] == new.transform[:6] == (10, 0, 435780, 0, -10, 4179420)


@needs_data
@pytest.mark.parametrize(
    ("tile", "size", "metres", "baseline"),
    [
        ("T55JEJ", (172, 172), 640, "02.06"),
        ("T56JMM", (439, 439), 250.11389521640092, "02.06"),
        ("T48LWP", (20, 20), 5490, "03.01"),
    ],
)
def test_real_zips_are_read_in_place_on_their_images_own_grid(tile, size, metres, baseline):
    path = next((DATA / "s2_l1c_safe_decimated").glob(f"*_{tile}_*.zip"))
    with Safe.open(path) as safe:
        assert (safe.tile, safe.size, safe.baseline, len(safe.bands)) == (tile, size, baseline, 13)
        assert safe.transform.a == pytest.approx(metres)
        assert f"{size[0]} x {size[1]} pixels" in safe.remarks[0]
        member = safe._granules[0].images["B04"].member
        with rasterio.open(f"/vsizip/{path}/{safe.name}/{member}") as image:
            numbers = image.read(1)
        expected = np.where(numbers > 0, numbers / 1e4, np.nan)
        np.testing.assert_allclose(safe.read(["B04"])[..., 0], expected, atol=1e-7)
        assert np.nanmax(safe.read(["B10"], resolution=20, resampling="average")) < 0.2


@needs_data
@pytest.mark.parametrize(
    ("tile", "level", "baseline", "offset", "epsg", "bounds"),
    [
        ("T46RER", "L1C", "03.01", 0, 32646, (92.9998, 27.0335, 93.4334, 28.0254)),
        ("T22HBD", "L2A", "02.14", 0, 32722, (-54.414, -38.0146, -53.1385, -36.9981)),
        ("T33XWJ", "L2A", "04.00", -1000, 32633, (14.999, 80.1099, 17.7332, 80.1653)),
        ("T01WCP", "L2A", "05.09", -1000, 32601, (178.4741, 65.6716, 181.0338, 66.7056)),
    ],
)
def test_real_metadata_of_all_baselines(tile, level, baseline, offset, epsg, bounds):
    path = next((DATA / "s2_safe_metadata").glob(f"*_{tile}_*.SAFE"))
    safe = Safe.open(path)
    assert (safe.level, safe.baseline, safe.tile) == (level, baseline, tile)
    assert safe.scale("B12") == (10000, offset)
    assert safe.crs.to_epsg() == epsg and safe.size == (10980, 10980)
    assert safe.footprint.is_valid
    assert safe.footprint.bounds == pytest.approx(bounds, abs=1e-4)
    assert safe.sensing_time.strftime("%Y%m%dT%H%M%S") == path.name.split("_")[2]


@needs_data
def test_real_level_2a_values_in_a_safe_of_decimated_geotiffs(tmp_path):
    """The real values of tile 29RKH (1098 x 1098 at 100 m, no offset) under the names of a SAFE."""
    source = DATA / "s2_l2a_29rkh_20200219_decimated" / "S2A_29RKH_20200219_0_L2A"
    path = write_safe(
        tmp_path, level="L2A", tile="T29RKH", sensing="20200219T112111", baseline="02.14", epsg=32629,
        origin=(199980, 2800020), bands=(), stated_size=(10980, 10980),
    )  # fmt: skip
    granule = next((path / "GRANULE").iterdir())
    for band, metres in (("B04", 10), ("B11", 20), ("SCL", 20), ("AOT", 60)):
        image = granule / "IMG_DATA" / f"R{metres}m" / f"T29RKH_20200219T112111_{band}_{metres}m.jp2"
        image.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source / f"{band}.tif", image)
    with Safe.open(path) as safe:
        assert safe.size == (1098, 1098) and safe.bands == ["B04", "B11", "AOT", "SCL"]
        red, infrared, classes = np.moveaxis(safe.read(["B04", "B11", "SCL"], Window(200, 300, 100, 60)), -1, 0)
        aerosol = safe.read(["AOT"], resolution=60)[..., 0]
    with rasterio.open(source / "B04.tif") as image:
        numbers = image.read(1, window=Window(200, 300, 100, 60))
    np.testing.assert_allclose(red, np.where(numbers, numbers / 1e4, np.nan), atol=1e-7)
    for band, values, scale in (("B11", infrared, 1e4), ("SCL", classes, 1)):
        with rasterio.open(source / f"{band}.tif") as image:
            numbers = image.read(1, window=Window(100, 150, 50, 30)).repeat(2, 0).repeat(2, 1)
        np.testing.assert_allclose(values, np.where(numbers, numbers / scale, np.nan), atol=1e-7)
    with rasterio.open(source / "AOT.tif") as image:
        np.testing.assert_allclose(aerosol, np.where(image.read(1), image.read(1) / 1e3, np.nan), atol=1e-7)
