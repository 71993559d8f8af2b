"""Opening images and resampling them, compared with calculations in NumPy."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioIOError
from rasterio.windows import Window

from sensors.image_grids import open_image, resample, scaled, source_window
from sensors.sentinel2_layout import LONGEST_SIDE

UTM = CRS.from_epsg(32618)
FINE = Affine(10, 0, 600000, 0, -10, 4500000)


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(3).uniform(0, 1, (12, 18)).astype(np.float32)


def resampled(values, transform, size, out_transform, how) -> np.ndarray:
    out = np.zeros(size, np.float32)
    resample(values, transform, out, out_transform, UTM, how)
    return out


def test_nearest_repeats_pixels_and_average_takes_means(values):
    coarse = scaled(FINE, 6)
    np.testing.assert_array_equal(
        resampled(values, coarse, (72, 108), FINE, "nearest"), values.repeat(6, axis=0).repeat(6, axis=1)
    )
    means = values.reshape(2, 6, 3, 6).mean(axis=(1, 3))
    np.testing.assert_allclose(resampled(values, FINE, (2, 3), coarse, "average"), means, rtol=1e-6)


def test_bilinear_weighs_the_four_neighbours(values):
    out = resampled(values, scaled(FINE, 2), (24, 36), FINE, "bilinear")
    # Fine pixel (5, 7) has its centre a quarter of a coarse pixel below that of row 2 and right of that of column 3.
    below, right = 0.25, 0.25
    expected = (values[2, 3] * (1 - below) + values[3, 3] * below) * (1 - right) + (
        values[2, 4] * (1 - below) + values[3, 4] * below
    ) * right
    assert out[5, 7] == pytest.approx(expected, abs=1e-6)


def test_nodata_does_not_spread(values):
    values[0, 0] = np.nan
    values[6:, 6:12] = np.nan
    means = resampled(values, FINE, (2, 3), scaled(FINE, 6), "average")
    assert means[0, 0] == pytest.approx(np.nanmean(values[:6, :6]), rel=1e-6)
    assert np.isnan(means[1, 1])
    assert np.isfinite(means).sum() == 5


@pytest.fixture
def image(tmp_path, values):
    path = tmp_path / "image"
    with rasterio.open(
        path, "w", driver="GTiff", height=12, width=18, count=1, dtype="float32", crs=UTM, transform=scaled(FINE, 2)
    ) as file:
        file.write(values, 1)
    with open_image(str(path), LONGEST_SIDE) as opened:
        yield opened


def test_coinciding_pixels_are_read_without_a_border(image):
    grid = image.transform @ Affine.translation(3, 4)
    assert source_window(image, grid, 5, 6) == Window(3, 4, 6, 5)


def test_another_resolution_needs_two_more_pixels_on_every_side(image):
    assert source_window(image, FINE @ Affine.translation(8, 8), 4, 4) == Window(2, 2, 6, 6)
    assert source_window(image, FINE, 2, 2) == Window(0, 0, 3, 3)


def test_a_grid_beside_the_image_needs_nothing(image):
    assert source_window(image, FINE @ Affine.translation(1000, 0), 4, 4) is None
    assert source_window(image, FINE @ Affine.translation(0, -1000), 4, 4) is None


def test_formats_that_could_read_other_files_are_refused(tmp_path, image):
    virtual = tmp_path / "B02.jp2"
    virtual.write_text(
        '<VRTDataset rasterXSize="18" rasterYSize="12"><VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
        f"<SourceFilename>{image.name}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    assert rasterio.open(virtual).read(1).shape == (12, 18)
    with pytest.raises(RasterioIOError):
        open_image(str(virtual), LONGEST_SIDE)
