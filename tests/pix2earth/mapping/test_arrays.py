"""Arrays as scenes: shapes, order of bands and dimensions, coordinates."""

import numpy as np
import pytest
import xarray

from pix2earth.mapping import arrays
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

FIELD = Field(dtype="uint16", shape=[16, 16, 2], bands=["B02", "B03"], scale=0.5, offset=-4.0, nodata=0)
STEPS = Field(dtype="float32", shape=[3, 16, 16, 2], bands=["VV", "VH"])


def test_values_become_the_numbers_that_the_dataset_stores():
    values = np.random.default_rng(0).integers(1, 100, (9, 7, 2)) * 0.5 - 4.0
    values[2, 3, 1], values[4, 4, 0] = np.nan, np.inf
    stored = arrays.ArrayScene(values, FIELD).read(1, 2, 6, 5)
    expected = (values[1:7, 2:7] + 4) / 0.5
    expected[~np.isfinite(expected)] = np.nan
    np.testing.assert_array_equal(stored, expected.astype(np.float32))


def test_time_steps_are_folded_before_bands():
    values = np.arange(3 * 4 * 5 * 2).reshape(3, 4, 5, 2)
    folded = arrays._checked(values, STEPS, "the input")
    assert folded.shape == (4, 5, 6)
    np.testing.assert_array_equal(folded[2, 3], [*values[0, 2, 3], *values[1, 2, 3], *values[2, 2, 3]])


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3), (0, 8, 2), (3, 8, 8, 2)])
def test_another_shape_is_an_error_with_the_expected_one(shape):
    with pytest.raises(UserError, match=r"(?s)e\.json: the input, B02, B03, has the shape \(height, width, 2\)"):
        arrays._checked(np.zeros(shape), FIELD, "e.json: the input")


def test_labelled_arrays_are_taken_by_the_names_of_dimensions_and_bands():
    values = np.random.default_rng(1).normal(size=(3, 4, 5))
    labelled = xarray.DataArray(values, dims=("band", "y", "x"), coords={"band": ["B03", "B08", "B02"]})
    np.testing.assert_array_equal(arrays._in_order(labelled, FIELD), np.stack([values[2], values[0]], axis=-1))


def test_a_missing_band_or_dimension_is_an_error_that_names_it():
    labelled = xarray.DataArray(np.zeros((2, 4, 5)), dims=("band", "y", "x"), coords={"band": ["B03", "B08"]})
    with pytest.raises(UserError, match="has no band B02; its bands are B03, B08"):
        arrays._in_order(labelled, FIELD)
    with pytest.raises(UserError, match="has the dimensions band, y, lon, not y, x, band"):
        arrays._in_order(labelled.rename(x="lon"), FIELD)


def test_the_result_has_the_dimensions_of_the_input_and_centres_of_divided_pixels():
    source = xarray.DataArray(
        np.zeros((2, 2, 3)), dims=("band", "y", "x"), coords={"y": [75.0, 45.0], "x": [15.0, 45.0, 75.0], "crs": 0}
    )
    target = Field(dtype="float32", shape=[48, 48, 1], bands=["NDVI"], units="1")
    result = arrays._labelled(np.arange(54.0).reshape(6, 9, 1), source, target, 3)
    assert (result.dims, result.shape, result.attrs) == (("band", "y", "x"), (1, 6, 9), {"units": "1"})
    np.testing.assert_allclose(result.y, [85, 75, 65, 55, 45, 35])
    np.testing.assert_allclose(result.x, [5, 15, 25, 35, 45, 55, 65, 75, 85])
    assert float(result.sel(band="NDVI", y=65, x=25)) == 2 * 9 + 2
    assert "crs" in result.coords
