"""Selections, and the frame that is chosen for each scene."""

import pytest

from pix2earth.settings.errors import UserError
from preprocessing.scenes import inventory
from preprocessing.scenes.selection import best_pairs, read_selection

HEADER = "index,year,month,s2,s2date,s3,s3date,timediff,s3filetype,overlap\n"
ROWS = """\
0,2020,7,S2A_a.SAFE,2020-07-02 17:29:01,S3A_0.SEN3,2020-07-02 08:29:01,0 days 09:00:00,SEN3,0.99
1,2020,7,S2A_a.SAFE,2020-07-02 17:29:01,S3A_1.SEN3,2020-07-02 19:29:01,-1 days +22:00:00,SEN3,0.80
2,2020,7,S2A_a.SAFE,2020-07-02 17:29:01,S3A_2.SEN3,2020-07-02 16:29:01,0 days 01:00:00,SEN3,0.30
3,2020,7,S2A_a.SAFE,2020-07-02 17:29:01,S3A_3.SEN3,2020-07-03 06:29:01,-1 days +11:00:00,SEN3,1.0
4,2020,8,S2B_b.SAFE,2020-08-02 17:29:01,S3A_4.zip,2020-08-02 16:29:01,0 days 01:00:00,zip,
5,2020,8,S2B_b.SAFE,2020-08-02 17:29:01,S3A_5.SEN3,2020-08-02 15:29:01,0 days 02:00:00,SEN3,0.7
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "inv_T17XNA_10h.csv"
    path.write_text(HEADER + ROWS)
    return inventory.read(path)


def never(s2, s3):
    raise AssertionError("a stated overlap is not measured again")


def test_the_frame_nearest_in_time_with_enough_overlap_is_chosen(table):
    # Row 2 is nearer but covers too little; as strings the differences would sort in another order.
    pairs, lines = best_pairs([0], table, 0.5, never)
    assert [(pair.number, pair.selected, pair.s2, pair.s3) for pair in pairs] == [(1, 0, "S2A_a.SAFE", "S3A_1.SEN3")]
    assert pairs[0].label == "00001"
    assert lines == []
    assert best_pairs([0], table, 0.9, never)[0][0].number == 0
    assert best_pairs([0], table, 0.3, never)[0][0].number == 2


def test_rows_of_one_scene_give_one_pair(table):
    pairs, _ = best_pairs([3, 0, 1], table, 0.5, never)
    assert [pair.number for pair in pairs] == [1]


def test_empty_overlaps_are_measured(table):
    assert best_pairs([5], table, 0.5, lambda s2, s3: {"S3A_4.zip": 0.9}[s3])[0][0].number == 4
    assert best_pairs([5], table, 0.5, lambda s2, s3: 0.1)[0][0].number == 5


def test_scenes_without_a_frame_are_reported(table):
    pairs, lines = best_pairs([0, 4], table, 0.95, lambda s2, s3: 0.5)
    assert [pair.number for pair in pairs] == [0]
    assert lines == ["4: no frame covers 0.95 of S2B_b.SAFE (at most 0.70)"]


def test_unknown_rows_are_refused(table):
    with pytest.raises(UserError, match="17 is no row"):
        best_pairs([0, 17], table, 0.5, never)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"inventory": "inv_T17XNA_10h"}', "s2_indices"),
        ('{"inventory": "inv_T17XNA_10h", "s2_indexes": [1]}', "did you mean 's2_indices'"),
        ('{"inventory": "inv_T17XNA_10h", "s2_indices": []}', "is empty"),
        ('{"inventory": "../x", "s2_indices": [1]}', "must be the name of a file"),
        ('{"inventory": "sel", "s2_indices": [1]}', "has the name of its inventory"),
    ],
)
def test_wrong_selections_are_refused(tmp_path, content, message):
    (tmp_path / "sel.json").write_text(content)
    with pytest.raises(UserError, match=message):
        read_selection(tmp_path, "sel")


def test_selections_are_found_by_name(tmp_path):
    (tmp_path / "sel.json").write_text('{"inventory": "inv_T17XNA_10h.csv", "s2_indices": [3, 1]}')
    selection = read_selection(tmp_path, "sel")
    assert (selection.inventory, selection.s2_indices) == ("inv_T17XNA_10h", [3, 1])
    with pytest.raises(UserError, match="did you mean 'sel'"):
        read_selection(tmp_path, "sell")
    with pytest.raises(UserError, match="must be the name"):
        read_selection(tmp_path, "../sel")
