"""A dataset that ``make`` wrote, read back sample by sample in physical units."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from pydantic import ValidationError

from pix2earth.records.listing import open_folder
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError
from synthetic.presets.datasets import ABOUT
from synthetic.schema.dataset import PRESETS, DatasetConfiguration


class Sample(NamedTuple):
    """One sample: images in physical units (float32, NaN where there is no data), masks and classes as stored."""

    fields: dict[str, np.ndarray]
    acquired: list[datetime]


class Stored:
    """A dataset of the made-up Earth on disk."""

    def __init__(self, path: str) -> None:
        """Open the dataset at DATA_ROOT/NAME or DATA_ROOT/NAME/SIZE.

        Raises:
            UserError: there is none, it is of real data, or of another version of this program.
        """
        self.listing = open_folder(path)
        self.folder, self.manifest = self.listing.folder, self.listing.manifest
        self.configuration = self._configuration()

    def _configuration(self) -> Any:
        about = self.folder / ABOUT
        if not about.is_file():
            raise UserError(f"{self.folder}: has no {ABOUT}: it is no dataset of `python -m synthetic make`")
        try:
            data = json.loads(about.read_text(encoding="utf-8"))["configuration"]
            made: DatasetConfiguration = PRESETS[data["preset"]].model_validate(data, strict=False)
        except (ValueError, KeyError, TypeError, ValidationError):
            raise UserError(f"{about}: is damaged or of another version; write the dataset again") from None
        return made

    @property
    def target(self) -> Field:
        """The field to be made."""
        return self.manifest.fields[self.manifest.target]

    def names(self, split: str) -> list[str]:
        """Return the names of a split's samples.

        Raises:
            UserError: it has none.
        """
        names = self.listing.names(split)
        if not names:
            raise UserError(f"{self.folder}: has no samples in {split}; write it with scenes.{split} of at least 1")
        return names

    def samples(self, split: str, only: Sequence[str] | None = None) -> Iterator[Sample]:
        """Yield the samples of a split, with all their fields or only some.

        Raises:
            UserError: a record is damaged.
        """
        from pix2earth.records.format import read

        for name in self.names(split):
            try:
                arrays, about = read(self.listing.path(split, name), self.manifest)
            except ValueError as error:
                raise UserError(f"{error}; write the dataset again") from None
            chosen = {name: physical(arrays[name], self.manifest.fields[name]) for name in only or arrays}
            yield Sample(chosen, [datetime.fromisoformat(time) for time in about["acquired"]])


def physical(stored: np.ndarray, field: Field) -> np.ndarray:
    """Return an image in physical units, float32, NaN where there is no data; other fields as they are."""
    if field.kind != "image":
        return stored
    values = stored.astype(np.float32) * np.float32(field.scale) + np.float32(field.offset)
    return values if field.nodata is None else np.where(stored == field.nodata, np.float32(np.nan), values)


def days_between(times: Sequence[datetime], reference: datetime) -> np.ndarray:
    """Return the days from a time to others, negative before it."""
    return np.array([(time - reference).total_seconds() / 86400 for time in times])
