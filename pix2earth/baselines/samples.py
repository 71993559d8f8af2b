"""Samples in physical units, and sets of baselines that predict their targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from pix2earth.records.listing import Listing, open_folder
from pix2earth.records.manifest import Field, Manifest
from pix2earth.records.metadata import acquisition_times
from pix2earth.records.sequences import sequences
from pix2earth.settings.errors import UserError


class Sample(NamedTuple):
    """One sample: images in physical units (float32, NaN where there is no data), masks and classes as stored."""

    fields: dict[str, np.ndarray]
    acquired: list[datetime]


Predictor = Callable[[Sample], np.ndarray]
"""From a sample, of which it must not read the target, to a prediction of the target in physical units.

In datasets of sequences, from a whole sequence to predictions of its time steps.
"""


class BaselineSet(NamedTuple):
    """Baselines by name, and how to score them.

    Attributes:
        predictors: in the order of the table.
        bands: positions of the target's bands that are predicted; None: all.
        regions: title in the table -> (inside or outside, mask field); what to score in addition to the whole image.
        notes: what a reader of the table has to know.
    """

    predictors: Mapping[str, Predictor]
    bands: list[int] | None = None
    regions: Mapping[str, tuple[str, str]] = {}
    notes: str = ""


class PhysicalDataset:
    """A dataset on disk, read sample by sample in physical units."""

    def __init__(self, source: str | Listing) -> None:
        """Open the dataset at DATA_ROOT/NAME or DATA_ROOT/NAME/SIZE, or that of a listing.

        Raises:
            UserError: there is none.
        """
        self.listing = open_folder(source) if isinstance(source, str) else source
        self.folder = self.listing.folder
        self.manifest: Manifest = self.listing.manifest

    @property
    def target(self) -> Field:
        """The field to be predicted."""
        return self.manifest.fields[self.manifest.target]

    def names(self, split: str) -> list[str]:
        """Return the names of a split's samples.

        Raises:
            UserError: it has none.
        """
        names = self.listing.names(split)
        if not names:
            raise UserError(f"{self.folder}: has no samples in {split}; write the dataset with a {split} split")
        return names

    def samples(self, split: str, only: Sequence[str] | None = None) -> Iterator[Sample]:
        """Yield the samples of a split, with all their fields or only some.

        Raises:
            UserError: a record is damaged.
        """
        yield from self.named(split, self.names(split), only)

    def named(self, split: str, names: Sequence[str], only: Sequence[str] | None = None) -> Iterator[Sample]:
        """Yield some samples of a split in the order of their names, with all their fields or only some.

        Raises:
            UserError: a record is damaged.
        """
        for name in names:
            yield self._sample(split, name, only)

    def sequence_names(self, split: str) -> list[list[str]]:
        """Return the names of each sequence of a split in the order of time, for datasets of sequences.

        Raises:
            UserError: it has no samples, or names that do not match the manifest's pattern.
        """
        return list(sequences(self.names(split), self.manifest.sequence or "").values())

    def sequences(self, split: str) -> Iterator[Sample]:
        """Yield the sequences of a split: fields get a time axis, and there is one time for each time step.

        Raises:
            UserError: a record is damaged, or names do not match the manifest's pattern.
        """
        for names in self.sequence_names(split):
            frames = [self._sample(split, name) for name in names]
            fields = {field: np.stack([frame.fields[field] for frame in frames]) for field in self.manifest.fields}
            yield Sample(fields, [frame.acquired[0] for frame in frames])

    def _sample(self, split: str, name: str, only: Sequence[str] | None = None) -> Sample:
        from pix2earth.records.format import read

        try:
            arrays, metadata = read(self.listing.path(split, name), self.manifest)
        except ValueError as error:
            raise UserError(f"{error}; write the dataset again") from None
        fields = {field: physical(arrays[field], self.manifest.fields[field]) for field in only or arrays}
        # Of single fields, those of the target come first, as in records that have one list.
        others = [field for field in self.manifest.fields if field != self.manifest.target]
        times = acquisition_times(metadata, self.manifest.target, *others)
        return Sample(fields, [datetime.fromisoformat(time) for time in times])


def time_steps_of(sequence: Sample) -> list[Sample]:
    """Return the samples of a sequence, one for each time step."""
    return [
        Sample({name: values[position] for name, values in sequence.fields.items()}, [time])
        for position, time in enumerate(sequence.acquired)
    ]


def physical(stored: np.ndarray, field: Field) -> np.ndarray:
    """Return an image in physical units, float32, NaN where there is no data; other fields as they are."""
    if field.kind != "image":
        return stored
    values = stored.astype(np.float32) * np.float32(field.scale) + np.float32(field.offset)
    return values if field.nodata is None else np.where(stored == field.nodata, np.float32(np.nan), values)


def days_between(times: Sequence[datetime], reference: datetime) -> np.ndarray:
    """Return the days from a time to others, negative before it."""
    return np.array([(time - reference).total_seconds() / 86400 for time in times])
