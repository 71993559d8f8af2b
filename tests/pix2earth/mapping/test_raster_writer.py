"""The raster writer: the finished GeoTIFF, resuming, other work, locks and full disks."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from pix2earth.mapping.raster_writer import Description, RasterWriter
from pix2earth.settings.errors import UserError

SHAPE = (700, 600, 2)
DESCRIPTION = Description(
    rasterio.CRS.from_epsg(32618), Affine(10, 0, 436500.25, 0, -10, 4178940), ["B02", "<&>"], "1", {"RUN": "a&b"},
    "AVERAGE", [{"WAVELENGTH_NM": "492.7"}, {"LONG_NAME": "<&>"}],
)  # fmt: skip
NO_ROWS = np.zeros((0, 600, 2), np.float32)


@pytest.fixture
def values():
    rows = np.random.default_rng(0).random(SHAPE, np.float32)
    rows[:300, :200] = np.nan
    return rows


def test_a_finished_file(tmp_path, values):
    path = tmp_path / "map.tif"
    with RasterWriter(path, SHAPE, {}) as writer:
        writer.write(values[:150], NO_ROWS)
        writer.write(values[150:], NO_ROWS)
        writer.finish(DESCRIPTION)
    with rasterio.open(path) as raster:
        assert np.array_equal(np.moveaxis(raster.read(), 0, -1), values, equal_nan=True)
        assert (raster.crs, raster.transform, raster.descriptions) == (
            DESCRIPTION.crs,
            DESCRIPTION.transform,
            ("B02", "<&>"),
        )
        assert raster.tags()["RUN"] == "a&b" and np.isnan(raster.nodata) and raster.units == ("1", "1")
        assert (raster.tags(1), raster.tags(2)) == tuple(DESCRIPTION.tags_of_bands)
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and raster.overviews(1) == [2]
        assert raster.block_shapes[0] == (512, 512) and raster.compression.name == "deflate"
        overview = raster.read(1, out_shape=(350, 300))
    squares = values[..., 0].reshape(350, 2, 300, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(overview, squares, rtol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["map.tif"]


def test_another_process_resumes(tmp_path, values):
    path, carried = tmp_path / "map.tif", values[200:210]
    with RasterWriter(path, SHAPE, {"step": 1}) as writer:
        writer.write(values[:200], carried)
        (tmp_path / "map.tif.part/rows.raw").open("ab").write(b"torn")
    with RasterWriter(path, SHAPE, {"step": 1}) as writer:
        assert (writer.done, writer.strips) == (200, 1) and np.array_equal(writer.carried, carried, equal_nan=True)
        writer.write(values[200:], NO_ROWS)
        writer.finish(DESCRIPTION)
    with rasterio.open(path) as raster:
        assert np.array_equal(np.moveaxis(raster.read(), 0, -1), values, equal_nan=True)


def test_work_of_another_identity_starts_again(tmp_path, values, capsys):
    with RasterWriter(tmp_path / "map.tif", SHAPE, {"step": 1}) as writer:
        writer.write(values[:200], NO_ROWS)
    with RasterWriter(tmp_path / "map.tif", SHAPE, {"step": 2}) as writer:
        assert (writer.done, writer.strips) == (0, 0)
    assert "is of another input, run or option" in capsys.readouterr().out


def test_work_of_a_former_version_starts_again(tmp_path, capsys):
    (tmp_path / "map.tif.part").mkdir()
    (tmp_path / "map.tif.part/progress.npz").write_bytes(b"of a former version")
    with RasterWriter(tmp_path / "map.tif", SHAPE, {"step": 2}) as writer:
        assert (writer.done, writer.strips, writer.carried.shape) == (0, 0, (0, *SHAPE[1:]))
    assert "is of a former version; the work starts again" in capsys.readouterr().out


def test_two_processes_cannot_write_one_file(tmp_path):
    with RasterWriter(tmp_path / "map.tif", SHAPE, {}):
        with pytest.raises(UserError, match="another process writes it"):
            RasterWriter(tmp_path / "map.tif", SHAPE, {})


def test_a_disk_that_fills_up_while_rows_are_written(tmp_path, values, files_no_larger_than):
    path = tmp_path / "map.tif"
    with RasterWriter(path, SHAPE, {}) as writer:
        writer.write(values[:100], NO_ROWS)
        with files_no_larger_than(1_000_000), pytest.raises(OSError, match=r"rows\.raw"):
            writer.write(values[100:], NO_ROWS)
    with RasterWriter(path, SHAPE, {}) as writer:
        assert writer.done == 100
        writer.write(values[100:], NO_ROWS)
        writer.finish(DESCRIPTION)
    with rasterio.open(path) as raster:
        assert np.array_equal(np.moveaxis(raster.read(), 0, -1), values, equal_nan=True)


@pytest.mark.parametrize("missing", [1, 100, 100_000, 1_000_000, 3_000_000])
def test_a_disk_that_fills_up_at_the_end(tmp_path, values, missing, files_no_larger_than):
    path = tmp_path / "whole.tif"
    with RasterWriter(path, SHAPE, {}) as writer:
        writer.write(values, NO_ROWS)
        writer.finish(DESCRIPTION)
    size = path.stat().st_size - missing
    path.unlink()
    path = tmp_path / "map.tif"
    with RasterWriter(path, SHAPE, {}) as writer:
        writer.write(values, NO_ROWS)
        with files_no_larger_than(size), pytest.raises(OSError, match=r"finished\.tif|rows_2\.raw"):
            writer.finish(DESCRIPTION)
    assert not path.exists()
    with RasterWriter(path, SHAPE, {}) as writer:
        assert writer.done == 700
        writer.finish(DESCRIPTION)
    with rasterio.open(path) as raster:
        assert np.array_equal(np.moveaxis(raster.read(), 0, -1), values, equal_nan=True)
