"""Masks that hide parts of time steps: those of a dataset, of other time steps of a sample, and synthetic ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import tensorflow as tf

from pix2earth.batches.pools import pools_of
from pix2earth.records import format
from pix2earth.records.listing import Listing
from pix2earth.records.manifest import Manifest
from pix2earth.records.overrides.occlusion import mask_field
from pix2earth.settings.errors import UserError
from pix2earth.settings.occlusion import MaskField, OcclusionInUse

Range = tuple[float, float]
AT_ONCE = 256
"""Records that are read at once to know how much their masks hide."""
ROUGHNESS = 0.5
"""Amplitude of the noise of synthetic masks in each octave, as part of that of the octave with cells twice as large."""


class MaskSource(Protocol):
    """A source of masks."""

    def draw(self, stored: Mapping[str, tf.Tensor], key: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """Return what a mask hides, bool (height, width, 1): always the same for the same arguments.

        Args:
            stored: fields of the sample as its record holds them.
            key: (2,) int64, of the draw.
            step: scalar int32, the time step to hide, counted from 0.
        """


def masks_of(listing: Listing, split: str) -> MaskSource:
    """Return the source of the masks that hide parts of the samples of a split.

    Args:
        listing: of the samples; its manifest has an occlusion.
        split: of the samples.

    Raises:
        UserError: there are no masks of the target's size that hide as much as they may.
    """
    manifest, occlusion = listing.manifest, listing.manifest.occlusion
    assert occlusion is not None
    low, high = occlusion.settings.cloud_range
    if occlusion.source:
        return MasksOfTimeSteps(occlusion.source, (low, high))
    if listing.masks is None:
        return SyntheticMasks(manifest.fields[manifest.target].size, (low, high))
    return MasksOfDataset(listing.masks, split, occlusion)


class MasksOfDataset:
    """Masks of the records of a dataset; each of their time steps is a mask.

    Attributes:
        paths: of the records, one for each mask.
        steps: time step of each mask in its record.
    """

    def __init__(self, listing: Listing, split: str, occlusion: OcclusionInUse) -> None:
        """Find all masks of a split that hide as much as they may; its records are read once.

        Args:
            listing: of the dataset of masks.
            split: of the samples that are hidden; where it has no masks, val and test stand in for each other.
            occlusion: its range applies.

        Raises:
            UserError: there are none, or a record is damaged.
        """
        place, manifest = f"{occlusion.file}: occlusion.masks", listing.manifest
        self.field = mask_field(manifest, place)
        self.size = manifest.fields[self.field.name].size
        of_split, pool, names = _mask_records(listing, split, self.field.name, place)
        self._read = format.reader(manifest, pool)
        paths = [listing.path(of_split, name) for name in names]
        covers = self._covers(paths, manifest)
        low, high = occlusion.settings.cloud_range
        chosen = np.argwhere((covers >= low) & (covers <= high))
        if not len(chosen):
            raise UserError(
                f"{occlusion.file}: occlusion.cloud_range: no mask of {listing.folder / of_split} hides a share between"
                f" {low:g} and {high:g}; they hide {covers.min():.3g} to {covers.max():.3g}"
            )
        self.paths = [str(paths[record]) for record, _ in chosen]
        self.steps = chosen[:, 1].astype(np.int32)

    def _covers(self, paths: Sequence[Path], manifest: Manifest) -> np.ndarray:
        """Return which share of each mask is hidden, float64 (record, time step).

        Raises:
            UserError: a record is damaged.
        """

        def hidden_pixels(path: tf.Tensor) -> tf.Tensor:
            return tf.reduce_sum(tf.cast(self._hidden(path), tf.int64), axis=(1, 2, 3))

        files = tf.data.Dataset.from_tensor_slices([str(path) for path in paths])
        counts = files.map(hidden_pixels, num_parallel_calls=tf.data.AUTOTUNE).batch(AT_ONCE)
        try:
            found = np.concatenate([batch.numpy() for batch in counts])
        except format.DAMAGE as error:
            damaged = [f"{path}: {defect}" for path in paths for defect in format.defects(path, manifest)]
            lines = [f"{line}; copy or write the dataset again" for line in damaged]
            raise UserError(*(lines or [f"{paths[0].parent}: cannot be read: {error}"])) from error
        return found / np.prod(self.size)

    def _hidden(self, path: tf.Tensor) -> tf.Tensor:
        """Return what the masks of a record hide, bool (time step, height, width, 1)."""
        hidden = _as_hidden(self._read(path)[self.field.name], self.field)
        return hidden if len(hidden.shape) == 4 else hidden[None]

    def draw(self, stored: Mapping[str, tf.Tensor], key: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """Return any of the masks, as ``MaskSource.draw``."""
        number = tf.random.stateless_uniform((), key, 0, len(self.paths), tf.int32)
        return self._hidden(tf.constant(self.paths)[number])[tf.constant(self.steps)[number]]


def _mask_records(listing: Listing, split: str, field: str, place: str) -> tuple[str, str, list[str]]:
    """Return the split whose masks hide parts of the samples of another split, their pool, and their names.

    Raises:
        UserError: there are none.
    """
    for candidate in dict.fromkeys([split, *({"val": ["test"], "test": ["val"]}.get(split, []))]):
        for pool, names in pools_of(listing, candidate).items():
            if field in listing.manifest.fields_of(pool):
                return candidate, pool, names
    raise UserError(f"{place}: {listing.folder} has no masks in {split}/; write some, or name another dataset")


def _as_hidden(stored: tf.Tensor, field: MaskField) -> tf.Tensor:
    """Return what a mask as stored hides, bool of the same shape."""
    return stored == 0 if field.shows else stored != 0


class MasksOfTimeSteps:
    """Masks of the other time steps of the same sample.

    Those that hide as much as they may are drawn with equal chances; where there is none, the one that comes nearest
    to that is taken.
    """

    def __init__(self, field: MaskField, cover: Range) -> None:
        """Keep the field of the masks, and the smallest and the largest share that they may hide."""
        self.field, self.cover = field, cover

    def draw(self, stored: Mapping[str, tf.Tensor], key: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """Return the mask of another time step, as ``MaskSource.draw``."""
        hidden = _as_hidden(stored[self.field.name], self.field)
        covers = tf.reduce_mean(tf.cast(hidden, tf.float32), axis=(1, 2, 3))
        beyond = tf.maximum(tf.maximum(self.cover[0] - covers, covers - self.cover[1]), 0.0)
        if self.field.own:
            beyond = tf.where(tf.range(hidden.shape[0]) == step, np.inf, beyond)
        nearest = beyond == tf.reduce_min(beyond)
        chances = tf.where(nearest, tf.random.stateless_uniform(covers.shape, key), -1.0)
        return hidden[tf.argmax(chances)]


class SyntheticMasks:
    """Masks in the shape of clouds: noise of several octaves above a threshold, which hides exactly the drawn share."""

    def __init__(self, size: tuple[int, int], cover: Range) -> None:
        """Keep height and width, and the smallest and the largest share that a mask may hide."""
        self.size, self.cover = size, cover

    def draw(self, stored: Mapping[str, tf.Tensor], key: tf.Tensor, step: tf.Tensor) -> tf.Tensor:
        """Return a new mask, as ``MaskSource.draw``."""
        height, width = self.size
        high = max(1, math.floor(self.cover[1] * height * width))
        low = min(math.ceil(self.cover[0] * height * width), high)
        count = tf.random.stateless_uniform((), _derived(key, 0), low, high + 1, tf.int32)
        noise = tf.reshape(self._noise(key), (-1,))
        places = tf.argsort(noise, direction="DESCENDING", stable=True)[:count]
        hidden = tf.scatter_nd(places[:, None], tf.ones_like(places, tf.bool), (height * width,))
        return tf.reshape(hidden, (height, width, 1))

    def _noise(self, key: tf.Tensor) -> tf.Tensor:
        """Return noise (height, width) whose octaves have cells from half of the image down to two pixels."""
        height, width = self.size
        total, cells, number = tf.zeros((height, width)), 2, 1
        while cells == 2 or cells <= max(height, width) // 2:
            coarse = (max(2, cells * height // max(height, width)), max(2, cells * width // max(height, width)))
            values = tf.random.stateless_normal((1, *coarse, 1), _derived(key, number))
            smooth = tf.image.resize(values, (height, width), method="bicubic")[0, :, :, 0]
            total += smooth * ROUGHNESS ** (number - 1)
            cells, number = cells * 2, number + 1
        return total


def _derived(key: tf.Tensor, number: int) -> tf.Tensor:
    """Return a key for another draw."""
    return tf.random.experimental.stateless_fold_in(key, number)
