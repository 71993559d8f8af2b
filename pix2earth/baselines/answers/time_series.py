"""Answers from other time steps of the same pixel; ``pix2earth.baselines.time_steps`` has them for NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from pix2earth.baselines.answers.answer import Answer, Further
from pix2earth.baselines.suitability import DATES, DAYS_FROM_TARGET

YEAR = 365.25
FAR = 1e6
"""Added to the distance in days of hidden time steps: any clear one is nearer."""
SHORTEST = 1e-9
"""Days that are divided by at least."""


class TimeSeriesAnswer(Answer):
    """What the answers from several time steps read: images, what is clear, and the days."""

    def series(self, image: tf.Tensor, further: Further) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return images with the target's bands, where they are clear (bool, one band), and the days of the steps.

        Days are those of the field ``days_from_target``, 0 at the target; else those of the field ``dates``, counted on
        over the end of a year; where the dataset has neither, time steps are taken as equally far apart. They have the
        shape (batch, time step, 1, 1, 1).
        """
        hidden = further[self.fields[0]]
        images = tf.gather(image, self.manifest.shared_bands, axis=-1)
        steps = images.shape[1]
        if DAYS_FROM_TARGET in self.fields:
            return images, hidden == 0, further[DAYS_FROM_TARGET][:, :, :1, :1, :1]
        if DATES not in self.fields:
            days = tf.reshape(tf.range(steps, dtype=tf.float32), (1, steps, 1, 1, 1))
            return images, hidden == 0, days * tf.ones_like(images[:, :, :1, :1, :1])
        days = further[DATES][:, :, :1, :1, :1]
        falls = tf.cast(days[:, 1:] < days[:, :-1] - YEAR / 2, tf.float32)
        years = tf.concat([tf.zeros_like(days[:, :1]), tf.cumsum(falls, axis=1)], axis=1)
        return images, hidden == 0, days + YEAR * years


class LinearInTime(TimeSeriesAnswer):
    """Pixels between the nearest clear time steps before and after, by the days between.

    Where one side has none, the other one is copied; where both have none, the mean of all clear pixels of the stack is
    taken, band by band. A target with the time steps of the input is its stack without gaps; a target of one date is
    interpolated at that date.
    """

    kind = "linear_in_time"

    def predict(self, image: tf.Tensor, further: Further, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the prediction, (batch, [time step,] height, width, band)."""
        images, clear, days = self.series(image, further)
        if self.target.time_steps:
            return self._stack(images, clear, days)
        return self._at_target(images, clear, days)

    def _at_target(self, images: tf.Tensor, clear: tf.Tensor, days: tf.Tensor) -> tf.Tensor:
        """Return the images at the date of the target, day 0; time steps may have any order."""
        early, from_day, has_early = _nearest_of(images, clear & (days <= 0), days)
        late, to_day, has_late = _nearest_of(images, clear & (days >= 0), days)
        between = early - from_day / tf.maximum(to_day - from_day, SHORTEST) * (late - early)
        one_side = tf.where(has_early, early, tf.where(has_late, late, _mean_of_clear(images, clear)))
        return tf.where(has_early & has_late, between, one_side)

    def _stack(self, images: tf.Tensor, clear: tf.Tensor, days: tf.Tensor) -> tf.Tensor:
        """Return the stack without gaps, (batch, time step, height, width, band)."""
        steps = list(range(images.shape[1]))
        before, after = _nearest(images, clear, days, steps), _nearest(images, clear, days, steps[::-1])
        mean = _mean_of_clear(images, clear)
        filled = []
        for step in steps:
            (early, from_day, has_early), (late, to_day, has_late) = before[step], after[step]
            apart = tf.maximum(to_day - from_day, SHORTEST)
            between = early + (days[:, step] - from_day) / apart * (late - early)
            one_side = tf.where(has_early, early, tf.where(has_late, late, mean))
            value = tf.where(has_early & has_late, between, one_side)
            filled.append(tf.where(clear[:, step], images[:, step], value))
        return tf.stack(filled, axis=1)


class NearestClear(TimeSeriesAnswer):
    """For each pixel the clear time step that is nearest in time to the target.

    The target was taken at day 0 of ``days_from_target``; without that field at the last time step. Where no time step
    is clear, it is the nearest one as it is.
    """

    kind = "nearest_clear"

    def predict(self, image: tf.Tensor, further: Further, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the chosen pixels, (batch, height, width, band)."""
        images, clear, days = self.series(image, further)
        return _nearest_of(images, clear, days if DAYS_FROM_TARGET in self.fields else days - days[:, -1:])[0]


def _nearest_of(images: tf.Tensor, usable: tf.Tensor, days: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return for each pixel the usable time step that is nearest to day 0, its day, and whether there is one.

    Values are (batch, height, width, band), the others have one band.
    """
    distance = tf.abs(days) + FAR * tf.cast(~usable, tf.float32)
    chosen = tf.one_hot(tf.argmin(distance[..., 0], axis=1), images.shape[1], axis=1)[..., None] > 0
    # A product with 0 would let a missing pixel (NaN) of another time step through.
    values, day = (tf.reduce_sum(tf.where(chosen, each, 0.0), axis=1) for each in (images, days))
    return values, day, tf.reduce_any(usable, axis=1)


def _mean_of_clear(images: tf.Tensor, clear: tf.Tensor) -> tf.Tensor:
    """Return the mean of all clear pixels of a stack, (batch, 1, 1, band); 0 where none is clear."""
    count = tf.reduce_sum(tf.cast(clear, tf.float32), axis=(1, 2, 3), keepdims=True)
    total = tf.reduce_sum(tf.where(clear, images, 0.0), axis=(1, 2, 3), keepdims=True)
    return tf.math.divide_no_nan(total, count)[:, 0]


def _nearest(
    images: tf.Tensor, clear: tf.Tensor, days: tf.Tensor, steps: Sequence[int]
) -> dict[int, tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
    """Return for each time step the newest clear value on the way through the steps, its day, and whether there is one.

    Values are (batch, height, width, band), the others have one band.
    """
    found = {}
    value, exists = tf.zeros_like(images[:, 0]), tf.zeros_like(clear[:, 0])
    day = tf.zeros_like(images[:, 0, :, :, :1])
    for step in steps:
        here = clear[:, step]
        value, day = tf.where(here, images[:, step], value), tf.where(here, days[:, step], day)
        exists = exists | here
        found[step] = value, day, exists
    return found
