"""Reading of records inside the input pipeline, with the fields that an occlusion makes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import tensorflow as tf

from pix2earth.batches.masks import masks_of
from pix2earth.batches.occlusion import Occluder
from pix2earth.records import format
from pix2earth.records.listing import Listing
from pix2earth.settings.occlusion import MADE

PARALLEL_READS = 2 * (os.cpu_count() or 1)  # measured; tf.data's own tuning takes minutes and finds a slower value
KEY = "occlusion"
"""Name of the random key of a sample's masks, two int64, beside the path of its record."""

Read = Callable[..., dict[str, tf.Tensor]]


def keys_of_names(names: Sequence[str]) -> tf.Tensor:
    """Return the keys (name, 2) int64 of samples whose masks are always the same: functions of their names alone."""
    digests = [hashlib.sha256(name.encode()).digest() for name in names]
    numbers = [[int.from_bytes(each[first : first + 7], "little") for first in (0, 8)] for each in digests]
    return tf.constant(numbers, tf.int64, (len(names), 2))


class RecordReader:
    """Reads records of one dataset; each function is traced once, not for every pass over the samples."""

    def __init__(self, listing: Listing) -> None:
        """Prepare to read; nothing is read yet."""
        self.listing, self.manifest = listing, listing.manifest
        self._functions: dict[tuple[str, str | None], Read] = {}

    def makes(self, fields: Collection[str]) -> bool:
        """Return whether any of these fields is made when a record is read, for which samples need a key."""
        return self.manifest.occlusion is not None and not set(MADE).isdisjoint(fields)

    def read(
        self, samples: tf.data.Dataset, batch: int, pool: str, split: str, *, drop_remainder: bool
    ) -> tf.data.Dataset:
        """Turn (path, further values) into batches of (fields as stored, further values).

        The checksums of records are verified. Where the further values have a ``KEY``, the fields that are made are
        there too.

        Args:
            samples: paths of the records of one pool, and a dict of values that are kept.
            batch: samples per batch.
            pool: of the samples.
            split: whose masks hide parts of the samples.
            drop_remainder: whether a last batch with fewer samples is left out.
        """
        hides = KEY in samples.element_spec[1]
        read = self._function(pool, split if hides else None)

        def fields(path: tf.Tensor, further: dict[str, Any]) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor]]:
            values = dict(further)
            return (read(path, values.pop(KEY)) if hides else read(path)), values

        return samples.map(fields, num_parallel_calls=PARALLEL_READS).batch(batch, drop_remainder=drop_remainder)

    def of_names(
        self, split: str, pool: str, names: Sequence[str], batch: int, marks: Mapping[str, tf.Tensor] | None = None
    ) -> tf.data.Dataset:
        """Return batches of the fields of samples as stored, in their order, with masks that depend on names alone.

        Args:
            split: of the samples.
            pool: of the samples.
            names: the samples.
            batch: samples per batch; the last batch may have fewer.
            marks: further values of each sample.
        """
        paths = tf.constant([str(self.listing.path(split, name)) for name in names])
        made = self.makes(self.manifest.fields_of(pool))
        further = {**(marks or {}), **({KEY: keys_of_names(names)} if made else {})}
        samples = tf.data.Dataset.from_tensor_slices((paths, further))
        read = self.read(samples, batch, pool, split, drop_remainder=False)
        return read.map(lambda fields, located: fields | located)

    def _function(self, pool: str, split: str | None) -> Read:
        """Return the function that reads a file of a pool: from its path, and a key where ``split`` has masks."""
        if (pool, split) not in self._functions:
            read, occlusion = format.reader(self.manifest, pool), self.manifest.occlusion
            signature = [tf.TensorSpec((), tf.string)]
            if split is not None:
                occluder = Occluder(self.manifest, masks_of(self.listing, split))
                signature.append(tf.TensorSpec((2,), tf.int64))

            def seen(path: tf.Tensor, *key: tf.Tensor) -> dict[str, tf.Tensor]:
                stored = read(path)
                if key:
                    return occluder.hidden(stored, *key)
                return occlusion.seen(stored) if occlusion else stored

            self._functions[pool, split] = tf.function(seen, input_signature=signature, autograph=False)
        return self._functions[pool, split]
