"""Short names for axes and legends: what distinguishes long names, at most so many letters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

LETTERS = 24


def shortened(names: Sequence[str], letters: int = LETTERS) -> dict[str, str]:
    """Return a short name for each name; different names stay different.

    Where all are short enough, they stay as they are. Else what all begin or end with is left out, up to the last
    separator, and "..." stands for the middle of what is still too long.

    Args:
        names: the names.
        letters: largest number of letters; more where names would become alike.
    """
    unique = list(dict.fromkeys(names))
    if all(len(name) <= letters for name in unique):
        return {name: name for name in unique}
    parts = _without_common_ends(unique)
    for length in range(letters, max(map(len, parts)) + 1):
        found = [cut(part, length) for part in parts]
        if len(set(found)) == len(unique):
            return dict(zip(unique, found, strict=True))
    return dict(zip(unique, parts, strict=True))


def _without_common_ends(names: Sequence[str]) -> list[str]:
    if len(names) < 2:
        return list(names)
    start = _common(names)
    end = _common([name[start:][::-1] for name in names])
    parts = [name[start : len(name) - end] for name in names]
    return parts if all(parts) else list(names)


def _common(names: Sequence[str]) -> int:
    """Return how many letters all names begin with, up to the last separator among these."""
    alike = itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    common = "".join(letters[0] for letters in alike)
    return max((place + 1 for place, letter in enumerate(common) if letter in " _-/."), default=0)


def cut(name: str, letters: int) -> str:
    """Return a name of at most so many letters, with "..." for its middle where it is longer."""
    if len(name) <= letters:
        return name
    if letters < 6:
        return name[: max(letters, 1)]
    first = (letters - 2) // 2
    return f"{name[:first]}...{name[len(name) - (letters - 3 - first) :]}"
