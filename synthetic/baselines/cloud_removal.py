"""Cloud removal without training: another date, or a mixture of dates."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from synthetic.baselines.predictor import Baselines
from synthetic.baselines.stored import Sample, Stored, days_between


def baselines(source: Stored) -> Baselines:
    """Return the baselines; they map the stack of clouded dates to the target's date, the last of the stack."""
    return Baselines(
        {
            "copy of the input": lambda sample: sample.fields["input_image"][-1],
            "copy of the date before": lambda sample: sample.fields["input_image"][-2],
            "nearest clear date": nearest_clear_date,
            "median over dates": lambda sample: np.median(sample.fields["input_image"], axis=0),
            "mean over clear dates": mean_over_clear_dates,
        },
        regions={"under clouds": ("inside", "cloud_mask"), "clear": ("outside", "cloud_mask")},
        notes="Where no date is clear, the nearest clear date and the mean over clear dates take the input as it is."
        " Clear is what neither cloud nor shadow covers.",
    )


def in_order_of_the_stack(acquired: list[datetime]) -> list[datetime]:
    """Return the dates as the stack has them: records list the target's first, the stack has it last."""
    return [*acquired[1:], acquired[0]]


def clear(sample: Sample) -> np.ndarray:
    """Return where each date of the stack is free of clouds and shadows, bool (date, height, width, 1)."""
    return sample.fields["cloud_class"] == 0


def nearest_clear_date(sample: Sample) -> np.ndarray:
    """Return for each pixel the date at which it is clear that is nearest to the target's."""
    away = np.abs(days_between(in_order_of_the_stack(sample.acquired), sample.acquired[0]))
    order = np.argsort(away, kind="stable")
    # The target's date is the first, and argmax of nothing but False is the first as well.
    chosen = order[clear(sample)[order].argmax(axis=0)]
    return np.take_along_axis(sample.fields["input_image"], chosen[None], axis=0)[0]


def mean_over_clear_dates(sample: Sample) -> np.ndarray:
    """Return for each pixel the mean over the dates at which it is clear."""
    images, use = sample.fields["input_image"], clear(sample)
    count = use.sum(axis=0)
    mean = np.where(use, images, 0).sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, mean, images[-1])
