"""Fields of days that a network reads beside a series."""

import numpy as np
import pytest

from pix2earth.mapping.files.days import days_of
from pix2earth.records.field import Field

TIMES = ["2018-12-30", "2019-12-20", "2020-01-01T12:00:00Z", "2020-01-08"]


def field(*size, bands=("days",), **changes):
    return Field(**{"dtype": "float32", "shape": [3, *size, len(bands)], "bands": list(bands)} | changes)


def test_days_from_the_target_count_on_across_years():
    found = days_of("days_from_target", field(1, 1), TIMES, [0, 1, 3], 2, (16, 20))
    assert found.dtype == np.float32 and found.shape == (3, 1, 1, 1)
    assert found.ravel().tolist() == [-367.5, -12.5, 6.5]


@pytest.mark.parametrize(
    ("bands", "expected"), [(["day"], [[364], [354], [8]]), (["input", "target"], [[364, 1], [354, 1], [8, 1]])]
)
def test_days_of_the_year_of_time_steps_and_target(bands, expected):
    assert days_of("dates", field(1, 1, bands=bands), TIMES, [0, 1, 3], 2, (16, 20))[:, 0, 0].tolist() == expected


def test_numbers_are_as_stored_for_each_pixel_where_the_field_has_some():
    found = days_of("days_from_target", field(8, 8, scale=0.5, offset=1.0), TIMES, [1, 2, 3], 2, (16, 20))
    assert found.shape == (3, 16, 20, 1)
    assert [np.unique(step).tolist() for step in found] == [[-27], [-2], [11]]
