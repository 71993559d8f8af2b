"""Golden files: weights, inputs and outputs of published networks, and the comparison with them.

``PIX2EARTH_GOLDEN=DIR pytest tests -k golden`` compares all files of a folder; without it those of ``tests/golden``.
Arrays are as PyTorch has them, images (batch, channel, height, width).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiment import PROJECT
from tests.golden_keys import kind_of, unread

FOLDER = Path(os.environ.get("PIX2EARTH_GOLDEN") or PROJECT / "tests" / "golden")
TOLERANCE = 1e-4
"""Largest difference of two arrays in relation to the largest number of the expected one."""


READ: dict[str, set[str]] = {}
"""Names of the arrays that the present test has read, by the stem of their file."""
KEYS: dict[str, list[str]] = {}
"""Names of all arrays of each file that was loaded, by its stem."""


class Arrays(Mapping[str, np.ndarray]):
    """Arrays of a golden file whose names start with a prefix, by the rest of their names; `READ` notes each that is
    read."""

    def __init__(self, stem: str, arrays: dict[str, np.ndarray], prefix: str = "", without: str | None = None) -> None:
        """Take arrays.

        Args:
            stem: of the file.
            arrays: all arrays of the file.
            prefix: of the names.
            without: names that start with this are left out.
        """
        self._stem, self._arrays, self._prefix, self._without = stem, arrays, prefix, without

    def __getitem__(self, name: str) -> np.ndarray:
        array = self._arrays[self._prefix + name]
        READ.setdefault(self._stem, set()).add(self._prefix + name)
        return array

    def __contains__(self, name: object) -> bool:
        return name in iter(self)

    def __iter__(self) -> Iterator[str]:
        for name in self._arrays:
            if name.startswith(self._prefix) and not (self._without and name.startswith(self._without)):
                yield name.removeprefix(self._prefix)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def below(self, prefix: str, without: str | None = None) -> Arrays:
        """Return the arrays whose names start with a further prefix, by the rest of their names."""
        return Arrays(self._stem, self._arrays, self._prefix + prefix, without or self._without)


class GoldenCase:
    """The arrays of one configuration.

    Attributes:
        arrays: by their names within the case, such as "in/x".
        config: its configuration as the file states it.
    """

    def __init__(self, arrays: Arrays, config: Mapping[str, Any]) -> None:
        self.arrays, self.config = arrays, config

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def below(self, prefix: str) -> Arrays:
        """Return the arrays whose names start with a prefix, by the rest of their names."""
        return self.arrays.below(prefix)


def load(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """Return arrays and meta data of a golden file."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "meta"}
        KEYS[path.stem] = list(arrays)
        return Arrays(path.stem, arrays), json.loads(str(file["meta"])) if "meta" in file.files else {}


def assert_all_read(test: str) -> None:
    """Assert that a test, which has passed, has read all arrays that it compares by the tables of `golden_keys`.

    Args:
        test: its file and function, such as "tests/models/test_golden_rsgan.py::test_golden_unet".
    """
    for stem, read in READ.items():
        kind = kind_of(stem)
        missing = list(unread(test, kind, KEYS[stem], read)) if kind else []
        assert not missing, f"{test} compares by tests/golden_keys.py, and has not read, of {stem}: {missing[:5]}"


def paths(pattern: str) -> list[Any]:
    """Return the files of the folder whose names match a pattern, as parameters of a test, named by their stems."""
    found = sorted(FOLDER.glob(pattern))
    assert found, f"{FOLDER} has no {pattern}"
    return [pytest.param(path, id=path.stem) for path in found]


def image(array: np.ndarray) -> np.ndarray:
    """Return images (batch, channel, height, width) as (batch, height, width, channel)."""
    return np.moveaxis(array, 1, -1)


def difference(actual: Any, expected: np.ndarray) -> float:
    """Return max|actual - expected| / max|expected|; both have the same shape."""
    actual = np.asarray(actual)
    assert actual.shape == expected.shape, f"{actual.shape}, expected {expected.shape}"
    largest = float(np.abs(expected).max(initial=0))
    return float(np.abs(actual - expected).max(initial=0)) / (largest or 1.0)


def assert_golden(actual: Any, expected: np.ndarray, name: str, tolerance: float = TOLERANCE) -> None:
    """Assert that an array equals the expected one within a relative tolerance."""
    found = difference(actual, expected)
    assert found <= tolerance, f"{name}: differs by {found:.2e}, allowed are {tolerance:.0e}"
