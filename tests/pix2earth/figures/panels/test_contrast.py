"""The words of a contrast: numbers as people write them."""

import numpy as np
import pytest

from pix2earth.figures.panels.contrast import of_values, rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [(1402.0, "1400"), (427.4, "427"), (0.012345, "0.0123"), (-2.0, "-2"), (65535.0, "65500"), (0.0, "0")],
)
def test_three_digits_without_an_exponent(value, text):
    assert rounded(value) == text


def test_digital_numbers():
    assert (
        of_values(np.linspace(400, 2350, 10_001), "DN").words == "420 to 2330 DN"
    )  # percentiles 1 and 99: 419.5, 2330.5
