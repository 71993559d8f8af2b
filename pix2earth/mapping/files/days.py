"""The fields of days that a network reads beside a series."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from pix2earth.baselines.suitability import DATES, DAYS_FROM_TARGET
from pix2earth.mapping.fields import ONE_PIXEL
from pix2earth.records.field import Field

OF_DAYS = (DATES, DAYS_FROM_TARGET)
"""Fields that follow from the dates of a series."""
DAY = 86400.0
"""Seconds."""


def days_of(
    name: str, field: Field, times: Sequence[str], window: Sequence[int], date: int, size: tuple[int, int]
) -> np.ndarray:
    """Return a field of days as a dataset stores it, float32 ``(time step, height, width, band)``.

    Args:
        name: of the field, one of ``OF_DAYS``.
        field: its description; ``dates`` with a second band has the day of the year of the target there.
        times: of all dates of the series, ISO 8601.
        window: the dates that the network reads.
        date: the one that it predicts.
        size: height and width of the series in pixels, for fields that have a number for each.
    """
    read, target = [_utc(times[each]) for each in window], _utc(times[date])
    if name == DAYS_FROM_TARGET:
        days = [[(each - target).total_seconds() / DAY] for each in read]
    else:
        days = [[float(_of_year(time)) for time in (each, target)[: len(field.bands)]] for each in read]
    stored = (np.array(days, np.float64)[:, None, None] - field.offset) / field.scale
    side = ONE_PIXEL if field.size == ONE_PIXEL else size
    return np.broadcast_to(stored, (len(window), *side, len(field.bands))).astype(np.float32)


def _of_year(time: datetime) -> int:
    return time.timetuple().tm_yday


def _utc(text: str) -> datetime:
    """Return a time of ISO 8601; one without a zone is in UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
