"""Answers from other time steps of the same pixel; ``pix2earth.baselines.time_steps`` has them for NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from pix2earth.baselines.answers.answer import Answer, Further
from pix2earth.baselines.suitability import DATES

YEAR = 365.25
FAR = 1e6
"""Added to the distance in days of hidden time steps: any clear one is nearer."""


class TimeSeriesAnswer(Answer):
    """What the answers from several time steps read: images, what is clear, and the days."""

    def series(self, image: tf.Tensor, further: Further) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Return images with the target's bands, where they are clear (bool, one band), and the days of the steps.

        Days are those of the field ``dates``, counted on over the end of a year; where the dataset has none, time steps
        are taken as equally far apart. They have the shape (batch, time step, 1, 1, 1).
        """
        hidden = further[self.fields[0]]
        images = tf.gather(image, self.manifest.shared_bands, axis=-1)
        steps = images.shape[1]
        if DATES not in self.fields:
            days = tf.reshape(tf.range(steps, dtype=tf.float32), (1, steps, 1, 1, 1))
            return images, hidden == 0, days * tf.ones_like(images[:, :, :1, :1, :1])
        days = further[DATES][:, :, :1, :1, :1]
        falls = tf.cast(days[:, 1:] < days[:, :-1] - YEAR / 2, tf.float32)
        years = tf.concat([tf.zeros_like(days[:, :1]), tf.cumsum(falls, axis=1)], axis=1)
        return images, hidden == 0, days + YEAR * years


class LinearInTime(TimeSeriesAnswer):
    """Gaps filled between the nearest clear time steps before and after, by the days between.

    Where one side has none, the other one is copied; where both have none, the mean of all clear pixels of the stack is
    taken, band by band.
    """

    kind = "linear_in_time"

    def predict(self, image: tf.Tensor, further: Further, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the stack without gaps, (batch, time step, height, width, band)."""
        images, clear, days = self.series(image, further)
        steps = list(range(images.shape[1]))
        before, after = _nearest(images, clear, days, steps), _nearest(images, clear, days, steps[::-1])
        share = tf.cast(clear, tf.float32)
        count = tf.reduce_sum(share, axis=(1, 2, 3), keepdims=True)
        mean = tf.math.divide_no_nan(tf.reduce_sum(images * share, axis=(1, 2, 3), keepdims=True), count)[:, 0]
        filled = []
        for step in steps:
            (early, from_day, has_early), (late, to_day, has_late) = before[step], after[step]
            apart = tf.maximum(to_day - from_day, 1e-9)
            between = early + (days[:, step] - from_day) / apart * (late - early)
            one_side = tf.where(has_early, early, tf.where(has_late, late, mean))
            value = tf.where(has_early & has_late, between, one_side)
            filled.append(tf.where(clear[:, step], images[:, step], value))
        return tf.stack(filled, axis=1)


class NearestClear(TimeSeriesAnswer):
    """For each pixel the clear time step that is nearest to the last one, at which the target was taken.

    Where no time step is clear, it is the last one as it is.
    """

    kind = "nearest_clear"

    def predict(self, image: tf.Tensor, further: Further, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the chosen pixels, (batch, height, width, band)."""
        images, clear, days = self.series(image, further)
        distance = tf.abs(days - days[:, -1:]) + FAR * tf.cast(~clear, tf.float32)
        chosen = tf.one_hot(tf.argmin(distance[..., 0], axis=1), images.shape[1], axis=1)
        # A product with 0 would let a missing pixel (NaN) of another time step through.
        return tf.reduce_sum(tf.where(chosen[..., None] > 0, images, 0.0), axis=1)


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
