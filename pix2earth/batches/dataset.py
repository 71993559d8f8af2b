"""The input pipeline: batches of a dataset, in an order that is a pure function of seed and step."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.batches.pools import SEQUENCE_START, partners, pool_of_pairs, pool_of_samples, pools_of, unpaired_inputs
from pix2earth.records.listing import Listing, admitted_names, chosen_names

if TYPE_CHECKING:
    import tensorflow as tf

    from experiment import Experiment
    from pix2earth.batches.deciding_samples import DecidingSamples
    from pix2earth.batches.record_reader import RecordReader
    from pix2earth.batches.sampling import Stream


class Dataset:
    """The samples of an experiment as batches of tensors.

    Attributes:
        offset: number of samples that a run had trained on beyond ``batch_size`` for each finished step; not 0 where it
            was resumed with another batch size.
    """

    def __init__(self, experiment: Experiment) -> None:
        """Open the dataset of an experiment; records are read when batches are."""
        self.experiment = experiment
        self.manifest = experiment.manifest
        self.listing = Listing(Path(experiment.DATA_ROOT), experiment.manifest)
        self.offset = 0
        self._sampling = "pairs"
        self._selection: DecidingSamples | None = None
        self._names: dict[str, list[str]] = {}

    @cached_property
    def reader(self) -> RecordReader:
        """Reads the records."""
        from pix2earth.batches.record_reader import RecordReader

        return RecordReader(self.listing)

    @property
    def sampling(self) -> str:
        """How training steps get their samples: "pairs", "pools" or "sequences"; the plug-in says it."""
        return self._sampling

    @sampling.setter
    def sampling(self, kind: str) -> None:
        self._sampling = kind
        self._names.clear()

    @property
    def selection(self) -> DecidingSamples | None:
        """The samples that decide which checkpoint is the best; those of a part of train are not trained on."""
        return self._selection

    @selection.setter
    def selection(self, chosen: DecidingSamples) -> None:
        self._selection = chosen
        self._names.clear()

    def candidates(self, split: str) -> list[str]:
        """Return the names of the samples of a split that the suffixes of the experiment admit, sorted."""
        return admitted_names(self.listing, split, self.experiment, self._pool(split))

    def names(self, split: str) -> list[str]:
        """Return the names of the samples of a split that the experiment uses, without those held out of train."""
        if split not in self._names:
            chosen = self._selection if split == "train" else None
            held_out = {*chosen.samples, *chosen.left_out} if chosen else set()
            pool = self._pool(split)
            names = chosen_names(self.listing, split, self.experiment, held_out, pool)
            self._names[split] = names if split == "train" or self.paired(split) else self._of_unpaired(split, names)
        return self._names[split]

    def all_names(self, split: str) -> list[str]:
        """Return the names of all samples of a split, sorted, also of those that the experiment does not use."""
        names, pool = self.listing.names(split), self._pool(split)
        return [name for name in names if not pool or self.manifest.pool_of(name) == pool]

    def _pool(self, split: str) -> str:
        """Return the pool whose samples are those of a split; "" where the dataset has no pools."""
        if not self.manifest.pools:
            return ""
        pools = pools_of(self.listing, split)
        if split == "train" and self.sampling == "pools":
            return next((pool for pool in pools if self.manifest.input in self.manifest.pools[pool]), "")
        return pool_of_pairs(self.listing, split) if split == "train" else pool_of_samples(self.listing, split)

    def paired(self, split: str) -> bool:
        """Return whether input and target of the samples of a split belong together."""
        return not unpaired_inputs(self.listing, split)

    def _of_unpaired(self, split: str, names: list[str]) -> list[str]:
        """Return the inputs among names that have a target of their own."""
        usable = set(unpaired_inputs(self.listing, split))
        return [name for name in names if name in usable]

    def has(self, split: str) -> bool:
        """Return whether the dataset has samples in a split."""
        return bool(self.listing.names(split))

    def __len__(self) -> int:
        """Return the number of training samples."""
        return len(self.names("train"))

    # ---- training: an endless stream that can start at any step -------------------------------------------------

    def streams(self) -> list[Stream]:
        """Return where the fields of a training batch come from; the first stream is that of ``names("train")``.

        Raises:
            UserError: the dataset does not have what the kind of sampling needs.
        """
        from pix2earth.batches.sampling import training_streams

        return training_streams(self.listing, self.experiment, self.names("train"), self.sampling)

    def training_batches(
        self, first_step: int, steps: int, *, replicas: int = 1, first_replica: int = 0, local_replicas: int = 1
    ) -> tf.data.Dataset:
        """Return the batches of the steps ``first_step`` ... ``steps - 1``; a late start takes no longer.

        Args:
            first_step: number of finished steps.
            steps: steps of the whole run.
            replicas: number of devices over all machines; each gets ``batch_size / replicas`` samples of a step.
            first_replica: index of the first of this machine's devices among them.
            local_replicas: number of devices of this machine.

        Returns:
            Dicts of the fields as stored, (batch, ...), one for each device in turn, and ``draws`` (batch, 4), the
            random numbers of the augmentation; those of another stream as ``draws:<field>``.
        """
        import tensorflow as tf

        batch = self.experiment.BATCH_SIZE // replicas

        def counters(turn: tf.Tensor) -> tf.Tensor:
            step, replica = turn // local_replicas, first_replica + turn % local_replicas
            return (step * replicas + replica) * batch + self._first_counter() + tf.range(batch, dtype=tf.int64)

        turns = tf.data.Dataset.range(first_step * local_replicas, steps * local_replicas)
        numbers = turns.map(counters).unbatch()
        batches = [
            self._of_stream(numbers, stream, batch, first=position == 0)
            for position, stream in enumerate(self.streams())
        ]
        merged = batches[0] if len(batches) == 1 else tf.data.Dataset.zip(tuple(batches)).map(_merged)
        return self._own_threads(merged.prefetch(2 + local_replicas))

    def _of_stream(self, counters: tf.data.Dataset, stream: Stream, batch: int, *, first: bool) -> tf.data.Dataset:
        """Return the batches of one stream for the numbers of samples over the whole run."""
        import tensorflow as tf

        from pix2earth.batches.record_reader import KEY
        from pix2earth.batches.sampling import key_of_masks

        paths = tf.constant([str(self.listing.path("train", name)) for name in stream.names])
        made = self.reader.makes(stream.fields)

        def locate(counter: tf.Tensor) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
            located = stream.order(counter)
            key = {KEY: key_of_masks(self.experiment.SEED, counter)} if made else {}
            return paths[located.pop("index")], located | key

        def named(fields: dict[str, tf.Tensor], located: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            taken = {name: fields[name] for name in stream.fields}
            return taken | (located if first else {f"draws:{name}": located["draws"] for name in stream.fields})

        return self.reader.read(counters.map(locate), batch, stream.pool, "train", drop_remainder=True).map(named)

    def _first_counter(self) -> int:
        """Return the number of the first sample; lanes of sequences do not depend on former batch sizes."""
        return 0 if self.sampling == "sequences" else self.offset

    def samples_after(self, steps: int) -> int:
        """Return the number of samples that a run has trained on after a number of steps."""
        return steps * self.experiment.BATCH_SIZE + self.offset

    def step_names(self, step: int) -> list[str]:
        """Return the names of the samples of a step (counted from 0)."""
        import tensorflow as tf

        size = self.experiment.BATCH_SIZE
        counters = tf.range(step * size, (step + 1) * size, dtype=tf.int64) + self._first_counter()
        streams = self.streams()
        return [stream.names[int(stream.order(counter)["index"])] for stream in streams for counter in counters]

    # ---- evaluation: every sample once, in the order of names ---------------------------------------------------

    def batches(
        self,
        split: str,
        names: Sequence[str] | None = None,
        batch: int = 16,
        starts: Sequence[float] | None = None,
    ) -> tf.data.Dataset:
        """Return batches of the fields as stored, without augmentation, every sample once.

        What another pool holds, such as masks, comes from samples that are always the same for a name, and so does what
        an occlusion hides.

        Args:
            split: "train", "val" or "test".
            names: the samples, in their order; None: all of the split, sorted by name.
            batch: samples per batch; the last batch may have fewer.
            starts: 1 for each sample that starts a sequence, else 0, as the field ``sequence_start``.
        """
        import tensorflow as tf

        chosen = list(self.names(split) if names is None else names)
        marks = {} if starts is None else {SEQUENCE_START: tf.constant(list(starts), tf.float32)}
        batches: list[tf.data.Dataset] = []
        for pool, members in partners(self.listing, split, chosen).items():
            further = {} if batches else marks
            batches.append(self.reader.of_names(split, pool, members, batch, further))
        merged = batches[0] if len(batches) == 1 else tf.data.Dataset.zip(tuple(batches)).map(_merged)
        return self._own_threads(merged.prefetch(2))

    def _own_threads(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Let a deterministic run read with threads of its own: one thread may execute the operations of its step.

        Shared with the step, that thread could wait for what only it can execute.
        """
        import tensorflow as tf

        if not self.experiment.DETERMINISTIC:
            return batches
        options = tf.data.Options()
        options.threading.private_threadpool_size = os.cpu_count() or 1
        return batches.with_options(options)

    # ---- between stored, network and physical values ------------------------------------------------------------

    @property
    def prepared_fields(self) -> dict[str, None]:
        """The names by which a training step may ask for what a prepared batch has, and for ``step``."""
        further = [SEQUENCE_START] if self.sampling == "sequences" else []
        further += ["input_mask"] if self.manifest.hidden_field else []
        return dict.fromkeys(["input_image", "target", *self.manifest.fields, *further, "step", "validity"])

    def prepare(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Turn fields as stored into the network's values; runs on the device, inside the compiled step.

        Args:
            batch: as ``training_batches`` and ``batches`` yield it; with ``draws`` the tiles are augmented.

        Returns:
            The fields by name, and the roles ``input_image`` and ``target``: (batch, height, width, band) or
            (batch, time, height, width, band). Images are float32, scaled as the key ``normalize`` states; masks are
            float32 with the stored values; classes are int32.
        """
        from pix2earth.batches.preparation import prepare

        return prepare(batch, self.experiment)

    def physical(self, role: str, values: tf.Tensor) -> tf.Tensor:
        """Convert network values to physical units; the scaling ``l2`` cannot be undone and is kept.

        Args:
            role: "input" or "target".
            values: (..., band).
        """
        from pix2earth.batches.preparation import physical

        return physical(values, self.manifest.fields[getattr(self.manifest, role)], self.experiment)

    def diagnose(self, split: str, names: Sequence[str]) -> list[str]:
        """Return one line for each defect of the records ``names``: file, field and defect."""
        from pix2earth.records.format import defects

        lines = []
        for name in dict.fromkeys(names):
            path = self.listing.path(split, name)
            lines += [f"{path}: {defect}; copy or write the dataset again" for defect in defects(path, self.manifest)]
        return lines


def _merged(*streams: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Return the fields of all streams; of a field that several have, that of the first."""
    fields: dict[str, tf.Tensor] = {}
    for stream in streams:
        fields = stream | fields
    return fields
