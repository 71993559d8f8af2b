"""Golden files: weights, inputs and outputs of published networks, and the comparison with them.

``PIX2EARTH_GOLDEN=DIR pytest tests -k golden`` compares all files of a folder; without it those of ``tests/golden``.
Arrays are as PyTorch has them, images (batch, channel, height, width).
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiment import PROJECT

FOLDER = Path(os.environ.get("PIX2EARTH_GOLDEN") or PROJECT / "tests" / "golden")
TOLERANCE = 1e-4
"""Largest difference of two arrays in relation to the largest number of the expected one."""


class GoldenCase:
    """The arrays of one configuration.

    Attributes:
        arrays: by their names within the case, such as "in/x".
        config: its configuration as the file states it.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> None:
        self.arrays, self.config = arrays, config

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def below(self, prefix: str) -> dict[str, np.ndarray]:
        """Return the arrays whose names start with a prefix, by the rest of their names."""
        return {name.removeprefix(prefix): array for name, array in self.arrays.items() if name.startswith(prefix)}


def load(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return arrays and meta data of a golden file."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "meta"}
        return arrays, json.loads(str(file["meta"]))


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
