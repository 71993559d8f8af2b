"""Season: day of year, greenness of vegetation, soil moisture, and position of the sun."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np

from synthetic.tables.land_cover import variation

DAYS_PER_YEAR = 365.25
OVERPASS_HOUR_ANGLE = math.radians(-22.5)  # Sentinel-2 crosses at 10:30 mean local time


def day_of_year(date: datetime) -> float:
    """Return the day of year with the hours as a fraction; 1.0 is the start of January 1."""
    return (date - datetime(date.year, 1, 1)).total_seconds() / 86400 + 1


def greenness(day: float, S: np.ndarray, A: np.ndarray, mS: np.ndarray, mA: np.ndarray) -> np.ndarray:
    """Return the greenness of vegetation, 0 (dormant) to 1 (peak): the double logistic of Beck et al. 2006.

    Args:
        day: day of year.
        S: days of year of green-up (the inflection).
        A: days of year of senescence.
        mS: slope of green-up (1/day).
        mA: slope of senescence (1/day).
    """
    rise, fall = 1 / (1 + np.exp(-mS * (day - S))), 1 / (1 + np.exp(mA * (day - A)))
    return np.clip(rise + fall - 1, 0, 1)


def moisture(random: np.random.Generator, day: float) -> float:
    """Return soil moisture, 0 to 1, on a day of year: 1 at random rains, falling exponentially after each.

    Args:
        random: stream of a scene and a year; the same state gives the same rains for every day.
        day: day of year.
    """
    settings = variation()
    # Rains start a year earlier, so that December's rain counts in January; enough rains for any draw.
    intervals = random.exponential(
        settings.rain_interval_days, int(3 * 2 * DAYS_PER_YEAR / settings.rain_interval_days)
    )
    rains = np.cumsum(intervals) - DAYS_PER_YEAR
    last = rains[rains <= day].max(initial=-np.inf)
    return float(np.exp((last - day) / settings.drying_days))


def sun(date: datetime, latitude: float) -> tuple[float, float]:
    """Return zenith angle and azimuth (clockwise from north) of the sun in radians at the overpass of Sentinel-2.

    The declination is that of Cooper (1969); the latitude is in degrees.
    """
    declination = math.radians(23.45) * math.sin(2 * math.pi * (284 + day_of_year(date)) / 365)
    phi = math.radians(latitude)
    cos_zenith = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(
        OVERPASS_HOUR_ANGLE
    )
    zenith = math.acos(min(1.0, cos_zenith))
    east = -math.cos(declination) * math.sin(OVERPASS_HOUR_ANGLE)
    north = math.cos(phi) * math.sin(declination) - math.sin(phi) * math.cos(declination) * math.cos(
        OVERPASS_HOUR_ANGLE
    )
    return zenith, math.atan2(east, north) % (2 * math.pi)
