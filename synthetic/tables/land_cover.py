"""Land cover classes of synthetic scenes: spectra, seasons and backscatter, read from ``tables/land_cover.yaml``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ruamel.yaml import YAML

TABLES = Path(__file__).resolve().parent


def table(name: str) -> Any:
    """Return the content of ``tables/<name>.yaml``."""
    return YAML(typ="safe", pure=True).load((TABLES / f"{name}.yaml").read_text(encoding="utf-8"))


class Season(NamedTuple):
    """Days of year of green-up ``S`` and senescence ``A`` as (mean, standard deviation), and their slopes (1/day)."""

    S: tuple[float, float]
    A: tuple[float, float]
    mS: float
    mA: float


class LandCover(NamedTuple):
    """One land cover class.

    Reflectances ``peak`` and ``dormant`` (12,) are those of Sentinel-2's twelve bands, unit 1. ``backscatter`` (2, 3)
    in dB has the base value, the change per greenness and the change per soil moisture, for VV and VH.
    """

    name: str
    number: int
    prior: float
    peak: np.ndarray
    dormant: np.ndarray
    seasons: tuple[Season, ...]
    backscatter: np.ndarray
    brightness_sd: float
    texture_sd: float
    texture_slope: float
    vegetation: bool
    soil: bool
    colour: str


class Variation(NamedTuple):
    """Differences between the instances and pixels of a class; ``land_cover.yaml`` has units and meanings."""

    brightness_sd: float
    near_infrared_sd: float
    turbidity: tuple[float, float]
    texture_slope: float
    texture_common: float
    wet_soil: float
    rain_interval_days: float
    drying_days: float
    backscatter_offset_db: float
    backscatter_texture_db: float
    water_wind_db: float
    noise_floor_db: float


@functools.cache
def land_covers() -> tuple[LandCover, ...]:
    """Return the classes in the order of their numbers 1, 2, ..."""
    content = table("land_cover")
    defaults = content["variation"]
    covers = [_land_cover(name, {**defaults, **entry}) for name, entry in content["classes"].items()]
    return tuple(sorted(covers, key=lambda cover: cover.number))


def _land_cover(name: str, entry: dict[str, Any]) -> LandCover:
    seasons = tuple(
        Season(tuple(season["S"]), tuple(season["A"]), season["mS"], season["mA"])
        for season in entry.get("seasons", [])
    )
    return LandCover(
        name, entry["number"], entry["prior"], np.array(entry["peak"]), np.array(entry.get("dormant", entry["peak"])),
        seasons, np.array([entry["backscatter"]["VV"], entry["backscatter"]["VH"]], float),
        entry["brightness_sd"], entry["texture_sd"], entry["texture_slope"], entry.get("vegetation", False),
        entry.get("soil", False), entry["colour"],
    )  # fmt: skip


def land_cover(name: str) -> LandCover:
    """Return a class by its name."""
    return next(cover for cover in land_covers() if cover.name == name)


@functools.cache
def variation() -> Variation:
    """Return the differences between instances and pixels that all classes share."""
    return Variation(**table("land_cover")["variation"])


@functools.cache
def spectrum(name: str) -> np.ndarray:
    """Return the reflectance (12,) of "cloud" or "turbid_water"."""
    return np.array(table("land_cover")[name])
