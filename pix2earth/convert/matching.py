"""Find the networks of a plug-in in a published state: by names alone, nothing is guessed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

IGNORED = ("num_batches_tracked",)
"""Last parts of names that no network needs."""
SHOWN = 10
"""Names that a message lists."""


class Match(NamedTuple):
    """Where a network is in a state.

    Attributes:
        network: its name.
        prefix: of its names in the state.
    """

    network: str
    prefix: str


def prefixes(state: Mapping[str, np.ndarray]) -> set[str]:
    """Return all beginnings of names that end with a dot, and ""."""
    found = {""}
    for name in state:
        parts = name.split(".")
        found |= {".".join(parts[:count]) + "." for count in range(1, len(parts))}
    return found


def find(network: str, names: Collection[str], state: Mapping[str, np.ndarray]) -> Match | None:
    """Return the only place in a state that has all names of a network, or None.

    Raises:
        ValueError: there are several.
    """
    places = [prefix for prefix in prefixes(state) if all(prefix + name in state for name in names)]
    if len(places) > 1:
        listed = ", ".join(repr(place) for place in sorted(places))
        raise ValueError(f"{network}: its names are in several places ({listed})")
    return Match(network, places[0]) if places else None


def nearest(names: Collection[str], state: Mapping[str, np.ndarray]) -> tuple[str, list[str]]:
    """Return the prefix under which most names of a network are in a state, and the names that are missing there."""
    best = max(sorted(prefixes(state)), key=lambda prefix: sum(prefix + name in state for name in names))
    return best, sorted(name for name in names if best + name not in state)


def left_over(
    state: Mapping[str, np.ndarray], matches: Collection[Match], names: Mapping[str, Collection[str]]
) -> list[str]:
    """Return the names of a state that belong to no network.

    Args:
        state: the published arrays.
        matches: of the networks that were found.
        names: published names of each network.
    """
    used = {match.prefix + name for match in matches for name in names[match.network]}
    return sorted(name for name in state if name not in used and name.rsplit(".", 1)[-1] not in IGNORED)


def shortened(names: Collection[str]) -> str:
    """Return some names as text, and how many more there are."""
    listed = ", ".join(list(names)[:SHOWN])
    return listed + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
