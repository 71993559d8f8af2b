"""Random numbers belong to a purpose, a scene and a date."""

import itertools

import numpy as np
import pytest

from synthetic.streams import PURPOSES, stream


def test_the_same_arguments_give_the_same_numbers():
    np.testing.assert_array_equal(stream(7, "clouds", 3, 1).random(5), stream(7, "clouds", 3, 1).random(5))


def test_other_arguments_give_other_numbers():
    arguments = [(0, "clouds", 3, 1), (1, "clouds", 3, 1), (0, "noise", 3, 1), (0, "clouds", 1, 3), (0, "clouds", 3, 2)]
    for one, other in itertools.combinations(arguments, 2):
        assert not np.isin(stream(*one).random(50), stream(*other).random(50)).any()


def test_no_two_purposes_share_their_numbers():
    first = [stream(7, purpose).random() for purpose in PURPOSES]
    assert len(set(first)) == len(PURPOSES)


def test_numbers_are_frozen():
    """A change would make other data of every seed; computed with NumPy alone from the CRC-32 of the purpose."""
    sequence = np.random.SeedSequence(entropy=7, spawn_key=(0x9A8285D0, 2, 5))
    wanted = np.random.Generator(np.random.PCG64(sequence)).random(3)
    np.testing.assert_array_equal(stream(7, "clouds", 2, 5).random(3), wanted)


def test_a_purpose_that_nobody_knows_is_refused():
    with pytest.raises(KeyError, match="'cloud'"):
        stream(7, "cloud")
