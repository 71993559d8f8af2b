"""Bands that figures show: stated ones, those of visible light, the first three; and titles of their columns."""

import pytest

from pix2earth.figures.panels.shown_bands import shown_bands, title
from pix2earth.records.field import Field


def field(*bands, **changes):
    return Field(**{"dtype": "float32", "shape": [8, 8, len(bands)], "bands": list(bands)} | changes)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (field("B02", "B03", "B04", "B08"), (2, 1, 0)),
        (field("B02", "B03", "B04", "B08", rgb=["B08", "B04", "B03"]), (3, 2, 1)),
        (field("Oa17", "Oa08", "Oa06", "Oa04"), (1, 2, 3)),
        (field("a", "b", "c", "d"), (0, 1, 2)),
        (field("VV", "VH"), (0, 0, 0)),
        (field("B12", "B11", "B8A"), (0, 1, 2)),
    ],
)
def test_bands(shown, expected):
    assert shown_bands(shown) == expected


def test_metrics_go_on_with_the_first_three():
    assert field("B02", "B03", "B04", "B08").rgb_indices == (0, 1, 2)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (field("B02", "B03", "B04", "B08"), "target\nB04, B03, B02: 665, 560, 493 nm"),
        (field("VV", "VH", units="dB"), "target\nVV: backscatter (dB)"),
        (field("magnetogram", units="G"), "target\nmagnetogram: magnetic flux density (G)"),
        (field("NDVI"), "target\nNDVI: vegetation index"),
        (field("elevation", units="m"), "target\nelevation (m)"),
        (field("cloud", kind="mask", dtype="uint8"), "target"),
    ],
)
def test_titles(shown, expected):
    assert title("target", shown) == expected
