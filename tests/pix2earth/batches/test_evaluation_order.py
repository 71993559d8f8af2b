"""Samples are evaluated in groups of equal size, sequences from their first time step on."""

from pix2earth.batches.evaluation_order import groups, groups_of_sequences

PATTERN = r"(?P<sequence>.+)_t(?P<position>\d+)"
NAMES = [
    *(f"a_t{step}" for step in range(3)),
    *(f"b_t{step}" for step in range(2)),
    "c_t0",
    *(f"d_t{i}" for i in range(12)),
]


def test_the_last_group_is_filled_and_the_filling_not_scored():
    found = list(groups(["a", "b", "c", "d", "e"], 2))
    assert [group.read for group in found] == [["a", "b"], ["c", "d"], ["e", "a"]]
    assert [group.scored for group in found] == [["a", "b"], ["c", "d"], ["e", None]]
    assert all(group.starts is None for group in found)


def test_every_sample_of_a_sequence_is_scored_once_in_the_order_of_time():
    found = list(groups_of_sequences(NAMES, NAMES, PATTERN, 2))
    assert sorted(name for group in found for name in group.scored if name) == sorted(NAMES)
    assert all(len(group.read) == len(group.scored) == 2 for group in found)
    lanes = [[group.scored[lane] for group in found if group.scored[lane]] for lane in (0, 1)]
    assert lanes[0] == [*NAMES[:3], "c_t0"] and lanes[1] == [*NAMES[3:5], *NAMES[6:]]  # t10 comes after t9
    starts = [group.read for group in found if group.starts == [1.0, 1.0]]
    assert starts == [["a_t0", "b_t0"], ["c_t0", "d_t0"]]
    assert [group.starts for group in found].count([1.0, 1.0]) == 2


def test_earlier_time_steps_are_read_for_the_state_and_not_scored():
    found = list(groups_of_sequences(["a_t2", "b_t0"], NAMES, PATTERN, 3))
    assert [group.read for group in found] == [
        ["a_t0", "b_t0", "a_t0"],
        ["a_t1", "b_t0", "a_t1"],
        ["a_t2", "b_t0", "a_t2"],
    ]
    assert [group.scored for group in found] == [[None, "b_t0", None], [None] * 3, ["a_t2", None, None]]


def test_nothing_to_score():
    assert list(groups_of_sequences([], NAMES, PATTERN, 2)) == []
