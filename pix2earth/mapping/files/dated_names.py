"""Dates in names of files."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

USUAL = ("%Y%m%dT%H%M%S", "%Y-%m-%dT%H%M%S", "%Y%m%d_%H%M%S", "%Y-%m-%d", "%Y_%m_%d", "%Y%m%d")
"""How dates are usually written in names; the first that fits counts."""
DIGITS = {"%Y": r"\d{4}", "%j": r"\d{3}", **dict.fromkeys(("%m", "%d", "%H", "%M", "%S", "%y"), r"\d{2}")}


class DatedName(NamedTuple):
    """A name with its date.

    Attributes:
        text: the date as it is written, with a letter right after it, which tells two overpasses of a day apart.
        time: ISO 8601.
        words: the other words of the name.
    """

    text: str
    time: str
    words: tuple[str, ...]


def dated(name: str, written: str | None) -> DatedName | None:
    """Return the date in a name without ending, or None where there is none.

    Args:
        name: such as ``ndvi_20151208b``.
        written: how dates are written, in letters of strftime; None: in one of the usual ways.
    """
    for form in USUAL if written is None else (written,):
        pattern = re.escape(form)
        for letter, digits in DIGITS.items():
            pattern = pattern.replace(letter, digits)
        for match in re.finditer(rf"(?<!\d)({pattern})([a-z]?)(?![0-9a-z])", name, re.IGNORECASE):
            try:
                time = datetime.strptime(match[1], form)
            except ValueError:
                continue
            rest = f"{name[: match.start()]} {name[match.end() :]}"
            has_time = any(letter in form for letter in ("%H", "%M", "%S"))
            return DatedName(match[0], time.isoformat() if has_time else time.date().isoformat(), words_of(rest))
    return None


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a name: runs of letters and digits."""
    return tuple(word for word in re.split(r"[^0-9A-Za-z]+", text) if word)
