"""Bands of sensors by their names: what they measure, and at which wavelength; the data is in ``bands.yaml``.

Names of bands are free, and most of what reads a dataset asks nothing of them. Where a name is known, figures show true
colours and maps state wavelengths. No other table of the toolkit gives wavelengths of real sensors; those in
``synthetic/tables`` are responses of simulated ones.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pix2earth.settings.errors import nearest

FILE = Path(__file__).with_name("bands.yaml")
TRUE_COLOUR = (665.0, 560.0, 490.0)
"""Wavelengths of red, green and blue in nm."""
WITHIN = 40.0
"""How far from them the centre of a band may be, in nm."""
SAME = 20.0
"""Centres that differ by less, in nm, are those of one band in several sensors."""


class Band(NamedTuple):
    """One band of a sensor.

    Attributes:
        sensor: key of the sensor in ``bands.yaml``.
        name: as products have it.
        long_name: in words.
        wavelength: of its centre in nm; None where it has none.
        bandwidth: in nm; None where it is not known.
        quantity: what is measured, such as "reflectance".
        unit: of the quantity in products; a dataset states its own.
        nominal: the wavelength is a typical one, and no sensor's own.
    """

    sensor: str
    name: str
    long_name: str
    wavelength: float | None
    bandwidth: float | None
    quantity: str
    unit: str
    nominal: bool = False


class SensorBands(NamedTuple):
    """A sensor: its name in words, its bands, and the sensor with the same bands, "" where it has its own."""

    title: str
    bands: tuple[Band, ...]
    same_as: str = ""

    def band(self, name: str) -> Band | None:
        """Return a band by its name, or None."""
        return next((band for band in self.bands if key_of(band.name) == key_of(name)), None)


@functools.cache
def sensors() -> dict[str, SensorBands]:
    """Return all sensors by their keys, in the order of ``bands.yaml``."""
    from ruamel.yaml import YAML

    content = YAML(typ="safe", pure=True).load(FILE.read_text(encoding="utf-8"))
    found: dict[str, SensorBands] = {}
    for key, entry in content.items():
        same_as = entry.get("same_as", "")
        bands = [one._replace(sensor=key) for one in found[same_as].bands] if same_as else list(_bands(key, entry))
        found[key] = SensorBands(entry["title"], tuple(bands), same_as)
    return found


def _bands(key: str, entry: dict[str, Any]) -> Iterator[Band]:
    for name, (long_name, wavelength, bandwidth, *measured) in entry["bands"].items():
        quantity, unit = measured or (entry["quantity"], entry["unit"])
        yield Band(key, name, long_name, wavelength, bandwidth, quantity, unit, entry.get("nominal", False))


def sensor(key: str) -> SensorBands:
    """Return a sensor by its key.

    Raises:
        ValueError: there is none.
    """
    if key not in sensors():
        raise ValueError(f"there is no sensor '{key}'{nearest(key, sensors())}")
    return sensors()[key]


def key_of(name: str) -> str:
    """Return the form in which names are compared: B04 is b4, "SWIR 1" swir1."""
    plain = re.sub(r"[\s_-]", "", name.lower())
    return re.sub(r"(?<=[a-z])0+(?=\d)", "", plain)


def described(names: Sequence[str]) -> list[Band | None]:
    """Return what is known of the bands of one image, None for each that is unknown or ambiguous.

    Sensors share names: B05 is the red edge of Sentinel-2 and the near infrared of Landsat. The bands are those of the
    sensors that have the most of the names; a band is ambiguous where these differ in it.

    Args:
        names: of all bands of the image.
    """
    counts = {key: sum(one.band(name) is not None for name in names) for key, one in sensors().items()}
    most = max(counts.values(), default=0)
    likely = [one for key, one in sensors().items() if counts[key] == most]
    found: list[Band | None] = []
    for name in names:
        meanings = _meanings(name, likely) or _meanings(name, sensors().values())
        found.append(meanings[0] if meanings and all(_same(meanings[0], other) for other in meanings) else None)
    return found


def is_index(names: Sequence[str]) -> bool:
    """Return whether all bands of an image are indices, such as NDVI, in which clouds look like any other value.

    Args:
        names: of all bands of the image.
    """
    return all(band is not None and band.quantity.endswith(" index") for band in described(names))


def _meanings(name: str, among: Iterable[SensorBands]) -> list[Band]:
    """Return the bands of some sensors that have a name."""
    return [band for one in among if (band := one.band(name)) is not None]


def _same(one: Band, other: Band) -> bool:
    """Return whether two bands measure the same at nearly the same wavelength."""
    if one.wavelength is None or other.wavelength is None:
        return (one.quantity, one.wavelength) == (other.quantity, other.wavelength)
    return one.quantity == other.quantity and abs(one.wavelength - other.wavelength) < SAME


def true_colour(names: Sequence[str]) -> tuple[int, int, int] | None:
    """Return the indices of the bands that are nearest to red, green and blue light, or None where one has no band.

    Args:
        names: of all bands of the image.
    """
    found = nearest_bands(names, TRUE_COLOUR)
    return None if found is None else (found[0], found[1], found[2])


def nearest_bands(names: Sequence[str], wavelengths: Sequence[float]) -> list[int] | None:
    """Return the indices of the bands that are nearest to wavelengths; None where one has none, or two have the same.

    Args:
        names: of all bands of the image.
        wavelengths: in nm; centres of bands are at most WITHIN from them.
    """
    centres = {index: band.wavelength for index, band in enumerate(described(names)) if band and band.wavelength}
    nearby = [
        min((abs(centre - light), index) for index, centre in centres.items()) if centres else (WITHIN + 1, -1)
        for light in wavelengths
    ]
    if any(distance > WITHIN for distance, _ in nearby) or len({index for _, index in nearby}) < len(nearby):
        return None
    return [index for _, index in nearby]


def table() -> str:
    """Return all bands as a table of text."""
    header = ("sensor", "band", "long name", "centre nm", "width nm", "quantity", "unit")
    rows = [header]
    for key, one in sensors().items():
        if one.same_as:
            rows.append((key, "*", f"those of {one.same_as}", "", "", "", ""))
            continue
        for band in one.bands:
            about = f"about {band.wavelength:g}" if band.nominal and band.wavelength else _number(band.wavelength)
            rows.append((key, band.name, band.long_name, about, _number(band.bandwidth), band.quantity, band.unit))
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    padded = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return "\n".join("  ".join(cells).rstrip() for cells in padded)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
