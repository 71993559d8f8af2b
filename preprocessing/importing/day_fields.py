"""Fields of days for stacks of dates whose target is one date: they follow from the times of acquisition."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from pix2earth.baselines.suitability import DATES, DAYS_FROM_TARGET
from pix2earth.records.field import Field
from preprocessing.importing.layout.tiles import ImportTile
from preprocessing.sources.description import SourceDescription

DAY = 86400.0
"""Seconds."""


def day_fields(
    description: SourceDescription, fields: Mapping[str, Field], tiles: Sequence[ImportTile], splits: Mapping[str, str]
) -> dict[str, Field]:
    """Return the fields of days of a dataset whose input alone has time steps and whose times are known; else none.

    ``days_from_target`` has the days from the target to each time step of the input, negative before it, which count on
    across years; ``dates`` the days of the year of each time step and, in its second band, of the target. A field of
    the description that has one of these names stays as it is.

    Args:
        description: of the source.
        fields: of the dataset.
        tiles: all samples.
        splits: of each by its name; the range of days is that of training samples, or of all where there are none.
    """
    source, target = fields.get(description.input), fields.get(description.target)
    if description.pools or source is None or target is None or not source.time_steps or target.time_steps:
        return {}
    if not all(len(tile.acquired.get(description.input, ())) == source.time_steps for tile in tiles):
        return {}
    if not all(len(tile.acquired.get(description.target, ())) == 1 for tile in tiles):
        return {}
    training = [tile for tile in tiles if splits[tile.name] == "train"] or tiles
    longest = max(float(np.abs(days_from_target(description, tile)).max()) for tile in training)
    end = float(max(1, math.ceil(longest)))
    shape = [source.time_steps, 1, 1]
    of_year = Field(
        dtype="uint16", shape=[*shape, 2], bands=["input", "target"], units="d", valid_range=(1.0, 366.0)
    )  # fmt: skip
    between = Field(dtype="float32", shape=[*shape, 1], bands=["days"], units="d", valid_range=(-end, end))
    found = {DATES: of_year, DAYS_FROM_TARGET: between}
    return {name: field for name, field in found.items() if name not in fields}


def days_of(description: SourceDescription, fields: Mapping[str, Field], tile: ImportTile) -> dict[str, np.ndarray]:
    """Return what a sample stores in those fields of days that its dataset has and its description has not."""
    found = {}
    if DATES in fields and DATES not in description.fields:
        (target,), times = (tile.acquired[name] for name in (description.target, description.input))
        days = [[_utc(time).timetuple().tm_yday, _utc(target).timetuple().tm_yday] for time in times]
        found[DATES] = np.array(days, np.uint16)[:, None, None]
    if DAYS_FROM_TARGET in fields and DAYS_FROM_TARGET not in description.fields:
        found[DAYS_FROM_TARGET] = days_from_target(description, tile)[:, None, None, None]
    return found


def days_from_target(description: SourceDescription, tile: ImportTile) -> np.ndarray:
    """Return the days from the target's time to those of the input's time steps, float32 (time step,)."""
    (target,), times = (tile.acquired[name] for name in (description.target, description.input))
    return np.array([(_utc(time) - _utc(target)).total_seconds() / DAY for time in times], np.float32)


def _utc(text: str) -> datetime:
    """Return a time of ISO 8601; one without a zone is in UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
