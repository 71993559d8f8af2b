"""The sensors: which bands they have, and how to see a spectrum of twelve bands in theirs."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from pix2earth.settings.errors import nearest
from synthetic.tables.land_cover import table


class Sensor(NamedTuple):
    """One instrument: "optical" or "radar", ground sampling distance in metres, bands for pictures and all bands."""

    name: str
    kind: str
    gsd: float
    rgb: tuple[str, ...]
    bands: tuple[str, ...]
    centres: tuple[float, ...]

    def only(self, bands: tuple[str, ...]) -> Sensor:
        """Return the sensor with some of its bands.

        Raises:
            ValueError: it has no such band, or one is named twice, or none is.
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
            name, about["kind"], float(about["gsd"]), tuple(about["rgb"]), tuple(about["bands"]),
            tuple(float(centre) for centre, _ in about["bands"].values()),
        )
        for name, about in table("sensors").items()
    }  # fmt: skip


def sensor(name: str, bands: tuple[str, ...] | None = None) -> Sensor:
    """Return a sensor with all its bands, or with some of them in that order.

    Raises:
        ValueError: there is no such sensor or band.
    """
    if name not in sensors():
        raise ValueError(f"there is no sensor '{name}'{nearest(name, sensors())}")
    return sensors()[name] if bands is None else sensors()[name].only(bands)


def band_weights(seen_by: Sensor) -> np.ndarray:
    """Return the weights (12, bands) of Sentinel-2's bands in those of an optical sensor: linear in wavelength.

    Bands beyond the first or the last node take that node's reflectance.
    """
    nodes = np.array(sensors()["sentinel2"].centres)
    identity = np.eye(len(nodes), dtype=np.float32)
    columns = [np.interp(seen_by.centres, nodes, row) for row in identity]
    return np.stack(columns).astype(np.float32)
