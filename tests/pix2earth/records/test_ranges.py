"""Measured ranges of bands, against NumPy, and the ranges proposed from them."""

import json

import numpy as np
import pytest

from pix2earth.records import ranges
from pix2earth.records.manifest import Field


def band(low: float, high: float) -> ranges.BandRange:
    return ranges.BandRange(0.0, 0.0, low, high, (low, low, (low + high) / 2, high, high))


class TestMeasured:
    def test_values_are_physical_and_of_measured_pixels(self):
        random = np.random.default_rng(1)
        field = Field(dtype="uint16", shape=[8, 8, 2], bands=["a", "b"], scale=0.5, offset=-3.0, nodata=0)
        arrays = [random.integers(1, 1000, (8, 8, 2)).astype(np.uint16) for _ in range(3)]
        arrays[1][:4, :, 1] = 0
        first, second = ranges.measured(field, arrays)
        stored = np.stack(arrays).astype(float)
        values = stored[..., 0].ravel() * 0.5 - 3
        assert (first.nodata, first.not_finite, first.lowest, first.highest) == (0, 0, values.min(), values.max())
        np.testing.assert_allclose(first.percentiles, np.percentile(values, ranges.PERCENTILES), rtol=1e-6)
        values = stored[..., 1][stored[..., 1] != 0] * 0.5 - 3
        assert (second.nodata, second.lowest, second.highest) == (32 / 192, values.min(), values.max())
        np.testing.assert_allclose(second.percentiles, np.percentile(values, ranges.PERCENTILES), rtol=1e-6)

    def test_nan_and_infinity_are_counted_and_left_out(self):
        field = Field(dtype="float32", shape=[2, 2, 5, 1], bands=["a"])
        array = np.arange(20, dtype=np.float32).reshape(2, 2, 5, 1)
        array[0, 0, 0], array[1, 0, 0], array[1, 1, 4] = np.nan, np.inf, -np.inf
        (result,) = ranges.measured(field, [array])
        assert (result.nodata, result.not_finite) == (0, 0.15)
        assert (result.lowest, result.highest) == (1, 18)

    def test_a_band_without_measurement_has_no_values(self):
        field = Field(dtype="uint8", shape=[4, 4, 1], bands=["a"], nodata=7)
        (result,) = ranges.measured(field, [np.full((4, 4, 1), 7, np.uint8)])
        assert result.nodata == 1
        assert np.isnan([result.lowest, result.highest, *result.percentiles]).all()

    def test_percentiles_of_many_pixels_are_those_of_a_part_and_extremes_of_all(self, monkeypatch):
        monkeypatch.setattr(ranges, "MOST_PIXELS", 4000)
        field = Field(dtype="float32", shape=[100, 100, 1], bands=["a"])
        array = np.random.default_rng(2).uniform(size=(100, 100, 1)).astype(np.float32)
        array[50, 50] = 9
        (result,) = ranges.measured(field, [array, array])
        assert result.highest == 9
        # Four standard deviations of the median of 4000 uniform numbers, 1 / (2 sqrt(n)).
        assert result.percentiles[2] == pytest.approx(0.5, abs=4 / (2 * np.sqrt(4000)))
        assert ranges.measured(field, [array, array]) == [result]


class TestProposed:
    @pytest.mark.parametrize(
        ("low", "high", "expected"),
        [
            (0.0123, 0.5571, (0.01, 0.56)),
            (-24.31, -3.02, (-25.0, -3.0)),
            (3.0, 4095.0, (0.0, 4100.0)),
            (0.3, 0.8, (0.3, 0.8)),
            (0.00041, 0.00096, (0.00041, 0.00096)),
        ],
    )
    def test_is_rounded_outwards_to_two_digits_of_the_width(self, low, high, expected):
        assert ranges.proposed(band(low, high)) == pytest.approx(expected, rel=1e-12)

    @pytest.mark.parametrize(("low", "high"), [(5.0, 5.0), (np.nan, np.nan)])
    def test_is_none_where_a_band_has_not_two_values(self, low, high):
        assert ranges.proposed(band(low, high)) is None


class TestProposals:
    FIELDS = {
        "input_image": Field(dtype="float32", shape=[4, 4, 2], bands=["B02", "VV"]),
        "target": Field(dtype="float32", shape=[8, 8, 1], bands=["B02"]),
        "cloud_mask": Field(dtype="uint8", shape=[8, 8, 1], bands=["cloud"], kind="mask"),
    }

    def test_are_accepted_by_the_manifest_and_the_same_for_bands_of_both_fields(self):
        measured = {
            "input_image": [band(0.1, 0.5), band(-24.31, -3.02)],
            "target": [band(0.08, 0.46)],
            "cloud_mask": [],
        }
        lines = ranges.proposals(self.FIELDS, measured)
        assert set(lines) == {"input_image", "target"}
        stated = {name: json.loads("{" + line.removeprefix(f"{name}: ") + "}") for name, line in lines.items()}
        assert stated["target"] == {"valid_range": [0.08, 0.5]}
        source = Field(dtype="float32", shape=[4, 4, 2], bands=["B02", "VV"], **stated["input_image"])
        assert source.bounds == ([0.08, -25.0], [0.5, -3.0])

    def test_name_bands_without_a_range(self):
        measured = {"input_image": [band(0.1, 0.5), band(5, 5)], "target": [band(0.1, 0.5)], "cloud_mask": []}
        lines = ranges.proposals(self.FIELDS, measured)
        assert lines["input_image"] == "input_image: no range for VV: no measurement, or a single value"
        assert lines["target"] == 'target: "valid_range": [0.1, 0.5]'
