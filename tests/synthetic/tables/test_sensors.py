"""Sensors, their bands, and the conversion of Sentinel-2's bands to theirs."""

import numpy as np
import pytest

from synthetic.tables.sensors import band_weights, sensor, sensors


def test_band_centres_of_sentinel_2():
    """In nm."""
    assert dict(zip(sensor("sentinel2").bands, sensor("sentinel2").centres, strict=True)) == {
        "B1": 443, "B2": 492, "B3": 560, "B4": 665, "B5": 704, "B6": 740, "B7": 783, "B8": 833, "B8A": 865, "B9": 945,
        "B11": 1614, "B12": 2202,
    }  # fmt: skip


def test_olci_has_21_bands_up_to_1020_nm():
    assert len(sensor("olci").bands) == 21
    assert sensor("olci").gsd == 300
    assert max(sensor("olci").centres) == 1020
    assert list(sensor("olci").centres) == sorted(sensor("olci").centres)


def test_bands_of_hls_and_sentinel_1():
    assert sensor("hls").gsd == 30
    assert set(sensor("hls").bands) < set(sensor("sentinel2").bands)
    assert sensor("sentinel1").kind == "radar"
    assert sensor("sentinel1").bands == ("VV", "VH")


@pytest.mark.parametrize("name", ["sentinel2", "hls", "olci"])
def test_bands_are_interpolated_linearly_in_wavelength(name):
    spectrum = np.random.default_rng(7).random(12)
    centres = [443, 492, 560, 665, 704, 740, 783, 833, 865, 945, 1614, 2202]
    expected = np.interp(sensor(name).centres, centres, spectrum)
    np.testing.assert_allclose(spectrum @ band_weights(sensor(name)), expected, atol=1e-6)


def test_weights_of_every_band_sum_to_1():
    for name in ("sentinel2", "hls", "olci"):
        np.testing.assert_allclose(band_weights(sensor(name)).sum(axis=0), 1, atol=1e-6)


def test_a_sensor_with_some_bands_keeps_their_order():
    chosen = sensor("sentinel2", ("B8", "B4"))
    assert chosen.bands == ("B8", "B4")
    assert chosen.centres == (833, 665)
    assert set(chosen.rgb) <= {"B8", "B4"}
    assert sensor("sentinel2", ("B2", "B4", "B3")).rgb == ("B4", "B3", "B2")


def test_unknown_names_are_errors_with_the_nearest_name():
    with pytest.raises(ValueError, match="no sensor 'sentinel3'; did you mean 'sentinel"):
        sensor("sentinel3")
    with pytest.raises(ValueError, match="sentinel2 has no band 'B8a'; did you mean 'B8'"):
        sensor("sentinel2", ("B8a",))
    assert set(sensors()) == {"sentinel2", "hls", "olci", "sentinel1"}
