"""Which samples a training step gets: pairs, pools or sequences, each a pure function of seed and step.

A plug-in says by the class attribute ``sampling`` of its ``GAN`` how it wants its samples:

* ``"pairs"`` (the default): records with all fields, every epoch in another order;
* ``"pools"``: input and target are drawn independently of each other, each in an order of its own, for networks that
  are trained without pairs; the dataset may hold both sides in different numbers;
* ``"sequences"``: each position of the batch is a lane that reads whole sequences, one time step a training step, for
  networks that carry a state from one time step to the next. The field ``sequence_start`` is 1 where one starts. With
  the key ``sequence_groups`` the lanes read sequences side by side, in groups.

Whatever the plug-in says, further pools of a dataset, such as masks, are drawn independently.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from pix2earth.batches import augmentation
from pix2earth.batches.pools import SEQUENCE_START, holds_pairs, pools_of
from pix2earth.records.sequences import sequences
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.records.listing import Listing
    from pix2earth.records.manifest import Manifest

Located = dict[str, Any]

STREAM_OF_MASKS = 2**24
"""Beyond the numbers of streams and of lanes, whose augmentation has draws of its own."""


class Stream(NamedTuple):
    """One source of fields of a batch.

    Attributes:
        pool: of the records that are read; "" where records hold all fields.
        names: of its samples, in their fixed order.
        fields: those that are taken from its records.
        order: from the number of a sample over the whole run, scalar int64, to the index of its name, ``draws``, and
            the flag ``sequence_start`` where there is one.
    """

    pool: str
    names: Sequence[str]
    fields: Sequence[str]
    order: Callable[[tf.Tensor], Located]


def shuffled(counter: tf.Tensor, count: int, seed: int) -> tf.Tensor:
    """Return the index of the sample for a sample counter: every epoch is a permutation, keyed by seed and epoch.

    Args:
        counter: scalar int64, the number of the sample over the whole run.
        count: number of samples, which is the length of an epoch.
        seed: of the order.
    """
    epoch, position = counter // count, counter % count
    key = tf.stack([tf.constant(seed, tf.int64), epoch])
    return tf.random.experimental.index_shuffle(position, key, tf.cast(count - 1, tf.int64))


def of_stream(seed: int, number: int) -> int:
    """Return the seed of the stream or lane of a number; that of number 0 is the seed of the experiment.

    It has 32 bits: of more, ``index_shuffle`` ignores the upper ones.
    """
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0]) if number else seed


def key_of_masks(seed: int, counter: tf.Tensor) -> tf.Tensor:
    """Return the key (2,) int64 of the masks that hide parts of the training sample of a counter."""
    return tf.stack([tf.constant(of_stream(seed, STREAM_OF_MASKS), tf.int64), counter])


def permuted(
    pool: str, names: Sequence[str], fields: Sequence[str], seed: int, number: int, *, shuffle: bool
) -> Stream:
    """Return a stream of samples in a random order of their own.

    Args:
        pool: of the samples, or "".
        names: of the samples, sorted.
        fields: those that are taken.
        seed: of the experiment.
        number: of the stream in its batch; each has draws of its own.
        shuffle: False reads them in the order of names.
    """
    own = of_stream(seed, number)

    def order(counter: tf.Tensor) -> Located:
        index = shuffled(counter, len(names), own) if shuffle else counter % len(names)
        return {"index": index, "draws": augmentation.draw(own, counter)}

    return Stream(pool, names, fields, order)


def of_sequences(
    sequences: Mapping[str, Sequence[str]], fields: Sequence[str], seed: int, lanes: int, *, shuffle: bool
) -> Stream:
    """Return a stream in which each lane reads whole sequences one after the other.

    Every lane reads every sequence once, in an order of its own, before it reads one again. All time steps of a
    sequence are augmented equally.

    Args:
        sequences: names of the samples of each sequence, in the order of time.
        fields: those that are taken.
        seed: of the experiment.
        lanes: positions of the batch over all devices; the sample of a counter is in lane ``counter % lanes``.
        shuffle: False reads sequences in the order of their names, each lane from another one on.
    """
    lengths = tf.constant([len(names) for names in sequences.values()], tf.int64)
    firsts = tf.cumsum(lengths, exclusive=True)
    count, total = len(sequences), sum(map(len, sequences.values()))
    keys = tf.constant([of_stream(seed, lane + 1) for lane in range(lanes)], tf.int64)

    def order(counter: tf.Tensor) -> Located:
        lane, time = counter % lanes, counter // lanes
        epoch, position = time // total, time % total
        numbers = tf.range(count, dtype=tf.int64)
        if shuffle:
            key = tf.stack([keys[lane], epoch])
            turn = tf.random.experimental.index_shuffle(numbers, key, tf.cast(count - 1, tf.int64))
        else:
            turn = (numbers + lane * count // lanes) % count
        ends = tf.cumsum(tf.gather(lengths, turn))
        which = tf.searchsorted(ends, position[None], side="right", out_type=tf.int64)[0]
        chosen = turn[which]
        within = position - ends[which] + lengths[chosen]
        draws = augmentation.draw(seed, lane + lanes * (epoch * count + which))
        start = tf.cast(within == 0, tf.float32)
        return {"index": firsts[chosen] + within, "draws": draws, SEQUENCE_START: start}

    names = [name for members in sequences.values() for name in members]
    return Stream("", names, fields, order)


def of_groups(
    sequences: Mapping[str, Sequence[str]], fields: Sequence[str], seed: int, lanes: int, every: int
) -> Stream:
    """Return a stream in which lanes read as many sequences side by side, then the next ones, as the RSGAN study does.

    The order is always that of the names; sequences that fill no group are left out. All time steps of a sequence are
    augmented equally.

    Args:
        sequences: names of the samples of each sequence, in the order of time.
        fields: those that are taken.
        seed: of the augmentation.
        lanes: positions of the batch over all devices; the sample of a counter is in lane ``counter % lanes``.
        every: distance of the time steps that are read, from the first one on.

    Raises:
        ValueError: there are fewer sequences than lanes, or those that are read differ in length.
    """
    count = len(sequences) // lanes
    read = dict(list(sequences.items())[: count * lanes])
    if not count:
        raise ValueError(
            f"needs at least as many sequences as batch_size, {lanes}, not {len(sequences)}; lower batch_size"
        )
    first = next(iter(read))
    length = len(read[first])
    for name, members in read.items():
        if len(members) != length:
            raise ValueError(
                f"needs sequences of equal length; {first} has {length} time steps, and {name} {len(members)}; leave"
                " the key out, or write sequences of equal length"
            )
    names = [sample for members in read.values() for sample in members[::every]]
    steps = len(names) // len(read)

    def order(counter: tf.Tensor) -> Located:
        lane, time = counter % lanes, counter // lanes
        group, step = time // steps, time % steps
        sequence = group % count * lanes + lane
        start = tf.cast(step == 0, tf.float32)
        draws = augmentation.draw(seed, lane + lanes * group)
        return {"index": sequence * steps + step, "draws": draws, SEQUENCE_START: start}

    return Stream("", names, fields, order)


def training_streams(listing: Listing, experiment: Experiment, names: Sequence[str], kind: str) -> list[Stream]:
    """Return the streams of training batches, that of the samples ``names`` first.

    Args:
        listing: of the dataset.
        experiment: its seed, batch size, ``shuffle`` and ``sequence_groups`` apply.
        names: the samples to train on, without those of further pools.
        kind: "pairs", "pools" or "sequences".

    Raises:
        UserError: the dataset does not have what the kind of sampling needs.
    """
    manifest, seed, shuffle = listing.manifest, experiment.SEED, experiment.SHUFFLE
    if kind == "sequences":
        if manifest.sequence is None:
            raise UserError(
                f"{listing.folder}: states no sequences, which {experiment.MODEL_NAME} reads; state 'sequence' in"
                " dataset.json, a regular expression for names of samples"
            )
        found = sequences(names, manifest.sequence)
        fields, lanes = list(manifest.fields), experiment.BATCH_SIZE
        if experiment.SEQUENCE_GROUPS:
            try:
                return [of_groups(found, fields, seed, lanes, experiment.SEQUENCE_GROUPS)]
            except ValueError as error:
                raise UserError(f"{experiment.file}: sequence_groups: {error}") from None
        return [of_sequences(found, fields, seed, lanes, shuffle=shuffle)]
    main = manifest.pool_of(names[0])
    parts = _parts(listing, main) if manifest.pools else [("", list(manifest.fields))]
    samples = {**(pools_of(listing, "train") if manifest.pools else {}), main: names}
    if kind == "pools":
        parts = _sides_apart(manifest, parts)
    return [
        permuted(pool, samples[pool], fields, seed, number, shuffle=shuffle)
        for number, (pool, fields) in enumerate(parts)
    ]


def _parts(listing: Listing, main: str) -> list[tuple[str, list[str]]]:
    """Return the pools of train with the fields that are taken from each, the pool ``main`` first.

    Raises:
        UserError: a field is in no pool of train, or in two.
    """
    manifest, folder = listing.manifest, listing.folder / "train"
    parts: list[tuple[str, list[str]]] = []
    taken: dict[str, str] = {}
    for pool in sorted(pools_of(listing, "train"), key=lambda name: name != main):  # stable
        fields = list(manifest.fields_of(pool))
        if not fields:
            continue  # an occlusion makes what it holds
        if repeated := [name for name in fields if name in taken]:
            raise UserError(
                f"{folder}: samples of the pools '{taken[repeated[0]]}' and '{pool}' both hold {repeated[0]}, and only"
                " one of them could be used; keep one of the two"
            )
        taken |= dict.fromkeys(fields, pool)
        parts.append((pool, fields))
    if missing := [name for name in manifest.fields if name not in taken]:
        raise UserError(f"{folder}: no sample holds {missing[0]}; write samples of a pool that does")
    return parts


def _sides_apart(manifest: Manifest, parts: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """Return the parts with the target, and the mask of its valid pixels, in a part of their own."""
    result = []
    for pool, fields in parts:
        of_target = [name for name in fields if name in (manifest.target, manifest.mask)]
        others = [name for name in fields if name not in of_target]
        apart = holds_pairs(manifest, pool)
        result += [(pool, others), (pool, of_target)] if apart else [(pool, fields)]
    return result
