"""Configuration files of ``make``: errors in one line with file, line, column and key."""

import pytest

from synthetic.schema.dataset import CloudRemoval, GapFilling, Series, SuperResolution


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        (SuperResolution, "preset: super_resolution\nscenes: {train: 1, val: 0, test: 0}\nfactor: 7\n",
         "1:1: factor: 7 does not divide the width of 256 pixels"),
        (SuperResolution, "preset: super_resolution\nscenes: {train: 0, val: 0, test: 0}\n",
         "2:17: scenes.train: must be greater than 0, not 0"),
        (SuperResolution, "preset: super_resolution\nscenes: {train: 1, val: 0, test: 0}\nbands: [B04]\n",
         "1:1: sentinel2 has no band 'B04'; did you mean 'B4'?"),
        (CloudRemoval, "preset: cloud_removal\nscenes: {train: 1, val: 0, test: 0}\ndates: 1\n",
         "3:8: dates: must be greater than or equal to 2, not 1"),
        (CloudRemoval, "preset: cloud_removal\nscenes: {train: 1, val: 0, test: 0}\nclouds: {meen: 1}\n",
         "3:10: unknown key 'clouds.meen'; did you mean 'mean'?"),
        (CloudRemoval, "preset: cloud_removal\nscenes: {train: 1, val: 0, test: 0}\n"
         "ground: {size: {width: 64, height: 32}, n_polygons: 4}\n",
         "1:1: ground.size: samples are square; give width and height the same number"),
        (Series, "preset: series\nscenes: {train: 1, val: 0, test: 0}\ndates: 101\n",
         "3:8: dates: must be less than or equal to 100, not 101"),
        (GapFilling, "preset: gap_filling\nscenes: {train: 1, val: 0, test: 0}\ncrop: 300\n",
         "1:1: crop: 300 is larger than the scene"),
    ],
)  # fmt: skip
def test_errors_of_datasets(error_of, schema, text, expected):
    assert error_of(text, schema) == expected
