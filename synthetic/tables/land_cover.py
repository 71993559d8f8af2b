"""The land covers of the made-up Earth: spectra, seasons, backscatter; read from ``tables/land_cover.yaml``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from ruamel.yaml import YAML

TABLES = Path(__file__).resolve().parent


def table(name: str) -> Any:
    """Return the content of one of the data files."""
    return YAML(typ="safe", pure=True).load((TABLES / f"{name}.yaml").read_text(encoding="utf-8"))


class Season(NamedTuple):
    """Days of year of green-up ``S`` and senescence ``A`` as (mean, standard deviation), and their slopes (1/day)."""

    S: tuple[float, float]
    A: tuple[float, float]
    mS: float
    mA: float


class LandCover(NamedTuple):
    """One class.

    Reflectances (1) are at the twelve bands of Sentinel-2; backscatter (2, 3) in dB is base, per greenness and per
    moisture, for VV and VH.
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
    """How instances and pixels of a class differ; units and meanings are in the data file."""

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
    """Return the classes by their numbers 1, 2, ..."""
    content = table("land_cover")
    common = content["variation"]
    covers = [_land_cover(name, {**common, **about}) for name, about in content["classes"].items()]
    return tuple(sorted(covers, key=lambda cover: cover.number))


def _land_cover(name: str, about: dict[str, Any]) -> LandCover:
    seasons = tuple(
        Season(tuple(season["S"]), tuple(season["A"]), season["mS"], season["mA"])
        for season in about.get("seasons", [])
    )
    return LandCover(
        name, about["number"], about["prior"], np.array(about["peak"]), np.array(about.get("dormant", about["peak"])),
        seasons, np.array([about["backscatter"]["VV"], about["backscatter"]["VH"]], float),
        about["brightness_sd"], about["texture_sd"], about["texture_slope"], about.get("vegetation", False),
        about.get("soil", False), about["colour"],
    )  # fmt: skip


def named(name: str) -> LandCover:
    """Return a class by its name."""
    return next(cover for cover in land_covers() if cover.name == name)


@functools.cache
def variation() -> Variation:
    """Return how instances and pixels differ."""
    return Variation(**table("land_cover")["variation"])


@functools.cache
def spectrum(name: str) -> np.ndarray:
    """Return the reflectance (12,) of "cloud" or "turbid_water"."""
    return np.array(table("land_cover")[name])
