"""Days, seasons, rain and sun."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np

from synthetic.tables.land_cover import variation

DAYS = 365.25
OVERPASS_HOUR_ANGLE = math.radians(-22.5)  # Sentinel-2 crosses at 10:30 mean local time


def day_of_year(date: datetime) -> float:
    """Return 1.0 for the beginning of the first of January, with the hours as a fraction."""
    return (date - datetime(date.year, 1, 1)).total_seconds() / 86400 + 1


def greenness(day: float, S: np.ndarray, A: np.ndarray, mS: np.ndarray, mA: np.ndarray) -> np.ndarray:
    """Return how green vegetation is, 0 (dormant) to 1 (peak), by the double logistic of Beck et al. 2006.

    Args:
        day: of the year.
        S: days of year of green-up (the inflection).
        A: days of year of senescence.
        mS: slope of green-up (1/day).
        mA: slope of senescence (1/day).
    """
    rise, fall = 1 / (1 + np.exp(-mS * (day - S))), 1 / (1 + np.exp(mA * (day - A)))
    return np.clip(rise + fall - 1, 0, 1)


def moisture(random: np.random.Generator, day: float) -> float:
    """Return the soil's moisture, 0 to 1, on a day of year: rain wets it at random times, then it dries exponentially.

    Args:
        random: of a scene and a year; the same generator state gives the same rains, whatever the day.
        day: of the year.
    """
    about = variation()
    # From the year before on, so that January knows of December's rain; enough rains for any draw.
    intervals = random.exponential(about.rain_interval_days, int(3 * 2 * DAYS / about.rain_interval_days))
    rains = np.cumsum(intervals) - DAYS
    last = rains[rains <= day].max(initial=-np.inf)
    return float(np.exp((last - day) / about.drying_days))


def sun(date: datetime, latitude: float) -> tuple[float, float]:
    """Return zenith angle and azimuth (clockwise from north) of the sun in radians at the satellite's overpass.

    Cooper's formula (1969) for the declination; latitude in degrees.
    """
    declination = math.radians(23.45) * math.sin(2 * math.pi * (284 + day_of_year(date)) / 365)
    phi = math.radians(latitude)
    height = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(
        OVERPASS_HOUR_ANGLE
    )
    zenith = math.acos(min(1.0, height))
    east = -math.cos(declination) * math.sin(OVERPASS_HOUR_ANGLE)
    north = math.cos(phi) * math.sin(declination) - math.sin(phi) * math.cos(declination) * math.cos(
        OVERPASS_HOUR_ANGLE
    )
    return zenith, math.atan2(east, north) % (2 * math.pi)
