"""The lexicon of bands against ranges in products' metadata and the tables of synthetic data; its lookups by hand."""

import pytest

from sensors import lexicon
from sensors.sentinel2_layout import BANDS
from sensors.sentinel3 import BANDS as OLCI_BANDS
from synthetic.tables.land_cover import table

RANGES = {
    "B01": (412, 456), "B02": (456, 533), "B03": (538, 583), "B04": (646, 684), "B05": (695, 714), "B06": (731, 749),
    "B07": (769, 797), "B08": (760, 907), "B8A": (837, 881), "B09": (932, 958), "B10": (1337, 1412),
    "B11": (1539, 1682), "B12": (2078, 2320),
}  # fmt: skip
"""First and last wavelength (nm) of each band in the metadata of Sentinel-2A products."""


def test_bands_of_the_readers_are_known():
    assert tuple(band.name for band in lexicon.sensor("sentinel2").bands) == BANDS
    assert [band.name for band in lexicon.sensor("olci").bands] == OLCI_BANDS
    with pytest.raises(ValueError, match="there is no sensor 'oli'; did you mean 'olci'"):
        lexicon.sensor("oli")


@pytest.mark.parametrize("name", RANGES)
def test_bands_of_sentinel_2_are_within_their_ranges(name):
    band, (first, last) = lexicon.sensor("sentinel2").band(name), RANGES[name]
    assert first < band.wavelength - band.bandwidth / 2 and band.wavelength + band.bandwidth / 2 < last
    assert (band.quantity, band.unit, band.nominal) == ("reflectance", "1", False)


@pytest.mark.parametrize("sensor", ["sentinel2", "olci"])
def test_synthetic_sensors_have_the_same_centres_but_for_rounding(sensor):
    for name, (centre, width) in table("sensors")[sensor]["bands"].items():
        band = lexicon.sensor(sensor).band(name)
        assert band.wavelength == pytest.approx(centre, abs=1) and band.bandwidth == width


@pytest.mark.parametrize(
    ("name", "sensor", "quantity", "unit", "wavelength"),
    [
        ("Oa17", "olci", "radiance", "mW m-2 sr-1 nm-1", 865), ("VH", "sentinel1", "backscatter", "dB", None),
        ("hv", "sentinel1", "backscatter", "dB", None),
        ("magnetogram", "magnetograph", "magnetic flux density", "G", None),
        ("304", "aia", "count rate", "DN s-1", 30.4), ("SWIR 1", "common", "reflectance", "1", 1610),
        ("NDVI", "common", "vegetation index", "1", None), ("NIR", "common", "reflectance", "1", 840),
    ],
)  # fmt: skip
def test_a_band_alone(name, sensor, quantity, unit, wavelength):
    (band,) = lexicon.described([name])
    assert (band.sensor, band.quantity, band.unit, band.wavelength) == (sensor, quantity, unit, wavelength)


def test_names_may_be_written_otherwise():
    assert lexicon.described(["B4", "b04", "B-04"]) == [lexicon.sensor("sentinel2").band("B04")] * 3
    assert lexicon.described(["NIR Narrow", "nir_narrow"]) == [lexicon.sensor("common").band("nir_narrow")] * 2


def test_names_that_sensors_share_are_known_where_the_other_bands_tell_the_sensor():
    red_edge, _ = lexicon.described(["B05", "B8A"])
    assert (red_edge.sensor, red_edge.wavelength) == ("sentinel2", 704.1)
    assert lexicon.described(["B05"]) == [None]
    names = ["B02", "B03", "B04", "B05", "B06", "B07"]  # Sentinel-2's, or those of HLS L30
    assert [band and band.wavelength for band in lexicon.described(names)] == [492.7, 559.8, 664.6, None, None, None]
    assert lexicon.sensor("hls_l30").band("B05").wavelength == 865
    assert lexicon.sensor("hls_s30").band("B05").wavelength == 704.1


def test_unknown_names_are_unknown():
    assert lexicon.described(["B02", "elevation"])[1] is None
    assert lexicon.described([]) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["B02", "B03", "B04", "B08"], (2, 1, 0)),
        (["B8", "B4", "B3", "B2"], (1, 2, 3)),
        ([f"Oa{number:02d}" for number in range(1, 22)], (7, 5, 3)),
        (["Blue", "Green", "Red", "NIR Narrow", "SWIR 1", "SWIR 2"], (2, 1, 0)),
        (["Oa10", "Oa06", "Oa03"], None),  # 442.5 nm is too far from blue
        (["Oa05", "Oa08"], None),  # 510 nm is the nearest to blue, no green is within 40 nm
        (["B04", "B03"], None),
        (["Oa08", "Oa05", "Oa21"], None),
        (["VV", "VH"], None),
        (["171", "193", "304"], None),
        (["a", "b", "c"], None),
    ],
)
def test_true_colour(names, expected):
    assert lexicon.true_colour(names) == expected


def test_the_table_has_every_band():
    lines = lexicon.table().splitlines()
    assert lines[0].split() == ["sensor", "band", "long", "name", "centre", "nm", "width", "nm", "quantity", "unit"]
    rows = [line.split()[:2] for line in lines]
    for key in ("sentinel2", "olci", "sentinel1", "hls_l30", "aia", "magnetograph", "common"):
        assert [name for sensor, name in rows if sensor == key] == [band.name for band in lexicon.sensor(key).bands]


@pytest.mark.parametrize(
    ("names", "expected"),
    [(["NDVI"], True), (["ndvi"], True), (["B04"], False), (["NDVI", "B04"], False), (["x"], False)],
)
def test_which_images_are_indices(names, expected):
    assert lexicon.is_index(names) is expected
