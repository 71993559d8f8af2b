"""No array of a golden file is forgotten: each is compared by a test, or left out for a reason."""

import importlib
from collections import Counter

import numpy as np
import pytest

from tests.golden_files import FOLDER, paths
from tests.golden_keys import COMPARED, LEFT_OUT, OF_COMPLETE_FILES, kind_of, patterns, unread


def keys_of(path):
    with np.load(path, allow_pickle=False) as file:
        return [name for name in file.files if name != "meta"]


@pytest.mark.parametrize("path", paths("*.npz"))
def test_golden_keys_are_compared_once_or_left_out(path):
    kind = kind_of(path.stem)
    assert kind is not None, f"{path.name} is of no kind in tests/golden_keys.py"
    for key in keys_of(path):
        compared, left_out = patterns(kind, key)
        found = left_out or compared
        assert len(found) == 1, f"{path.name}: {key} matches {found or 'no pattern'} of tests/golden_keys.py"


def test_golden_patterns_occur():
    """A pattern without a key is one that was misspelt, or left behind."""
    found = Counter()
    for path in sorted(FOLDER.glob("*.npz")):
        kind = kind_of(path.stem)
        for key in keys_of(path):
            compared, left_out = patterns(kind, key)
            found.update((kind, pattern) for pattern in left_out or compared)
    stated = {(kind, pattern) for table in (COMPARED, LEFT_OUT) for kind, of in table.items() for pattern in of}
    assert found.keys() <= stated and stated - found.keys() <= OF_COMPLETE_FILES <= stated


@pytest.mark.parametrize("test", sorted({test for of in COMPARED.values() for test in of.values()}))
def test_golden_tests_exist(test):
    file, function = test.split("::")
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    assert callable(getattr(module, function))
    assert "golden" in test, "`-k golden` would not run it"


def test_golden_keys_that_a_test_leaves_unread_are_found():
    """Of the cases that it has read, since a test may be of one case alone; counters are nobody's."""
    kind, test = "pix2pixcc_generator", "tests/models/test_golden_pix2pixcc.py::test_golden_generator"
    keys = ["in/x", "out/y", "v/deep/in/x", "v/deep/out/y", "v/deep/w/a.num_batches_tracked"]
    assert list(unread(test, kind, keys, ["in/x"])) == ["out/y"]
    assert list(unread(test, kind, keys, ["v/deep/in/x"])) == ["v/deep/out/y"]
    assert list(unread(test, kind, keys, keys[:4])) == []
    assert list(unread("tests/another.py::test", kind, keys, ["in/x"])) == []
