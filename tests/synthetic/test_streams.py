"""Random number streams by purpose, scene and time step."""

import itertools

import numpy as np
import pytest

from synthetic.streams import PURPOSES, stream


def test_equal_arguments_give_equal_numbers():
    np.testing.assert_array_equal(stream(7, "clouds", 3, 1).random(5), stream(7, "clouds", 3, 1).random(5))


def test_different_arguments_give_different_numbers():
    arguments = [(0, "clouds", 3, 1), (1, "clouds", 3, 1), (0, "noise", 3, 1), (0, "clouds", 1, 3), (0, "clouds", 3, 2)]
    for first, second in itertools.combinations(arguments, 2):
        assert not np.isin(stream(*first).random(50), stream(*second).random(50)).any()


def test_all_purposes_have_different_numbers():
    first_numbers = [stream(7, purpose).random() for purpose in PURPOSES]
    assert len(set(first_numbers)) == len(PURPOSES)


def test_numbers_are_frozen():
    """A change would change the data of every seed; computed with NumPy alone from the CRC-32 of the purpose."""
    sequence = np.random.SeedSequence(entropy=7, spawn_key=(0x9A8285D0, 2, 5))
    expected = np.random.Generator(np.random.PCG64(sequence)).random(3)
    np.testing.assert_array_equal(stream(7, "clouds", 2, 5).random(3), expected)


def test_an_unknown_purpose_is_an_error():
    with pytest.raises(KeyError, match="'cloud'"):
        stream(7, "cloud")
