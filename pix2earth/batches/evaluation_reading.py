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
    batches = dataset.batches(split, order, len(planned[0].read), starts)
    yield from zip(planned, _undamaged(dataset, split, batches, [group.read for group in planned]), strict=True)


def read_in_order(dataset: Dataset, split: str, names: Sequence[str], size: int) -> Iterator[dict[str, tf.Tensor]]:
    """Yield fields as stored of all samples in their order, whatever the dataset's ``sampling`` is.

    Args:
        dataset: of the samples.
        split: of the samples.
        names: the samples.
        size: number of samples of a batch; the last one may have fewer.

    Raises:
        UserError: a record is damaged; with file and field.
    """
    if names:
        yield from _undamaged(dataset, split, dataset.batches(split, names, size), _parts(names, size))


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
    if names:
        batches, parts = dataset.reader.of_names(split, pool, names, size).prefetch(2), _parts(names, size)
        yield from zip(parts, _undamaged(dataset, split, batches, parts), strict=True)


def _parts(names: Sequence[str], size: int) -> list[Sequence[str]]:
    return [names[start : start + size] for start in range(0, len(names), size)]


def _undamaged(
    dataset: Dataset, split: str, batches: tf.data.Dataset, read: Sequence[Sequence[str]]
) -> Iterator[dict[str, tf.Tensor]]:
    """Yield batches, of which ``read`` names the samples.

    Raises:
        UserError: a record is damaged; with file and field.
    """
    remaining = iter(batches)
    for names in read:
        try:
            batch = next(remaining)
        except DAMAGE as error:
            raise UserError(*(dataset.diagnose(split, names) or [f"{split}: {error}"])) from error
        yield batch
