"""Sequences of samples by their names: their order, and names that do not fit."""

import random

import pytest

from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.sequences import sequences
from pix2earth.settings.errors import UserError

PATTERN = r"(?P<sequence>.+)_t(?P<position>\d+)"


def test_names_are_in_the_order_of_time_whatever_order_they_come_in():
    expected = {place: [f"{place}_t{step:02d}" for step in range(12)] for place in ("scene_0001", "scene_0010")}
    names = [name for members in expected.values() for name in members]
    random.Random(0).shuffle(names)
    found = sequences(names, PATTERN)
    assert found == expected
    assert list(found) == ["scene_0001", "scene_0010"]


def test_positions_of_digits_are_numbers():
    assert sequences(["a_t10", "a_t9", "a_t100"], PATTERN) == {"a": ["a_t9", "a_t10", "a_t100"]}


def test_other_positions_are_in_the_order_of_text():
    pattern = r"(?P<position>[0-9T]+)_(?P<sequence>\w+)"
    names = ["20240301T10_b", "20240105T10_b", "20240105T09_a"]
    assert sequences(names, pattern) == {"a": ["20240105T09_a"], "b": ["20240105T10_b", "20240301T10_b"]}


def test_there_may_be_no_names():
    assert sequences([], PATTERN) == {}


@pytest.mark.parametrize("name", ["scene_0001", "scene_0001_t", "scene_0001_t01_more", "_t01"])
def test_a_name_that_does_not_match_as_a_whole_is_named(name):
    with pytest.raises(UserError) as caught:
        sequences(["a_t00", name], PATTERN)
    (line,) = caught.value.lines
    assert line.startswith(f"sample '{name}': does not match sequence '{PATTERN}'")


def test_a_group_that_takes_no_part_does_not_match():
    with pytest.raises(UserError, match="sample 'a': does not match"):
        sequences(["a", "b_t1"], r"(?P<sequence>[a-z])(_t(?P<position>\d+))?")


def test_two_samples_at_one_position_are_named():
    with pytest.raises(UserError) as caught:
        sequences(["a_t01", "a_t1", "b_t1"], PATTERN)
    (line,) = caught.value.lines
    assert line == "samples 'a_t01' and 'a_t1': have one position, 1; rename one of them"


class TestPatterns:
    def manifest(self, pattern):
        fields = {"target": Field(dtype="uint8", shape=[8, 8, 1], bands=["a"])}
        split = Split(method="scene")
        return Manifest(name="small", tilesize=8, fields=fields, input="target", split=split, sequence=pattern)

    def test_a_pattern_with_both_groups_is_kept(self):
        assert self.manifest(PATTERN).sequence == PATTERN
        assert self.manifest(None).sequence is None

    @pytest.mark.parametrize(
        ("pattern", "fault"),
        [
            (r"(?P<sequence>.+_t(?P<position>\d+)", "is no regular expression: missing )"),
            (r"(?P<sequence>.{99999999999})(?P<position>.)", "is no regular expression: the repetition number is too"),
            (r"(?P<sequence>.+)_t(\d+)", "has no group 'position'; write (?P<position>...)"),
            (r".+_t(?P<position>\d+)", "has no group 'sequence'; write (?P<sequence>...)"),
        ],
    )
    def test_another_pattern_is_refused_in_one_line(self, pattern, fault):
        with pytest.raises(ValueError) as caught:
            self.manifest(pattern)
        (line,) = str(caught.value).splitlines()
        assert fault in line
        assert line.startswith("Manifest: sequence: ")
