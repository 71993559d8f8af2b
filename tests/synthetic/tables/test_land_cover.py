"""Tables of land covers: complete, and with the vegetation indices and backscatter of their classes."""

import numpy as np
import pytest

from synthetic.tables.land_cover import land_cover, land_covers, spectrum, variation
from synthetic.tables.sensors import sensor

BANDS = sensor("sentinel2").bands


def normalised_difference(values: np.ndarray, band: str, other: str) -> float:
    first, second = values[BANDS.index(band)], values[BANDS.index(other)]
    return (first - second) / (first + second)


def test_classes_are_numbered_from_1_without_gaps():
    assert [cover.number for cover in land_covers()] == list(range(1, 9))
    assert [cover.name for cover in land_covers()] == [
        "water", "conifer", "broadleaf", "grass", "crop", "soil", "urban", "snow",
    ]  # fmt: skip


def test_priors_sum_to_1():
    assert sum(cover.prior for cover in land_covers()) == pytest.approx(1)


def test_every_spectrum_has_twelve_bands_of_reflectance():
    for values in [
        *(s for cover in land_covers() for s in (cover.peak, cover.dormant)),
        spectrum("cloud"),
        spectrum("turbid_water"),
    ]:
        assert values.shape == (12,)
        assert values.min() >= 0
        assert values.max() <= 1


@pytest.mark.parametrize(
    ("name", "state", "ndvi"),
    [
        ("water", "peak", -0.06), ("conifer", "peak", 0.82), ("conifer", "dormant", 0.72), ("broadleaf", "peak", 0.87),
        ("broadleaf", "dormant", 0.47), ("grass", "peak", 0.89), ("grass", "dormant", 0.52), ("crop", "peak", 0.91),
        ("crop", "dormant", 0.19), ("soil", "peak", 0.19), ("urban", "peak", 0.10), ("snow", "peak", -0.03),
    ],
)  # fmt: skip
def test_vegetation_indices_are_those_of_the_sources(name, state, ndvi):
    """As computed from the unrounded spectra; rounding to 3 decimals moves dark water most."""
    assert normalised_difference(getattr(land_cover(name), state), "B8", "B4") == pytest.approx(ndvi, abs=0.012)


def test_snow_is_dark_in_the_short_wave_infrared():
    assert normalised_difference(land_cover("snow").peak, "B3", "B11") >= 0.7


def test_backscatter_has_the_usual_order_of_classes():
    base = {cover.name: cover.backscatter[:, 0] for cover in land_covers()}
    assert min(base, key=lambda name: base[name][0]) == "water"
    assert max(base, key=lambda name: base[name][0]) == "urban"
    assert base["broadleaf"][1] > base["grass"][1]
    assert all(vh < vv for vv, vh in base.values())


def test_variation_is_complete():
    assert variation().texture_common == 0.7
    assert variation().noise_floor_db == -22
