"""OLCI products, real and fake, compared with h5py and direct calculations."""

import contextlib
import gc
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import pytest

from experiment import PROJECT
from pix2earth.settings.errors import UserError
from sensors.sentinel3 import BANDS, Sen3, products
from tests.products import OLCI_BANDS, RADIANCE_SCALE, SOLAR_FLUX, SUN_ZENITH, synthetic_radiance, write_sen3

DATA = PROJECT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"there are no real products: {DATA}")
HALF_A_COUNT = RADIANCE_SCALE / 2 + 1e-4


def bright_radiance(band: str, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return radiance up to 700, so that counts exceed 32767, where signed storage is negative."""
    return 6 * synthetic_radiance(band, longitude, latitude)


@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed storage"])
@pytest.mark.parametrize(("platform", "kind"), [("S3A", "EFR"), ("S3B", "ERR")])
def test_all_arrays_are_read_as_written(platform, kind, signed, zipped, tmp_path):
    path = write_sen3(tmp_path, platform=platform, kind=kind, signed=signed, zipped=zipped, radiance=bright_radiance)
    sen3 = Sen3.open(path)
    assert products(tmp_path) == [path]
    assert (sen3.platform, sen3.kind) == (platform, kind)
    assert sen3.start == datetime(2020, 7, 2, 16, 14, 1, tzinfo=UTC)
    assert sen3.stop == datetime(2020, 7, 2, 16, 14, 3, tzinfo=UTC)
    assert sen3.bands == list(OLCI_BANDS)
    latitude, longitude = sen3.latitude_longitude()
    assert latitude.shape == sen3.size and latitude.dtype == longitude.dtype == np.float64
    edges = np.zeros(sen3.size, bool)
    edges[:, [0, -1]] = True
    for band in ("Oa01", "Oa13", "Oa21"):
        values = sen3.radiance(band)
        assert values.dtype == np.float32
        np.testing.assert_array_equal(np.isnan(values), edges)
        np.testing.assert_allclose(
            values[~edges], bright_radiance(band, longitude, latitude)[~edges], atol=HALF_A_COUNT
        )  # fmt: skip
    assert np.nanmax(values) / RADIANCE_SCALE > 32767
    flags = sen3.flags()
    assert flags.dtype == np.uint32
    np.testing.assert_array_equal(flags & sen3.flag_masks["invalid"] > 0, edges)
    np.testing.assert_array_equal(flags & sen3.flag_masks["land"] > 0, ~edges)
    assert sen3.flag_masks["land"] == 1 << 31 and sen3.flag_masks["saturated_Oa21"] == 1


def test_reflectance_follows_flux_and_sun(tmp_path):
    sen3 = Sen3.open(write_sen3(tmp_path))
    flux = SOLAR_FLUX - 10 * BANDS.index("Oa08")
    expected = np.pi * sen3.radiance("Oa08") / (flux * np.cos(np.radians(SUN_ZENITH)))
    np.testing.assert_allclose(sen3.reflectance("Oa08"), expected, rtol=1e-6)
    assert np.isnan(sen3.reflectance("Oa08")[:, 0]).all()


def test_sun_zenith_is_linear_between_tie_columns(tmp_path):
    """Tie points stand at columns 0, 64 and 128, the last one beyond the last column."""
    path = write_sen3(tmp_path, area=(500000, 8000000, 525000, 8003000), turn=0)
    with h5py.File(path / "tie_geometries.nc", "r+") as file:
        file["SZA"][...] = np.array([40, 72, 104]) * 1e6
    sen3 = Sen3.open(path)
    zenith = sen3.sun_zenith()
    assert 65 < sen3.size[1] < 128 and zenith.shape == sen3.size
    np.testing.assert_allclose(zenith, np.broadcast_to(40 + np.arange(sen3.size[1]) / 2, sen3.size))
    np.testing.assert_allclose(sen3.sun_zenith(slice(1, 3), slice(60, 70)), zenith[1:3, 60:70])
    # Beyond 90 degrees the sun is below the horizon.
    path = write_sen3(tmp_path / "night")
    with h5py.File(path / "tie_geometries.nc", "r+") as file:
        file["SZA"][...] = 91 * 10**6
    assert np.isnan(Sen3.open(path).reflectance("Oa01")).all()


@pytest.mark.parametrize("as_part", [False, True])
def test_windows_are_cuts_of_the_whole(as_part, tmp_path):
    whole = Sen3.open(write_sen3(tmp_path))
    rows, columns = slice(3, 11), slice(5, 19)
    cut = whole.part(rows, columns) if as_part else whole
    window = (slice(2, 5), slice(1, 9)) if as_part else (slice(5, 8), slice(6, 14))
    expected = (slice(5, 8), slice(6, 14))
    for read in (Sen3.flags, Sen3.sun_zenith, lambda sen3, *window: sen3.latitude_longitude(*window)[1]):
        np.testing.assert_array_equal(read(cut, *window), read(whole)[expected])
    for read in (Sen3.radiance, Sen3.reflectance, Sen3.solar_flux):
        np.testing.assert_array_equal(read(cut, "Oa05", *window), read(whole, "Oa05")[expected])
    if as_part:
        assert cut.size == (8, 14)
        np.testing.assert_array_equal(cut.radiance("Oa05"), whole.radiance("Oa05", rows, columns))
        np.testing.assert_array_equal(cut.part(slice(1, 3), slice(2, 4)).flags(), whole.flags(slice(4, 6), slice(7, 9)))


def test_a_part_reads_each_file_once(tmp_path):
    path = write_sen3(tmp_path)
    part = Sen3.open(path).part(slice(2, 12), slice(2, 12))
    first = part.radiance("Oa01", slice(0, 4), slice(0, 4))
    (path / "Oa01_radiance.nc").unlink()
    np.testing.assert_array_equal(part.radiance("Oa01", slice(0, 2), slice(0, 2)), first[:2, :2])


@pytest.mark.parametrize("file", ["removed_pixels.nc", "time_coordinates.nc", "tie_meteo.nc", "tie_geo_coordinates.nc"])
def test_files_that_are_not_needed_may_be_missing(file, tmp_path):
    path = write_sen3(tmp_path)
    (path / file).unlink(missing_ok=True)
    sen3 = Sen3.open(path)
    assert np.isfinite(sen3.reflectance("Oa21")[:, 1:-1]).all()
    assert sen3.coarse_positions().latitude.shape == tuple(map(len, sen3.coarse_positions()[:2]))


READS = {
    "Oa07_radiance.nc": lambda sen3: sen3.radiance("Oa07"),
    "geo_coordinates.nc": lambda sen3: sen3.latitude_longitude(),
    "tie_geometries.nc": lambda sen3: sen3.reflectance("Oa07"),
    "instrument_data.nc": lambda sen3: sen3.reflectance("Oa07"),
    "qualityFlags.nc": lambda sen3: sen3.flag_masks,
}


@pytest.mark.parametrize("file", READS)
@pytest.mark.parametrize("zipped", [False, True])
def test_a_truncated_file_is_an_error(file, zipped, tmp_path, capfd):
    path = write_sen3(tmp_path)
    content = (path / file).read_bytes()
    (path / file).write_bytes(content[: len(content) // 2])
    if zipped:
        path = Path(shutil.make_archive(str(tmp_path / path.stem), "zip", tmp_path, path.name))
    sen3 = Sen3.open(path)
    with pytest.raises(UserError, match="is damaged or no netCDF file") as raised:
        READS[file](sen3)
    assert len(raised.value.lines) == 1
    assert raised.value.lines[0].startswith(f"{path}/{file}: ")
    del raised
    gc.collect()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("file", sorted(set(READS) - {"Oa07_radiance.nc"}))
def test_a_missing_file_is_an_error(file, tmp_path):
    sen3 = Sen3.open(write_sen3(tmp_path, without=[file]))
    with pytest.raises(UserError, match=f"{re.escape(file)}: is missing"):
        READS[file](sen3)


def test_a_missing_band_is_an_error(tmp_path):
    sen3 = Sen3.open(write_sen3(tmp_path, without=["Oa07_radiance.nc"]))
    assert len(sen3.bands) == 20
    with pytest.raises(UserError, match="has no band Oa07"):
        sen3.radiance("Oa07")
    with pytest.raises(UserError, match="has no band Oa013; did you mean 'Oa13'"):
        sen3.radiance("Oa013")


def test_wrong_variables_and_sizes_are_errors(tmp_path):
    path = write_sen3(tmp_path)
    with h5py.File(path / "Oa03_radiance.nc", "r+") as file:
        file.move("Oa03_radiance", "Oa04_radiance")
    with pytest.raises(UserError, match=r"Oa03_radiance\.nc: has no variable Oa03_radiance"):
        Sen3.open(path).radiance("Oa03")
    manifest = path / "xfdumanifest.xml"
    manifest.write_text(re.sub("<sentinel3:rows>.*?<", "<sentinel3:rows>4091<", manifest.read_text()))
    with pytest.raises(UserError, match=r"Oa01_radiance has \d+ x \d+ pixels, the manifest states 4091 x"):
        Sen3.open(path).radiance("Oa01")


@pytest.mark.parametrize(
    ("element", "named"),
    [("posList", "posList"), ("startTime", "startTime"), ("rows", "rows"), ("productName", "productName")],
)
def test_a_missing_element_of_the_manifest_is_an_error(element, named, tmp_path):
    path = write_sen3(tmp_path)
    manifest = path / "xfdumanifest.xml"
    manifest.write_text(re.sub(rf"<(\S+?:{element})[ >].*?</\1>", "", manifest.read_text(), flags=re.DOTALL))
    with pytest.raises(UserError) as raised:
        Sen3.open(path)
    assert str(raised.value) == f"{manifest}: has no element {named}; download the product again"


def test_hostile_manifests_and_other_products_are_refused(tmp_path):
    path = write_sen3(tmp_path)
    manifest = path / "xfdumanifest.xml"
    text = manifest.read_text()
    manifest.write_text(text.replace("<xfdu:XFDU", '<!DOCTYPE a [<!ENTITY b "c">]><xfdu:XFDU', 1))
    with pytest.raises(UserError, match=r"xfdumanifest\.xml: declares XML entities"):
        Sen3.open(path)
    manifest.write_text(text.replace("OL_1_EFR", "SL_1_RBT"))
    with pytest.raises(UserError, match=r"SL_1_RBT.*no OLCI Level-1B product"):
        Sen3.open(path)
    manifest.unlink()
    with pytest.raises(UserError, match=r"is no Sentinel-3 product: it has no xfdumanifest\.xml"):
        Sen3.open(path)


# ---- real products -----------------------------------------------------------------------------------------


@needs_data
def test_real_values_are_those_of_an_export_by_snap():
    """The same pixels as SNAP exported them, read with h5py."""
    folder = DATA / "olci_efr_real"
    sen3 = Sen3.open(next(folder.glob("*20180108T125936*.SEN3")))
    assert sen3.size == (40, 40) and len(sen3.bands) == 21
    with h5py.File(folder / "original_netcdf" / "olci_efr_20180108T125936_40x40.nc") as file:
        for band in sen3.bands:
            variable = file[f"{band}_radiance"]
            counts = variable[...].view(np.uint16).astype(np.float64)
            expected = np.where(counts == 65535, np.nan, counts * float(np.squeeze(variable.attrs["scale_factor"])))
            np.testing.assert_allclose(sen3.radiance(band), expected, rtol=1e-6)
        flags = file["quality_flags"][...].astype(np.int64) & 0xFFFFFFFF
        np.testing.assert_array_equal(sen3.flags(), flags)
    latitude, longitude = sen3.latitude_longitude()
    assert sen3.footprint.buffer(0.001).contains(sen3.footprint.__class__(
        [(longitude[r, c], latitude[r, c]) for r, c in ((0, 0), (0, -1), (-1, -1), (-1, 0))]
    ))  # fmt: skip


@needs_data
def test_real_reflectance_is_that_of_the_formula():
    path = next((DATA / "olci_efr_real").glob("*20180108T125936*.SEN3"))
    row, column, band = 17, 23, 8
    with h5py.File(path / "Oa08_radiance.nc") as file:
        variable = file["Oa08_radiance"]
        radiance = variable[row, column] * float(variable.attrs["scale_factor"][0])
    with h5py.File(path / "instrument_data.nc") as file:
        flux = file["solar_flux"][band - 1, file["detector_index"][row, column]]
    with h5py.File(path / "tie_geometries.nc") as file:
        left, right = file["SZA"][row] * 1e-6
    # The two tie points stand at columns 0 and 64, although the window has 40 columns.
    zenith = left + (right - left) * column / 64
    expected = np.pi * radiance / (flux * np.cos(np.radians(zenith)))
    assert Sen3.open(path).reflectance("Oa08")[row, column] == pytest.approx(expected, rel=1e-6)


@needs_data
def test_the_simulated_partner_agrees_with_its_scene():
    sen3 = Sen3.open(next((DATA / "s2_s3_pair_semireal").glob("*.SEN3")))
    assert sen3.size == (56, 81)
    valid = np.isfinite(sen3.radiance("Oa01"))
    assert valid.mean() == pytest.approx(0.64, abs=0.005)
    np.testing.assert_array_equal(sen3.flags()[~valid] & sen3.flag_masks["invalid"] > 0, True)
    reflectance = sen3.reflectance("Oa08")
    assert 0.02 < np.nanmin(reflectance) < np.nanmax(reflectance) < 0.4


@needs_data
@pytest.mark.parametrize(("year", "rows", "collection"), [("2021", 3749, "002"), ("2024", 4091, "004")])
def test_real_manifests_of_both_collections(year, rows, collection, tmp_path):
    manifest = next((DATA / "olci_efr_real" / "manifests").glob(f"*____{year}*.xfdumanifest.xml"))
    folder = tmp_path / manifest.name.replace(".xfdumanifest.xml", ".SEN3")
    folder.mkdir()
    shutil.copy(manifest, folder / "xfdumanifest.xml")
    sen3 = Sen3.open(folder)
    assert sen3.name == folder.name and sen3.name.endswith(f"_{collection}.SEN3")
    assert sen3.size == (rows, 4865)
    assert sen3.start.strftime("%Y%m%dT%H%M%S") == sen3.name[16:31]
    numbers = [float(part) for part in re.search("posList>(.*?)<", manifest.read_text())[1].split()]
    assert sen3.bands == [] and sen3.footprint.is_valid
    assert sen3.footprint.bounds == (min(numbers[1::2]), min(numbers[::2]), max(numbers[1::2]), max(numbers[::2]))


def test_files_that_cannot_be_locked_are_read(tmp_path):
    """As on a network file system, or while another program has them open."""
    import fcntl

    path = write_sen3(tmp_path)
    with contextlib.ExitStack() as stack:
        for file in path.glob("*.nc"):
            fcntl.flock(stack.enter_context(file.open("rb")), fcntl.LOCK_EX)
        locked = next(path.glob("Oa01*.nc"))
        with pytest.raises(OSError, match="lock"):
            h5py.File(locked, "r", locking=True)
        latitude, _ = Sen3.open(path).latitude_longitude()
    assert np.isfinite(latitude).all()
