"""Means ignore undefined and infinite scores."""

import math

import numpy as np
import pytest

from pix2earth.scoring.undefined import mean_of_finite


@pytest.mark.parametrize(
    ("values", "mean"),
    [([1.0, 2.0, 6.0], 3.0), ([1.0, math.nan, 3.0], 2.0), ([math.inf, 4.0], 4.0), ([-math.inf, 4.0, 6.0], 5.0)],
)
def test_only_finite_values_are_averaged(values, mean):
    assert mean_of_finite(values) == mean


@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, math.nan]])
def test_without_a_finite_value_the_mean_is_undefined(values):
    assert math.isnan(mean_of_finite(values))


def test_float32_is_added_up_in_float64():
    assert mean_of_finite(np.full(1000, 0.1, np.float32)) == pytest.approx(float(np.float32(0.1)), abs=1e-15)
