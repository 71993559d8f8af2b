"""Files of every format are read with the numbers that independent libraries wrote, and damaged ones in one line."""

import gzip

import h5py
import numpy as np
import pytest
import rasterio
import tifffile
import xarray
import zarr
from astropy.io import fits
from PIL import Image
from rasterio.transform import from_origin

from pix2earth.image_files.image_file import Box
from pix2earth.image_files.reading import read_image_file
from pix2earth.settings.errors import UserError


def numbers(*shape, dtype="uint16", seed=0):
    return np.random.default_rng(seed).integers(0, 250, shape).astype(dtype)


def write_geotiff(path, array, nodata=None, **tags):
    height, width, count = array.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=count, dtype=array.dtype, nodata=nodata,
        crs="EPSG:32618", transform=from_origin(400000, 5000000, 10, 10),
    ) as file:  # fmt: skip
        file.write(np.moveaxis(array, -1, 0))
        file.update_tags(**tags)
    return path


def test_geotiff(tmp_path):
    array = numbers(12, 10, 3)
    path = write_geotiff(tmp_path / "named.anything", array, nodata=7, ACQUIRED="2024-01-12T15:41:01")
    image = read_image_file(path)
    assert (image.format, image.axes, image.shape, image.dtype) == ("GeoTIFF", "HWC", (12, 10, 3), "uint16")
    assert (image.crs, image.transform) == ("EPSG:32618", (10, 0, 400000, 0, -10, 5000000))
    assert (image.nodata, image.times, image.bands) == (7, ("2024-01-12T15:41:01",), None)
    np.testing.assert_array_equal(image.array, array)
    np.testing.assert_array_equal(image.missing(image.pixels), array == 7)
    np.testing.assert_array_equal(image.read(Box(2, 3, 5, 4)).array, array[2:7, 3:7])


def test_geotiff_bands_scale_and_units(tmp_path):
    path = write_geotiff(tmp_path / "a.tif", numbers(8, 8, 2))
    with rasterio.open(path, "r+") as file:
        file.descriptions = ("B04", "B08")
        file.scales, file.offsets, file.units = (1e-4, 1e-4), (-0.1, -0.1), ("1", "1")
    image = read_image_file(path)
    assert (image.bands, image.scale, image.offset, image.units) == (("B04", "B08"), 1e-4, -0.1, "1")


def test_scales_that_differ_among_bands_are_applied(tmp_path):
    array = numbers(8, 8, 2)
    path = write_geotiff(tmp_path / "a.tif", array, nodata=0)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.5, 2.0), (1.0, 0.0)
    image = read_image_file(path)
    expected = np.where(array == 0, np.nan, array * [0.5, 2.0] + [1.0, 0.0])
    assert (image.dtype, image.scale, image.array.dtype) == ("float32", 1.0, np.float32)
    np.testing.assert_allclose(image.array, expected)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32", "float64"])
def test_plain_tiff(tmp_path, dtype):
    array = numbers(9, 7, 3, dtype=dtype)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack", planarconfig="contig")
    image = read_image_file(tmp_path / "a.tif")
    assert (image.format, image.dtype, image.crs, image.transform) == ("TIFF", dtype, None, None)
    np.testing.assert_array_equal(image.array, array)


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_multi_page_tiff(tmp_path, byteorder):
    array = numbers(5, 9, 7)
    tifffile.imwrite(tmp_path / "a.tif", array, byteorder=byteorder, photometric="minisblack")
    image = read_image_file(tmp_path / "a.tif")
    assert (image.axes, image.shape) == ("THWC", (5, 9, 7, 1))
    np.testing.assert_array_equal(image.array[..., 0], array)
    as_bands = read_image_file(tmp_path / "a.tif", axes="CHW")
    np.testing.assert_array_equal(as_bands.array, np.moveaxis(array, 0, -1))
    as_samples = read_image_file(tmp_path / "a.tif", axes="NHW")
    assert as_samples.samples == 5
    np.testing.assert_array_equal(as_samples.read(sample=3).array[..., 0], array[3])


def test_pages_that_differ(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(numbers(8, 8), photometric="minisblack")
        file.write(numbers(9, 8), photometric="minisblack")
    with pytest.raises(UserError, match=r"a\.tif: its pages differ: 8 x 8 .* split the file"):
        read_image_file(tmp_path / "a.tif")


@pytest.mark.parametrize(("mode", "bands"), [("L", 1), ("RGB", 3), ("I;16", 1)])
def test_png(tmp_path, mode, bands):
    array = numbers(9, 7, bands, dtype="uint16" if mode == "I;16" else "uint8")
    if mode == "I;16":
        array *= 200
    Image.fromarray(array if bands > 1 else array[..., 0]).save(tmp_path / "a.png")
    image = read_image_file(tmp_path / "a.png")
    assert (image.format, image.dtype, image.mask) == ("PNG", str(array.dtype), None)
    np.testing.assert_array_equal(image.array, array)
    np.testing.assert_array_equal(image.read(Box(1, 2, 3, 4)).array, array[1:4, 2:6])


def test_alpha_is_a_mask(tmp_path):
    array = numbers(9, 7, 4, dtype="uint8")
    array[..., 3] = np.where(array[..., 0] > 100, 255, 0)
    Image.fromarray(array, "RGBA").save(tmp_path / "a.png")
    image = read_image_file(tmp_path / "a.png")
    assert image.shape == (9, 7, 3)
    np.testing.assert_array_equal(image.array, array[..., :3])
    np.testing.assert_array_equal(image.mask, array[..., 3] == 255)
    np.testing.assert_array_equal(image.missing(image.pixels)[..., 1], array[..., 3] == 0)


def test_palette(tmp_path):
    picture = Image.fromarray(numbers(9, 7, 3, dtype="uint8")).quantize(16)
    picture.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image_file(tmp_path / "a.png").array, np.asarray(picture.convert("RGB")))


def test_jpeg(tmp_path):
    smooth = np.add.outer(np.arange(32), np.arange(24)).astype("uint8")
    Image.fromarray(np.stack([smooth, smooth * 2, smooth * 3], -1)).save(tmp_path / "a.jpg", quality=95)
    image = read_image_file(tmp_path / "a.jpg")
    assert (image.format, image.shape) == ("JPEG", (32, 24, 3))
    decoded = np.asarray(Image.open(tmp_path / "a.jpg"))
    assert np.abs(image.array.astype(int) - decoded).max() <= 2  # decoders round colours differently


def test_jpeg_2000(tmp_path):
    array = numbers(64, 48, 1)
    with rasterio.open(
        tmp_path / "a.jp2", "w", driver="JP2OpenJPEG", height=64, width=48, count=1, dtype="uint16", QUALITY="100",
        REVERSIBLE="YES", crs="EPSG:32618", transform=from_origin(0, 64, 1, 1),
    ) as file:  # fmt: skip
        file.write(array[..., 0], 1)
    image = read_image_file(tmp_path / "a.jp2")
    assert (image.format, image.crs) == ("JPEG 2000", "EPSG:32618")
    np.testing.assert_array_equal(image.array, array)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
@pytest.mark.parametrize("compressed", [False, True])
def test_fits(tmp_path, dtype, compressed):
    array = numbers(40, 30, dtype=dtype)
    header = fits.Header({"DATE-OBS": "2004-03-01T00:00:10.515", "BUNIT": "DN/s", "CTYPE1": "HPLN-TAN"})
    if compressed:
        kind = {"compression_type": "GZIP_1"} | ({"quantize_level": 0} if dtype[0] == "f" else {})
        fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(array, header, **kind)]).writeto(tmp_path / "a.fits")
    else:
        fits.writeto(tmp_path / "a.fits", array, header)
    image = read_image_file(tmp_path / "a.fits")
    assert (image.format, image.axes, image.dtype) == ("FITS", "HWC", dtype)
    assert image.array.dtype == np.dtype(dtype) and image.array.dtype.isnative
    np.testing.assert_array_equal(image.array[..., 0], array)
    assert (image.scale, image.offset, image.times, image.units) == (1, 0, ("2004-03-01T00:00:10.515",), "DN/s")
    assert image.header["CTYPE1"] == image.keywords["CTYPE1"] == "HPLN-TAN"
    np.testing.assert_array_equal(image.read(Box(3, 4, 5, 6)).array[..., 0], array[3:8, 4:10])


def test_fits_scale_and_blank(tmp_path):
    stored = numbers(8, 8, dtype="int16")
    stored[2, 3] = 3
    hdu = fits.PrimaryHDU(stored * 0.5 + 10)
    hdu.scale("int16", bscale=0.5, bzero=10.0)
    hdu.header["BLANK"] = 3
    path = tmp_path / "a.fits"
    hdu.writeto(path)
    image = read_image_file(path)
    assert (image.dtype, image.scale, image.offset, image.nodata) == ("int16", 0.5, 10.0, 3)
    np.testing.assert_array_equal(image.array[..., 0], stored)
    with fits.open(path) as hdus:  # astropy makes BLANK NaN
        physical = np.where(image.missing(image.pixels), np.nan, image.array * image.scale + image.offset)[..., 0]
        assert np.isnan(physical[2, 3])
        np.testing.assert_allclose(physical, hdus[0].data)


def test_fits_cube_extension_and_gzip(tmp_path):
    cube = numbers(3, 8, 6, dtype="float32")
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(cube, name="SCI"), fits.ImageHDU(cube[0], name="ERR")])
    hdus.writeto(tmp_path / "a.fits")
    with gzip.open(tmp_path / "b.fits.gz", "wb") as file:
        file.write((tmp_path / "a.fits").read_bytes())
    for name in ("a.fits", "b.fits.gz"):
        np.testing.assert_array_equal(read_image_file(tmp_path / name).array, np.moveaxis(cube, 0, -1))
    assert read_image_file(tmp_path / "a.fits", variable="ERR").shape == (8, 6, 1)
    assert read_image_file(tmp_path / "a.fits", axes="THW").axes == "THWC"
    with pytest.raises(UserError, match="has no image 'ERT'; did you mean 'ERR'"):
        read_image_file(tmp_path / "a.fits", variable="ERT")


def test_fits_transform_agrees_with_wcs(tmp_path):
    from astropy.wcs import WCS

    header = fits.Header({"CTYPE1": "", "CTYPE2": "", "CRPIX1": 4.5, "CRPIX2": 2.0, "CRVAL1": 10.0, "CRVAL2": -3.0})
    header.update({"CDELT1": 0.5, "CDELT2": 0.25, "PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8})
    fits.writeto(tmp_path / "a.fits", numbers(8, 8, dtype="float32"), header)
    a, b, c, d, e, f = read_image_file(tmp_path / "a.fits").transform
    x, y = WCS(header).all_pix2world([3.0], [5.0], 0)  # the centre of the pixel in column 3, row 5
    np.testing.assert_allclose([a * 3.5 + b * 5.5 + c, d * 3.5 + e * 5.5 + f], [x[0], y[0]])


def test_npy_and_npz(tmp_path):
    array = numbers(6, 9, 7, 2, dtype=">f4")
    np.save(tmp_path / "a.npy", array)
    np.savez_compressed(tmp_path / "b.npz", x=array, y=array[0])
    image = read_image_file(tmp_path / "a.npy")
    assert (image.axes, image.dtype, image.array.dtype.isnative) == ("THWC", "float32", True)
    np.testing.assert_array_equal(image.array, array)
    stack = read_image_file(tmp_path / "b.npz", variable="x", axes="NHWC")
    assert stack.samples == 6
    np.testing.assert_array_equal(stack.read(Box(1, 2, 3, 4), sample=5).array, array[5, 1:4, 2:6])
    with pytest.raises(UserError, match="has several variables: x, y"):
        read_image_file(tmp_path / "b.npz")
    with pytest.raises(UserError, match="holds 6 samples, from 0 on; there is no sample 6"):
        stack.read(sample=6)


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_netcdf(tmp_path, engine):
    array = numbers(4, 8, 6, dtype="int16")
    times = np.array(["2024-01-01T10:00", "2024-01-11", "2024-01-21", "2024-02-01"], "datetime64[ns]")
    dataset = xarray.Dataset(
        {"ndvi": (("time", "lat", "lon"), array, {"units": "1", "scale_factor": 1e-4, "_FillValue": np.int16(-9)})},
        {"time": times, "lat": 50 - np.arange(8) * 0.1, "lon": 10 + np.arange(6) * 0.2},
    )
    dataset.to_netcdf(tmp_path / "a.nc", engine=engine)
    image = read_image_file(tmp_path / "a.nc")
    assert (image.format, image.axes, image.dtype, image.nodata) == ("NetCDF", "THWC", "int16", -9)
    assert (image.scale, image.crs) == (1e-4, "EPSG:4326")
    np.testing.assert_allclose(image.transform, (0.2, 0, 9.9, 0, -0.1, 50.05))
    assert image.times[:2] == ("2024-01-01T10:00:00", "2024-01-11T00:00:00")
    np.testing.assert_array_equal(image.array[..., 0], array)


def test_several_variables_become_bands(tmp_path):
    red, green = numbers(8, 6), numbers(8, 6, seed=1)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["red"], file["green"] = red, green
    image = read_image_file(tmp_path / "a.h5", variable=["green", "red"])
    assert image.bands == ("green", "red")
    np.testing.assert_array_equal(image.array, np.stack([green, red], -1))
    with pytest.raises(UserError, match=r"has no variable 'gren'; did you mean 'green'"):
        read_image_file(tmp_path / "a.h5", variable="gren")


@pytest.mark.parametrize("version", [2, 3])
def test_zarr(tmp_path, version):
    array = numbers(5, 8, 6, 2, dtype="float32")
    dataset = xarray.Dataset({"a": (("sample", "y", "x", "band"), array), "b": (("sample", "y", "x"), array[..., 0])})
    dataset.to_zarr(tmp_path / "a.zarr", zarr_format=version, consolidated=False)
    image = read_image_file(tmp_path / "a.zarr", variable="a")
    assert (image.format, image.axes, image.samples) == ("Zarr", "NHWC", 5)
    np.testing.assert_array_equal(image.read(sample=4).array, array[4])
    plain = zarr.open_array(tmp_path / "b.zarr", mode="w", shape=(8, 6), dtype="int16", zarr_format=version)
    plain[:] = array[0, ..., 0]
    np.testing.assert_array_equal(read_image_file(tmp_path / "b.zarr").array[..., 0], array[0, ..., 0])


def damaged(tmp_path, kind):
    """Write a file with a fault and return its path."""
    path = tmp_path / "bad"
    array = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype("uint8")
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("name,value\n")
    elif kind == "web page":
        path.write_text("<!DOCTYPE html><html>404")
    elif kind == "lfs":
        path.write_text("version https://git-lfs.github.com/spec/v1\n")
    elif kind == "objects":
        np.save(tmp_path / "bad.npy", np.array([{"a": 1}], object), allow_pickle=True)
        (tmp_path / "bad.npy").rename(path)
    elif kind == "complex":
        np.save(tmp_path / "bad.npy", np.zeros((4, 4), "complex64"))
        (tmp_path / "bad.npy").rename(path)
    elif kind == "vector":
        np.save(tmp_path / "bad.npy", np.zeros(4))
        (tmp_path / "bad.npy").rename(path)
    elif kind == "fits table":
        fits.BinTableHDU.from_columns([fits.Column("a", "E", array=np.zeros(3))]).writeto(path)
    elif kind == "folder":
        path.mkdir()
    elif kind != "missing":
        whole = tmp_path / {"tiff": "a.tif", "png": "a.png", "jpeg": "a.jpg", "fits": "a.fits", "npy": "a.npy",
                            "npz": "a.npz", "netcdf": "a.nc"}[kind.split()[1]]  # fmt: skip
        if kind.endswith(("png", "jpeg")):
            Image.fromarray(array).save(whole)
        elif kind.endswith("tiff"):
            write_geotiff(whole, array)
        elif kind.endswith("fits"):
            fits.writeto(whole, array)
        elif kind.endswith("npy"):
            np.save(whole, array)
        elif kind.endswith("npz"):
            np.savez(whole, array)
        else:
            xarray.Dataset({"a": (("y", "x", "band"), array)}).to_netcdf(whole, engine="h5netcdf")
        content = whole.read_bytes()
        path.write_bytes(content[: len(content) // 2])
    return path


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("missing", "cannot be read: No such file or directory"),
        ("empty", "is empty; copy it again"),
        ("text", "is no image of a known format: GeoTIFF, TIFF, PNG"),
        ("web page", "is a web page: the download failed"),
        ("lfs", "is a pointer of Git LFS"),
        ("objects", "holds Python objects, which could run any code"),
        ("complex", "holds numbers of type complex64; save amplitude or real part"),
        ("vector", "holds an array of 1 dimensions; no layout of them is known; state axes"),
        ("fits table", "holds no image of at least two dimensions"),
        ("folder", "is a folder without zarr.json or .zgroup"),
        *((f"half {kind}", "is a damaged") for kind in ("tiff", "png", "jpeg", "fits", "npy", "npz", "netcdf")),
    ],
)
def test_wrong_files_end_in_one_line(tmp_path, kind, fault):
    path = damaged(tmp_path, kind)
    with pytest.raises(UserError) as raised:
        _ = read_image_file(path).array
    assert len(raised.value.lines) == 1
    assert raised.value.lines[0].startswith(f"{path}: ") and fault in raised.value.lines[0]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_flipped_bytes_are_found(tmp_path, suffix):
    array = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype("uint8")
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(array).save(path, **({"compression": "tiff_adobe_deflate"} if suffix == "tif" else {}))
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 200):
        content[place] ^= 0x5A
    path.write_bytes(content)
    with pytest.raises(UserError, match="is a damaged"):
        _ = read_image_file(path).array


def test_a_netcdf_file_that_cannot_be_locked_is_read(tmp_path):
    """As on a network file system, or while another program has it open."""
    import fcntl

    array = numbers(12, 10, 3)
    path = tmp_path / "a.nc"
    xarray.Dataset({"a": (("y", "x", "band"), array)}).to_netcdf(path, engine="h5netcdf")
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="lock"):
            h5py.File(path, "r", locking=True)
        assert np.array_equal(read_image_file(path).array, array)
