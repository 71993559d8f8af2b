"""Gap filling without training: from the other dates of the stack."""

from __future__ import annotations

import numpy as np

from synthetic.baselines.predictor import Baselines
from synthetic.baselines.stored import Sample, Stored, days_between


def baselines(source: Stored) -> Baselines:
    """Return the baselines; they keep what is clear."""
    return Baselines(
        {"mean over clear dates": mean_over_clear_dates, "linear in time": linear_in_time},
        regions={"gaps": ("inside", "cloud_mask")},
        notes="Linear in time is between the clear dates before and after, and a copy of the only one where one side"
        " has none. Where no date is clear, both take the mean of all that is clear in the stack, band by band.",
    )


def mean_over_clear_dates(sample: Sample) -> np.ndarray:
    """Return the stack with gaps filled by the mean over the dates at which a pixel is clear."""
    images, gap = sample.fields["input_image"], sample.fields["cloud_mask"] > 0
    count = (~gap).sum(axis=0)
    mean = np.where(gap, 0, images).sum(axis=0) / np.maximum(count, 1)
    return np.where(gap, np.where(count > 0, mean, mean_of_what_is_clear(sample)), images)


def linear_in_time(sample: Sample) -> np.ndarray:
    """Return the stack with gaps filled between the nearest clear dates before and after, by the days between."""
    images, gap = sample.fields["input_image"], sample.fields["cloud_mask"] > 0
    days = days_between(sample.acquired, sample.acquired[0])
    before, after = nearest_clear(~gap, days)
    there = [(position >= 0) & (position < len(days)) for position in (before, after)]
    safe = [np.clip(position, 0, len(days) - 1) for position in (before, after)]
    early, late = (np.take_along_axis(images, position, axis=0) for position in safe)
    apart = np.maximum(days[safe[1]] - days[safe[0]], 1e-9)
    weight = (days[:, None, None, None] - days[safe[0]]) / apart
    filled = np.where(there[0] & there[1], early + weight * (late - early), np.where(there[0], early, late))
    filled = np.where(there[0] | there[1], filled, mean_of_what_is_clear(sample))
    return np.where(gap, filled, images)


def nearest_clear(clear: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the position of the last clear date up to each date and of the first one from it on.

    Args:
        clear: bool (date, height, width, 1).
        days: (date,), rising.

    Returns:
        Two arrays like ``clear``: -1 where there is none before, the number of dates where there is none after.
    """
    count = len(days)
    position = np.arange(count)[:, None, None, None]
    before = np.maximum.accumulate(np.where(clear, position, -1), axis=0)
    after = np.minimum.accumulate(np.where(clear, position, count)[::-1], axis=0)[::-1]
    return before, after


def mean_of_what_is_clear(sample: Sample) -> np.ndarray:
    """Return the mean (band,) over all clear pixels of all dates; 0 where all is hidden."""
    clear = sample.fields["cloud_mask"][..., 0] == 0
    images = sample.fields["input_image"]
    return images[clear].mean(axis=0) if clear.any() else np.zeros(images.shape[-1], np.float32)
