"""Inputs of predict.py that are no paths: archives, addresses and subdatasets, as GDAL names them."""

import subprocess
import sys
import zipfile

import numpy as np
import pytest
import rasterio

from tests.test_predict import command, error_line, numbers, root, write_scene  # noqa: F401


@pytest.fixture
def address(root):  # noqa: F811
    """The address of a server of the files in ``root``; a process of its own, since GDAL waits with Python's lock."""
    words = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        port = server.stdout.readline().split(" port ")[1].split()[0]
        yield f"http://127.0.0.1:{port}"
        server.terminate()


def write_variables(path, values):
    import xarray

    images = {name: (("band", "y", "x"), np.moveaxis(values, -1, 0)) for name in ("morning", "evening")}
    images["evening"] = (images["evening"][0], images["evening"][1][:, ::-1])
    height, width = values.shape[:2]
    numbers_of = {"y": 4178935.0 - 10 * np.arange(height), "x": 436505.0 + 10 * np.arange(width)}  # north to south
    places = {
        axis: (axis, values, {"standard_name": f"projection_{axis}_coordinate", "units": "m"})
        for axis, values in numbers_of.items()
    }
    xarray.Dataset(images, places).to_netcdf(path, engine="h5netcdf")
    return path


def assert_is(path, values):
    with rasterio.open(path) as raster:
        found = np.moveaxis(raster.read(), 0, -1)
    assert np.array_equal(np.nan_to_num(found), values.astype(np.float32) * np.float32(1e-4))


@pytest.mark.parametrize("form", ["/vsizip/{archive}/in/scene.tif", "/vsizip/{{{archive}}}/in/scene.tif"])
def test_a_raster_in_an_archive(root, command, form):  # noqa: F811
    values = numbers(90, 70)
    with zipfile.ZipFile(root / "some.zip", "w") as archive:
        archive.write(write_scene(root / "scene.tif", values), "in/scene.tif")
    # The path begins with a slash, so that there are two.
    status, _, err = command("--input", form.format(archive=root / "some.zip"), "--output", root / "out.tif")
    assert status == 0, err
    assert_is(root / "out.tif", values)
    again = command("--input", form.format(archive=root / "some.zip"), "--output", root / "out.tif")
    assert again[0] == 2 and "exists; --overwrite replaces it" in again[2]


@pytest.mark.parametrize("form", ["{address}/scene.tif", "/vsicurl/{address}/scene.tif"])
def test_a_raster_at_an_address(root, command, address, form):  # noqa: F811
    values = numbers(90, 70)
    write_scene(root / "scene.tif", values)
    status, _, err = command("--input", form.format(address=address), "--output", root / "out.tif")
    assert status == 0, err
    assert_is(root / "out.tif", values)


def test_an_address_without_a_file(root, error_line, address):  # noqa: F811
    line = error_line("--input", f"{address}/none.tif", "--output", root / "out.tif")
    assert line.startswith(f"--input {address}/none.tif: GDAL cannot read it (") and "404" in line


def test_a_message_names_subdatasets_that_then_work(root, command, error_line):  # noqa: F811
    values = numbers(90, 70)
    file = write_variables(root / "images.nc", values)
    line = error_line("--input", f"NETCDF:{file}", "--output", root / "out.tif")
    assert "has no bands of its own; name one of its 2 subdatasets as the input: '" in line
    named = line.split("'")[1::2]
    assert len(named) == 2
    for name in named:
        assert command("--input", name, "--output", root / "out.tif", "--overwrite")[0] == 0
        assert_is(root / "out.tif", values if name.endswith("morning") else values[::-1])


def test_a_subdataset_of_the_output_is_not_replaced(root, error_line):  # noqa: F811
    scene = write_scene(root / "scene.tif", numbers(90, 70))
    before = scene.read_bytes()
    line = error_line("--input", f"GTIFF_DIR:1:{scene}", "--output", scene, "--overwrite")
    assert "is the same file as --input" in line and scene.read_bytes() == before


def test_further_fields_and_files_of_images(root, error_line):  # noqa: F811
    scene = write_scene(root / "scene.tif", numbers(90, 70))
    line = error_line("--input", scene, "--field", "clouds=/vsizip/none.zip/a.tif", "--output", root / "out.tif")
    assert "the dataset has no further field 'clouds'" in line
    line = error_line("--input", scene, "--field", "clouds=/vsizip/none.zip/a.tif", "--output", root / "folder")
    assert line == "--field clouds=/vsizip/none.zip/a.tif: must be a file or folder here; copy it to this machine\n"
