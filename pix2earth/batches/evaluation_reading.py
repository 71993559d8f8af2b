"""Reading of the samples that are scored: in groups, or as sequences from their first time step on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pix2earth.batches.evaluation_order import SampleGroup, groups, groups_of_sequences
from pix2earth.records.format import DAMAGE
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import tensorflow as tf

    from pix2earth.batches.dataset import Dataset


def repeated(fields: Mapping[str, tf.Tensor], count: int) -> dict[str, tf.Tensor]:
    """Return fields of a batch for several predictions of each sample, the whole batch once more for each."""
    import tensorflow as tf

    return {name: tf.concat([values] * count, axis=0) for name, values in fields.items()}


def read(
    dataset: Dataset, split: str, names: Sequence[str], size: int
) -> Iterator[tuple[SampleGroup, dict[str, tf.Tensor]]]:
    """Yield groups of samples and their fields as stored.

    Args:
        dataset: its ``sampling`` decides on the order.
        split: of the samples.
        names: the samples.
        size: number of samples of a group; sequences are read in ``batch_size`` lanes, as in training.

    Raises:
        UserError: a record is damaged; with file and field.
    """
    pattern = dataset.manifest.sequence
    if dataset.sampling == "sequences" and pattern:
        lanes = dataset.experiment.BATCH_SIZE
        planned = list(groups_of_sequences(names, dataset.all_names(split), pattern, lanes))
    else:
        planned = list(groups(names, min(size, len(names)) or 1))
    if not planned:
        return
    order = [name for group in planned for name in group.read]
    starts = [start for group in planned for start in group.starts or ()] or None
    batches = iter(dataset.batches(split, order, len(planned[0].read), starts))
    for group in planned:
        try:
            batch = next(batches)
        except DAMAGE as error:
            raise UserError(*(dataset.diagnose(split, group.read) or [f"{split}: {error}"])) from error
        yield group, batch


def read_pool(
    dataset: Dataset, split: str, pool: str, names: Sequence[str], size: int
) -> Iterator[tuple[Sequence[str], dict[str, tf.Tensor]]]:
    """Yield samples of one pool and their fields as stored, without what other pools hold.

    Args:
        dataset: of the samples.
        split: of the samples.
        pool: of the samples; "" where the dataset has no pools.
        names: the samples.
        size: number of samples of a group.

    Raises:
        UserError: a record is damaged; with file and field.
    """
    if not names:
        return
    batches = iter(dataset.reader.of_names(split, pool, names, size).prefetch(2))
    for start in range(0, len(names), size):
        group = names[start : start + size]
        try:
            batch = next(batches)
        except DAMAGE as error:
            raise UserError(*(dataset.diagnose(split, group) or [f"{split}: {error}"])) from error
        yield group, batch
