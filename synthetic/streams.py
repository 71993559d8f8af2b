"""Random number streams by purpose, scene and time step: results do not depend on the order of the calls."""

from __future__ import annotations

import zlib

import numpy as np

PURPOSES = frozenset(
    {
        "points", "labels", "borders", "fields", "river", "roads", "instances", "texture", "radar texture", "moisture",
        "dates", "wind", "clouds", "covers", "sun", "gain", "noise", "shift", "speckle", "impulses", "snow", "gaps",
        "series", "latitude",
    }
)  # fmt: skip
"""The names of all streams. A new one never changes the numbers of another; a renamed one changes all data."""


def stream(seed: int, purpose: str, scene: int = 0, time_step: int = 0) -> np.random.Generator:
    """Return the random generator of one purpose, scene and time step: a pure function of its arguments.

    Args:
        seed: of the whole dataset; 0 is a seed like any other.
        purpose: one of ``PURPOSES``.
        scene: number of the scene.
        time_step: number of the acquisition within the scene.

    Raises:
        KeyError: there is no such purpose.
    """
    if purpose not in PURPOSES:
        raise KeyError(f"no stream is called {purpose!r}")
    key = (zlib.crc32(purpose.encode("ascii")), scene, time_step)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=key)))
