"""Sequences: samples that are the time steps of one place, by their names. Imports no TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pix2earth.settings.errors import UserError

GROUPS = ("sequence", "position")
SHOWN = 20
"""Lines of an error; the others are counted."""


def checked_pattern(pattern: str) -> str:
    """Return a pattern for names of samples unchanged.

    Raises:
        ValueError: it is no regular expression, or lacks a group.
    """
    try:
        groups = re.compile(pattern).groupindex
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"'{pattern}' is no regular expression: {error}") from None
    for name in GROUPS:
        if name not in groups:
            raise ValueError(f"'{pattern}' has no group '{name}'; write (?P<{name}>...) around that part of names")
    return pattern


def sequences(names: Iterable[str], pattern: str) -> dict[str, list[str]]:
    """Return the names of each sequence in the order of time, sorted by the name of the sequence.

    Args:
        names: names of samples.
        pattern: the manifest's ``sequence``, with the groups ``sequence`` and ``position``; whole names match it.
            Positions are compared as integers where all of a sequence are digits, else as text.

    Raises:
        UserError: one line for each name that does not match, and for each two samples at one position.
    """
    expression = re.compile(pattern)
    members: dict[str, list[tuple[str, str]]] = {}
    unmatched = []
    for name in sorted(names):
        match = expression.fullmatch(name)
        if match is None or None in (match["sequence"], match["position"]):
            unmatched.append(name)
        else:
            members.setdefault(match["sequence"], []).append((match["position"], name))
    lines = [
        f"sample '{name}': does not match sequence '{pattern}' of the dataset; correct one of them"
        for name in unmatched
    ]
    found = {sequence: _in_order(members[sequence], lines) for sequence in sorted(members)}
    if lines:
        raise UserError(*lines[:SHOWN], *([f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []))
    return found


def _in_order(members: list[tuple[str, str]], lines: list[str]) -> list[str]:
    """Return the names of (position, name) in order, and append a line for each position that two samples have."""
    numbers = all(position.isdecimal() for position, _ in members)
    places: dict[int | str, str] = {}
    for position, name in members:
        place = int(position) if numbers else position
        if place in places:
            lines.append(f"samples '{places[place]}' and '{name}': have one position, {position}; rename one of them")
        places[place] = name
    return [places[place] for place in sorted(places)]  # type: ignore[type-var]
