"""Scores by region: inside and outside of a mask, such as the clouds that a network is to remove, and in a disk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from pix2earth.batches.time_steps import flat, separate
from pix2earth.records.manifest import Field
from pix2earth.settings.scored_disk import ScoredDisk

if TYPE_CHECKING:
    from experiment import Experiment

REGIONS = ("inside", "outside")
"""Where the mask is not 0, and where it is 0."""
DISK = "disk"
"""The region that the key ``score_disk`` of the experiment states."""


def names(experiment: Experiment) -> tuple[str, ...]:
    """Return the names of the regions in which an experiment is scored in addition to the whole image."""
    return (*(REGIONS if experiment.manifest.score_by else ()), *((DISK,) if experiment.settings.score_disk else ()))


def valid_by_region(
    experiment: Experiment, prepared: Mapping[str, tf.Tensor], valid: tf.Tensor | None, samples: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Return the valid pixels of each region of an experiment, bool (batch * time step, height, width).

    Args:
        experiment: its manifest names the mask, its settings state the disk.
        prepared: fields in the values of the network, with the mask.
        valid: bool (batch * time step, height, width), the pixels that are scored in any region; None: all.
        samples: batch * time step, the number of masks.
    """
    found, manifest = {}, experiment.manifest
    if manifest.score_by:
        found = masks(prepared[manifest.score_by], manifest.fields[manifest.target].time_steps, valid)
    if experiment.settings.score_disk:
        size = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
        in_disk = tf.tile(tf.constant(disk(experiment.settings.score_disk, size))[tf.newaxis], [samples, 1, 1])
        found[DISK] = in_disk if valid is None else in_disk & valid
    return found


def disk(stated: ScoredDisk, size: tuple[int, int]) -> np.ndarray:
    """Return the pixels whose centre is inside of a disk or on its edge, bool (height, width)."""
    height, width = size
    rows, columns = np.arange(height)[:, None] + 0.5, np.arange(width) + 0.5
    return np.hypot(rows - stated.row * height, columns - stated.column * width) <= stated.radius * height


def column(metric: str, region: str) -> str:
    """Return the name of the CSV column with a metric of a region."""
    return f"{metric}.{region}"


def masks(mask: tf.Tensor, steps: int | None, valid: tf.Tensor | None) -> dict[str, tf.Tensor]:
    """Return the valid pixels of each region, bool (batch * time step, height, width).

    Args:
        mask: one band, with axes as ``time_steps.separate`` takes them.
        steps: number of time steps, or None.
        valid: bool (batch * time step, height, width), the pixels that are scored in any region; None: all.
    """
    inside = separate(mask, steps)[..., 0] > 0
    if valid is None:
        return {"inside": inside, "outside": ~inside}
    return {"inside": inside & valid, "outside": ~inside & valid}


def by_time_step(valid: tf.Tensor | None, steps: int | None) -> tf.Tensor | None:
    """Return valid pixels (batch, [time step,] height, width) as (batch * time step, height, width)."""
    if valid is None or steps is None:
        return valid
    return tf.reshape(valid, (-1, *valid.shape[2:])) if len(valid.shape) == 4 else tf.repeat(valid, steps, axis=0)


def mean_over_time_steps(scores: tf.Tensor, time_steps: int | None) -> tf.Tensor:
    """Return the mean of the finite scores of each sample over its time steps, NaN where none is finite.

    Args:
        scores: (batch * time step,).
        time_steps: number of time steps, or None.

    Returns:
        (batch,).
    """
    table = tf.reshape(scores, (-1, time_steps or 1))
    finite = tf.math.is_finite(table)
    total = tf.reduce_sum(tf.where(finite, table, tf.zeros_like(table)), axis=1)
    return total / tf.reduce_sum(tf.cast(finite, table.dtype), axis=1)


def differs(valid: tf.Tensor | None) -> bool:
    """Return whether valid pixels can differ between time steps."""
    return valid is not None and len(valid.shape) == 4


def for_time_steps(values: tf.Tensor, field: Field, steps: int | None) -> tf.Tensor:
    """Return a field for each time step of the target, (batch * time step, height, width, band).

    Its own time steps are those of the target where there are as many; otherwise all of them belong to each.
    """
    if steps is None or field.time_steps == steps:
        return separate(values, steps)
    return tf.repeat(flat(values), steps, axis=0)


def pixels_of_all_steps(valid: tf.Tensor | None) -> tf.Tensor | None:
    """Return valid pixels (batch, [time step,] height, width) that are so at all time steps, (batch, height, width)."""
    return tf.reduce_all(valid, axis=1) if valid is not None and differs(valid) else valid
