"""The file beside a CSV of scores: what it holds, and that rows which do not belong to it are refused."""

import json

import pytest

from pix2earth.scoring import origins
from pix2earth.settings.errors import UserError

RUN = {"experiment": "g/x", "timestamp": "0101-0000", "started": "2026-01-01T00:00:00+00:00"}
ROWS = [
    {"tile": "NA", "split": "val", "step": 4, "PSNR": 30.1},
    {"tile": "1e5", "split": "val", "step": 4, "PSNR": None},
]
ENTRY = {"step": 4, "identity": {"seed": 0}}


@pytest.fixture
def table(tmp_path):
    origins.write(tmp_path / "g_x_0101-0000.csv", "val", ROWS, RUN, ENTRY)
    return tmp_path / "g_x_0101-0000.csv"


def test_it_holds_the_run_and_an_entry_for_each_split(table):
    content = json.loads(table.with_name("g_x_0101-0000.csv.json").read_text())
    assert content["version"] == 1 and {key: content[key] for key in RUN} == RUN
    assert origins.load(table)["splits"]["val"]["identity"] == {"seed": 0}
    assert table.read_text() == "index,tile,split,step,PSNR\n0,NA,val,4,30.1\n1,1e5,val,4,\n"


def test_another_split_is_added_and_the_first_is_kept(table):
    rows = [{"tile": "b", "split": "test", "step": 2, "SSIM": 0.1 + 0.2}]
    origins.write(table, "test", rows, RUN, {"step": 2})
    assert set(origins.load(table)["splits"]) == {"val", "test"}
    assert table.read_text().splitlines()[0] == "index,tile,split,step,PSNR,SSIM"
    assert table.read_text().splitlines()[3] == "2,b,test,2,,0.30000000000000004"


def test_the_same_split_is_replaced(table):
    origins.write(table, "val", ROWS[:1], RUN, {"step": 6})
    assert origins.load(table)["splits"]["val"]["step"] == 6 and len(origins.rows_of(table)) == 1


@pytest.mark.parametrize("edit", [("30.1", "39.1"), ("0,NA,val,4,30.1\n", "")])
def test_changed_rows_are_refused_with_the_command_that_cures_it(table, edit):
    table.write_text(table.read_text().replace(*edit))
    with pytest.raises(UserError, match=r"do not belong .* evaluate\.py --exp g/x --timestamp 0101-0000 --split val"):
        origins.load(table)


def test_a_process_killed_between_both_files_leaves_no_wrong_pair(table):
    before = table.read_text()
    origins.write(table, "val", ROWS[:1], RUN, {"step": 6})
    table.write_text(before)  # the file beside it is written first
    with pytest.raises(UserError, match="do not belong"):
        origins.load(table)
    origins.write(table, "val", ROWS[:1], RUN, {"step": 6})
    assert origins.load(table)["splits"]["val"]["step"] == 6


def test_rows_of_a_former_version_are_kept_and_have_no_entry(table):
    origins.path_of(table).unlink()
    assert origins.load(table) is None
    origins.write(table, "test", [{"tile": "b", "split": "test", "step": 2, "PSNR": 1.0}], RUN, {"step": 2})
    assert set(origins.load(table)["splits"]) == {"test"} and len(origins.rows_of(table)) == 3


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"version": 1}', '{"version": 9, "experiment": 1, "timestamp": 1, "splits": {}}']
)
def test_a_damaged_file_or_one_of_a_later_version_is_an_error(table, content):
    origins.path_of(table).write_text(content)
    with pytest.raises(UserError, match=r"csv\.json"):
        origins.load(table)
