"""Written images, read by the libraries that users read them with, and by ``read_image_file``."""

import json
import warnings

import numpy as np
import pytest
import rasterio
import xarray
from astropy.io import fits
from astropy.wcs import WCS
from PIL import Image

from pix2earth.image_files.reading import read_image_file
from pix2earth.image_files.write_netcdf import variable_names
from pix2earth.image_files.writing import NewImage, write_image_file
from pix2earth.settings.errors import UserError

RANDOM = np.random.default_rng(8)
MADE_BY = {"EXPERIMENT": "solar/euv", "STEP": "300", "IDENTITY": json.dumps({"x": "y" * 300})}
TRANSFORM = (20.0, 0.0, 436500.0, 0.0, -20.0, 4178940.0)


def image_of(*shape, missing=True, **more):
    values = RANDOM.normal(100, 50, shape).astype(np.float32)
    if missing:
        values[..., 1, 2, :] = np.nan
    defaults = {"bands": [f"B{number:02d}" for number in range(1, shape[-1] + 1)], "units": "DN", "made_by": MADE_BY}
    return NewImage(values, **{**defaults, "history": ["Predicted by a test."], **more})


@pytest.fixture
def geotiff(tmp_path):
    """A file of 4 x 6 pixels of 20 m, as a source."""
    path = tmp_path / "source.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=4, width=6, count=1, dtype="uint16", crs="EPSG:32618",
        transform=rasterio.Affine(*TRANSFORM),
    ) as raster:  # fmt: skip
        raster.write(np.ones((1, 4, 6), np.uint16))
        raster.update_tags(ACQUIRED="2024-03-05T15:59:21")
    return read_image_file(path)


def write_fits(path, cards, shape=(4, 6), dtype=">i2", **options):
    header = fits.Header()
    for key, value in cards.items():
        header[key] = value
    hdu = fits.CompImageHDU if options.pop("compressed", False) else fits.PrimaryHDU
    hdus = [hdu(RANDOM.integers(0, 99, shape).astype(dtype), header)]
    hdus = hdus if hdu is fits.PrimaryHDU else [fits.PrimaryHDU(), *hdus]
    fits.HDUList(hdus).writeto(path, **options)
    return read_image_file(path)


SKY = {
    "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec", "CUNIT2": "arcsec", "CRVAL1": 120.0,
    "CRVAL2": -80.0, "CRPIX1": 3.5, "CRPIX2": 2.0, "CDELT1": 0.5, "CDELT2": 0.5,
}  # fmt: skip
TURNED = {"PC1_1": 0.96, "PC1_2": -0.28, "PC2_1": 0.28, "PC2_2": 0.96}
MATRIX = {
    **{key: value for key, value in SKY.items() if "CDELT" not in key and "CUNIT" not in key},
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CD1_1": -1e-4, "CD1_2": 2e-5, "CD2_1": 2e-5, "CD2_2": 1e-4,
}  # fmt: skip
SIP = {
    **MATRIX, "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "B_ORDER": 2, "A_2_0": 1e-3,
    "A_1_1": -2e-3, "B_0_2": 3e-3, "B_2_0": 1e-3,
}  # fmt: skip
ALTERNATE = {**SKY, **{f"{key}A": value for key, value in MATRIX.items()}, "WCSNAMEA": "Equatorial"}
NO_STEPS = {key: value for key, value in SKY.items() if "CDELT" not in key}


# ---- FITS ---------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::astropy.wcs.FITSFixedWarning")
@pytest.mark.parametrize("factor", [1, 2, 4])
@pytest.mark.parametrize(
    ("cards", "letter"),
    [(SKY, " "), (SKY | TURNED, " "), (MATRIX, " "), (SIP, " "), (ALTERNATE, "A"), (NO_STEPS, " ")],
    ids=["steps", "turned", "matrix", "SIP", "alternate", "no steps"],
)
def test_every_place_of_the_sky_stays_where_it_is(cards, letter, factor, tmp_path):
    source = write_fits(tmp_path / "source.fits", cards)
    write_image_file(tmp_path / "new.fits", image_of(4 * factor, 6 * factor, 1, source=source, factor=factor))
    old, new = (WCS(fits.getheader(tmp_path / name), key=letter) for name in ("source.fits", "new.fits"))
    rows, columns = np.mgrid[-0.5:4.0:0.75, -0.5:6.0:0.75]  # 0 is the centre of the first pixel, -0.5 its corner
    expected = old.all_pix2world(columns.ravel(), rows.ravel(), 0)
    found = new.all_pix2world((columns.ravel() + 0.5) * factor - 0.5, (rows.ravel() + 0.5) * factor - 0.5, 0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    steps = np.abs(new.pixel_scale_matrix).max() * factor
    assert steps == pytest.approx(np.abs(old.pixel_scale_matrix).max())


@pytest.mark.parametrize("compressed", [False, True])
def test_the_header_is_carried_over_without_what_its_numbers_have(compressed, tmp_path):
    cards = SKY | {
        "TELESCOP": "TRACE", "DATE-OBS": "1998-05-19T22:21:43", "BLANK": -32768, "BUNIT": "counts", "DATAMAX": 9999,
        "DATAMEAN": 7.0, "PERCENTD": 99.0,
        "IMG_AVG": 7.0, "HISTORY": "as observed", "COMMENT": "of the observatory", "EXPTIME": 6.5,
    }  # fmt: skip
    source = write_fits(tmp_path / "source.fits", cards, compressed=compressed, checksum=True)
    image = image_of(8, 12, 1, source=source, factor=2, times=["1998-05-19T22:21:43"])
    write_image_file(tmp_path / "new.fits", image)
    with warnings.catch_warnings(), fits.open(tmp_path / "new.fits", checksum=True) as hdus:
        warnings.simplefilter("error")
        hdus.verify("exception")
        assert len(hdus) == 1
        header, data = hdus[0].header, hdus[0].data
    np.testing.assert_array_equal(data, image.values[..., 0])
    assert data.dtype == np.dtype(">f4") and header["BITPIX"] == -32
    kept = {key: header[key] for key in ("TELESCOP", "DATE-OBS", "EXPTIME", "BUNIT", "CDELT1", "CRPIX1")}
    assert kept == {
        "TELESCOP": "TRACE", "DATE-OBS": "1998-05-19T22:21:43", "EXPTIME": 6.5, "BUNIT": "DN", "CDELT1": 0.25,
        "CRPIX1": 6.5,
    }  # fmt: skip
    assert header["DATAMAX"] == pytest.approx(np.nanmax(data))
    assert not {"BLANK", "DATAMEAN", "PERCENTD", "IMG_AVG", "CHECKSUM", "ZIMAGE", "ZCMPTYPE", "XTENSION"} & set(header)
    history = list(header["HISTORY"])
    assert history == ["as observed", "Predicted by a test.", "EXPERIMENT = solar/euv", "STEP = 300"]
    assert list(header["COMMENT"])[-1] == "of the observatory"


def test_bands_of_fits_are_planes_and_axes_of_the_source_s_bands_are_gone(tmp_path):
    source = write_fits(tmp_path / "cube.fits", SKY | {"CTYPE3": "WAVE", "CRVAL3": 171.0, "CDELT3": 1.0}, (5, 4, 6))
    image = image_of(4, 6, 3, source=source)
    write_image_file(tmp_path / "new.fits", image)
    data, header = fits.getdata(tmp_path / "new.fits", header=True)
    np.testing.assert_array_equal(data, np.moveaxis(image.values, -1, 0))
    assert not [key for key in header if key.endswith("3") and key != "NAXIS3"]
    assert "bands: B01, B02, B03" in list(header["HISTORY"])
    again = read_image_file(tmp_path / "new.fits")
    np.testing.assert_array_equal(again.array, image.values)


def test_fits_of_a_source_without_a_header(geotiff, tmp_path):
    write_image_file(tmp_path / "new.fits", image_of(4, 6, 1, source=geotiff, times=geotiff.times))
    assert fits.getheader(tmp_path / "new.fits")["DATE-OBS"] == "2024-03-05T15:59:21"


# ---- PNG ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_values_of_a_png_by_its_stretch(bands, deep, missing, geotiff, tmp_path):
    image = image_of(8, 12, bands, missing=missing, source=geotiff if deep else None)
    write_image_file(tmp_path / "new.png", image)
    with Image.open(tmp_path / "new.png") as png:
        stretch = json.loads(png.text["STRETCH"])
        assert png.text["EXPERIMENT"] == "solar/euv" and png.text["HISTORY"] == "Predicted by a test."
    with warnings.catch_warnings(), rasterio.open(tmp_path / "new.png") as raster:
        numbers = np.moveaxis(raster.read(), 0, -1)
    assert numbers.dtype == (np.uint16 if deep else np.uint8) and numbers.shape[-1] == bands + missing
    low, high = np.array(stretch["low"]), np.array(stretch["high"])
    values = low + (high - low) * numbers[..., :bands] / stretch["largest"]
    valid = np.isfinite(image.values[..., 0])
    np.testing.assert_allclose(values[valid], image.values[valid], atol=(high - low).max() / stretch["largest"] * 0.51)
    if missing:
        np.testing.assert_array_equal(numbers[..., -1], np.where(valid, stretch["largest"], 0))
    assert [path.name for path in tmp_path.glob("new*")] == ["new.png"]


def test_limits_of_the_field_clip_a_png(tmp_path):
    image = NewImage(
        np.array([[[-5.0], [0.0], [127.6], [255.0], [300.0]]], np.float32), ["grey"], limits=([0.0], [255.0])
    )
    write_image_file(tmp_path / "new.png", image)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "new.png")), [[0, 0, 128, 255, 255]])


@pytest.mark.parametrize("shape", [(4, 6, 2), (4, 6, 6), (2, 4, 6, 1)])
def test_what_a_png_cannot_hold(shape, tmp_path):
    with pytest.raises(UserError, match=r"new\.png: a PNG has one band or three, the image \d .*another format"):
        write_image_file(tmp_path / "new.png", image_of(*shape))
    assert list(tmp_path.iterdir()) == []


# ---- the others ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(4, 6, 2), (3, 4, 6, 2)])
def test_npy(shape, tmp_path):
    image = image_of(*shape, times=["2024-01-01"])
    write_image_file(tmp_path / "new.npy", image)
    array = np.load(tmp_path / "new.npy", allow_pickle=False)
    np.testing.assert_array_equal(array, image.values)
    about = json.loads((tmp_path / "new.npy.json").read_text())
    assert about["axes"] == ["time step", "height", "width", "band"][4 - len(shape) :]
    assert (about["bands"], about["units"], about["made_by"]["STEP"]) == (["B01", "B02"], "DN", "300")


@pytest.mark.parametrize("steps", [None, 3])
def test_geotiff(steps, geotiff, tmp_path):
    shape = (8, 12, 2) if steps is None else (steps, 8, 12, 2)
    about = [{"WAVELENGTH_NM": "443"}, {}]
    image = image_of(*shape, source=geotiff, factor=2, times=["2024-03-05"], about_bands=about)
    write_image_file(tmp_path / "new.tif", image)
    with rasterio.open(tmp_path / "new.tif") as raster:
        assert raster.transform == rasterio.Affine(10, 0, 436500, 0, -10, 4178940) and raster.crs.to_epsg() == 32618
        names = ["B01", "B02"] if steps is None else ["B01 1", "B02 1", "B01 2", "B02 2", "B01 3", "B02 3"]
        assert list(raster.descriptions) == names and raster.units[0] == "DN"
        assert raster.tags()["ACQUIRED"] == "2024-03-05" and raster.tags()["STEP"] == "300"
        assert raster.tags(len(names) - 1)["WAVELENGTH_NM"] == "443"
        last = image.values[..., 1] if steps is None else image.values[-1, ..., 1]
        np.testing.assert_array_equal(raster.read(len(names)), last)


def test_netcdf_series(geotiff, tmp_path):
    times = ["2024-03-05T10:00:00+02:00", "2024-03-10", "2024-03-15T12:30:00Z"]
    image = image_of(3, 4, 6, 2, source=geotiff, times=times)
    write_image_file(tmp_path / "new.nc", image)
    with xarray.open_dataset(tmp_path / "new.nc") as dataset:
        assert dataset["B02"].dims == ("time", "y", "x") and dataset["B02"].attrs["units"] == "DN"
        np.testing.assert_array_equal(dataset["B02"], image.values[..., 1])
        assert list(dataset["time"].values.astype("datetime64[m]").astype(str)) == [
            "2024-03-05T08:00", "2024-03-10T00:00", "2024-03-15T12:30",
        ]  # fmt: skip
        np.testing.assert_array_equal(dataset["x"], 436510 + 20 * np.arange(6))
        np.testing.assert_array_equal(dataset["y"], 4178930 - 20 * np.arange(4))
        assert dataset.attrs["step"] == "300" and "Predicted by a test." in dataset.attrs["history"]
    with rasterio.open(f"netcdf:{tmp_path / 'new.nc'}:B01") as raster:  # as QGIS reads it
        assert raster.crs.to_epsg() == 32618 and raster.transform == rasterio.Affine(*TRANSFORM) and raster.count == 3
    again = read_image_file(tmp_path / "new.nc", variable=["B01", "B02"])
    np.testing.assert_array_equal(again.array, image.values)
    assert [time[:10] for time in again.times] == ["2024-03-05", "2024-03-10", "2024-03-15"]


def test_names_of_variables():
    assert variable_names(["B02", "171", "near infrared", "x", "B02"]) == [
        "B02",
        "band_171",
        "near_infrared",
        "x_4",
        "B02_5",
    ]


def test_an_ending_that_is_not_written(tmp_path):
    with pytest.raises(UserError, match=r"new\.jpg: '\.jpg' is no ending of a format that is written: \.fits, \.png"):
        write_image_file(tmp_path / "new.jpg", image_of(4, 6, 1))


def test_a_full_disk_leaves_the_former_file(tmp_path, monkeypatch):
    path = tmp_path / "new.fits"
    write_image_file(path, image_of(4, 6, 1))
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fits.PrimaryHDU, "writeto", full)
    with pytest.raises(OSError, match="No space"):
        write_image_file(path, image_of(4, 6, 1))
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
