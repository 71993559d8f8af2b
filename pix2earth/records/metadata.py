"""The metadata of a record, read without its fields, and the times of acquisition in it. Imports no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from pix2earth.records.field import Field
from pix2earth.settings.errors import InvalidData, UserError, nearest

Acquired = Sequence[str] | Mapping[str, Sequence[str]]
"""Times of acquisition, ISO 8601: of the record, or of some of its fields by name, one for each time step or one."""

FRAME_HEAD = 12
"""Bytes before the example in a TFRecord file: its length, and the checksum of the length."""
KEY = b"about"


def read_metadata(path: Path) -> dict[str, Any]:
    """Return name, CRS, transform and acquisition times of a sample; only a few bytes of the file are read.

    Args:
        path: a record that the toolkit has written; the original ARISGAN code wrote no metadata.

    Raises:
        UserError: the record is damaged.
    """
    try:
        with path.open("rb") as record:
            record.seek(FRAME_HEAD)
            return json.loads(_about(record))
    except (ValueError, EOFError):
        raise UserError(f"{path}: is damaged; copy or write the dataset again") from None


def acquisition_times(metadata: Mapping[str, Any], *fields: str) -> list[str]:
    """Return times of acquisition, ISO 8601; the list of the record where it states none for single fields.

    Args:
        metadata: of a record.
        fields: whose times to return, one field after the other; none: those of all fields.
    """
    acquired = metadata.get("acquired") or []
    if isinstance(acquired, Mapping):
        return [time for field in fields or acquired for time in acquired.get(field, [])]
    return list(acquired)


def times_of_steps(metadata: Mapping[str, Any], name: str, field: Field) -> list[str]:
    """Return the time of acquisition of each time step of a field; nothing where they are not known.

    A list of the record is known to be that of the field where it has one time only.
    """
    times, steps = acquisition_times(metadata, name), field.time_steps or 1
    if len(times) == 1:
        return times * steps
    return times if isinstance(metadata.get("acquired"), Mapping) and len(times) == steps else []


def stored_times(sample: str, acquired: Acquired, fields: Mapping[str, Field]) -> list[str] | dict[str, list[str]]:
    """Return times of acquisition as a record stores them.

    Args:
        sample: its name, for messages.
        acquired: times of the record, or by field.
        fields: of the sample.

    Raises:
        InvalidData: they are no list, a field is unknown, or its times do not fit its time steps.
    """
    if isinstance(acquired, str):
        raise InvalidData(f"{sample}: acquired: must be a list of times, not the text '{acquired}'")
    if not isinstance(acquired, Mapping):
        return list(acquired)
    for name, times in acquired.items():
        if name not in fields:
            raise InvalidData(f"{sample}: acquired: there is no field '{name}'{nearest(str(name), fields)}")
        steps = fields[name].time_steps or 1
        if isinstance(times, str) or len(times) not in (1, steps):
            expected = "one time" if steps == 1 else f"one time, or {steps}: one for each time step"
            raise InvalidData(f"{sample}: acquired: {name}: must be a list of {expected}, not {times!r}")
        for time in times:
            if not _is_time(time):
                raise InvalidData(f"{sample}: acquired: {name}: {time!r} is no time of ISO 8601, such as 2024-01-12")
    return {name: list(acquired[name]) for name in fields if name in acquired}


def _is_time(time: object) -> bool:
    """Return whether a text is a time of ISO 8601."""
    try:
        datetime.fromisoformat(str(time))
    except ValueError:
        return False
    return isinstance(time, str)


def _about(record: BinaryIO) -> bytes:
    """Return the feature ``about`` of an example, as protocol buffers store it.

    An example is a list of entries, each with a key and a feature; each part is preceded by a tag of one byte and its
    length.
    """
    _part(record)  # the example
    while True:
        end = _part(record) + record.tell()  # an entry
        if record.read(_part(record)) == KEY:
            for _ in range(2):  # the feature and its list of strings
                _part(record)
            return record.read(_part(record))
        record.seek(end)


def _part(record: BinaryIO) -> int:
    """Skip the tag of a part, and return its length."""
    if not record.read(1):
        raise EOFError
    length, shift = 0, 0
    while True:
        (byte,) = record.read(1) or (0,)
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            return length
        shift += 7
