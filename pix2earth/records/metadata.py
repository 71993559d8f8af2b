"""The metadata of a record, read without its fields. Imports no TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

from pix2earth.settings.errors import UserError

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
