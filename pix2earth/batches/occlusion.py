"""Occlusion of samples: parts of a clear target are hidden, which makes the input and the mask of a network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from pix2earth.batches import augmentation, time_steps
from pix2earth.batches.masks import MaskSource
from pix2earth.batches.preparation import valid_conditions
from pix2earth.records.field import Field
from pix2earth.records.manifest import Manifest
from pix2earth.settings.occlusion import INPUT, MASK

NONE = -1
"""Fills combinations of fewer time steps than the longest one."""


class Occluder:
    """Makes the input of a sample from its target."""

    def __init__(self, manifest: Manifest, masks: MaskSource) -> None:
        """Prepare.

        Args:
            manifest: as the run sees it; it has an occlusion.
            masks: the source of masks.
        """
        assert manifest.occlusion is not None
        self.manifest, self.masks, self.occlusion = manifest, masks, manifest.occlusion
        self.target = manifest.fields[manifest.target]
        combinations = self.occlusion.settings.positions
        self.longest = max(map(len, combinations))
        self.combinations = np.array(
            [[*(number - 1 for number in each), *[NONE] * (self.longest - len(each))] for each in combinations],
            np.int32,
        )  # fmt: skip

    def hidden(self, stored: Mapping[str, tf.Tensor], key: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the fields of a sample by the names that the run knows, with those that are made.

        The mask is also 1 where the target is not valid: nothing can be seen there either.

        Args:
            stored: fields as the record holds them.
            key: (2,) int64; the same key hides the same parts.

        Returns:
            Fields as ``Dataset.prepare`` takes them.
        """
        fields = self.occlusion.seen(stored)
        target = fields[self.manifest.target]
        missing = self.drawn(stored, key)
        for valid in self._valid(fields):
            missing |= ~valid
        shown = tf.where(missing, tf.constant(fill_value(self.target)), target)
        return {**fields, INPUT: shown, MASK: tf.cast(missing, tf.uint8)}

    def drawn(self, stored: Mapping[str, tf.Tensor], key: tf.Tensor) -> tf.Tensor:
        """Return what is hidden, bool ([time step,] height, width, 1) of the target's size; arguments as above."""
        fold_in = tf.random.experimental.stateless_fold_in
        number = tf.random.stateless_uniform((), fold_in(key, 0), 0, len(self.combinations), tf.int32)
        combination = tf.constant(self.combinations)[number]
        steps, (height, width) = self.target.time_steps or 1, self.target.size
        hidden = tf.zeros((steps, height, width, 1), tf.bool)
        for place in range(self.longest):
            step, of_mask = combination[place], fold_in(key, place + 1)

            def draw(step: tf.Tensor = step, of_mask: tf.Tensor = of_mask) -> tf.Tensor:
                return tf.ensure_shape(self.masks.draw(stored, of_mask, step), (height, width, 1))

            mask = tf.cond(step == NONE, lambda: tf.zeros((height, width, 1), tf.bool), draw)
            hidden |= (tf.range(steps) == step)[:, None, None, None] & mask
        return hidden if self.target.time_steps else hidden[0]

    def _valid(self, fields: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
        """Return what makes the pixels of the target valid, bool ([time step,] height, width, 1) of its size."""
        manifest = self.manifest
        if manifest.mask not in fields:  # a mask of another pool does not belong to the sample
            manifest = manifest.model_copy(update={"mask": None})
        batch = {name: fields[name][None] for name in (manifest.target, manifest.mask) if name}
        found = []
        for condition in valid_conditions(batch, manifest):
            steps = condition.shape[1] if len(condition.shape) == 5 else None
            folded = time_steps.fold(condition) if steps else condition
            sized = augmentation.oriented(folded, self.target.size, None, augmentation.NONE)
            found.append((time_steps.unfold(sized, steps) if steps else sized)[0])
        return found


def fill_value(field: Field) -> np.ndarray:
    """Return the stored number of hidden pixels, (band,) or scalar, of the field's type.

    It is nodata where the field has it, else NaN, of integers the lower end of the valid range.
    """
    dtype = np.dtype(field.dtype)
    if field.nodata is not None:
        return np.array(field.nodata, dtype)
    if dtype.kind == "f":
        return np.array(np.nan, dtype)
    low = (np.asarray(field.bounds[0]) - field.offset) / field.scale
    limits = np.iinfo(dtype)
    return np.clip(np.round(low), limits.min, limits.max).astype(dtype)
