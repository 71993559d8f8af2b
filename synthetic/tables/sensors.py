"""Sensors and their bands, and the weights that convert Sentinel-2's twelve bands to those of another sensor."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from pix2earth.settings.errors import nearest
from synthetic.tables.land_cover import table


class Sensor(NamedTuple):
    """One instrument: kind ("optical" or "radar"), ground sampling distance (m), RGB bands, all bands, centres (nm)."""

    name: str
    kind: str
    gsd: float
    rgb: tuple[str, ...]
    bands: tuple[str, ...]
    centres: tuple[float, ...]

    def with_bands(self, bands: tuple[str, ...]) -> Sensor:
        """Return the sensor with some of its bands, in that order.

        Raises:
            ValueError: a band is unknown or named twice, or none is named.
        """
        if len(set(bands)) != len(bands) or not bands:
            raise ValueError(f"bands of {self.name} must be named once each, not {', '.join(bands) or 'none'}")
        for band in bands:
            if band not in self.bands:
                raise ValueError(f"{self.name} has no band '{band}'{nearest(band, self.bands)}")
        centres = tuple(self.centres[self.bands.index(band)] for band in bands)
        rgb = self.rgb if set(self.rgb) <= set(bands) else (bands * 3)[:3]
        return self._replace(bands=bands, centres=centres, rgb=rgb)


@functools.cache
def sensors() -> dict[str, Sensor]:
    """Return all sensors by name."""
    return {
        name: Sensor(
            name, entry["kind"], float(entry["gsd"]), tuple(entry["rgb"]), tuple(entry["bands"]),
            tuple(float(centre) for centre, _ in entry["bands"].values()),
        )
        for name, entry in table("sensors").items()
    }  # fmt: skip


def sensor(name: str, bands: tuple[str, ...] | None = None) -> Sensor:
    """Return a sensor with all its bands, or with some of them in the order of ``bands``.

    Raises:
        ValueError: there is no such sensor or band.
    """
    if name not in sensors():
        raise ValueError(f"there is no sensor '{name}'{nearest(name, sensors())}")
    return sensors()[name] if bands is None else sensors()[name].with_bands(bands)


def band_weights(optical: Sensor) -> np.ndarray:
    """Return weights (12, band), float32: Sentinel-2 reflectance @ weights is that of another optical sensor.

    Bands are interpolated linearly in wavelength; beyond Sentinel-2's first and last band that band's value is taken.
    """
    centres = np.array(sensors()["sentinel2"].centres)
    identity = np.eye(len(centres), dtype=np.float32)
    columns = [np.interp(optical.centres, centres, row) for row in identity]
    return np.stack(columns).astype(np.float32)
