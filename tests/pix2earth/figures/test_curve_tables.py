"""Curves of a run as CSV."""

import json

import numpy as np
import pandas as pd
import pytest

from pix2earth.figures import curve_tables
from pix2earth.figures.comparison_page.curves import POINTS


@pytest.fixture
def journal(tmp_path):
    """``journal(*entries)``: the path of a journal with these entries."""

    def write(*entries):
        path = tmp_path / "train.jsonl"
        path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
        return path

    return write


def losses(count):
    return [{"step": step, "epoch": 1, "losses": {"gen": 2.0 * step, "disc": 1.0}} for step in range(1, count + 1)]


def test_losses_and_validations_are_columns_of_two_tables(journal):
    path = journal(*losses(3), {"step": 2, "validation": {"PSNR": 30.5}}, {"step": 3, "validation": {"PSNR": 31.0}})
    written = curve_tables.write(path)
    assert [each.name for each in written] == ["losses.csv", "validation.csv"]
    assert {each.parent for each in written} == {path.parent}
    assert written[0].read_text() == "step,gen,disc\n1.0,2.0,1.0\n2.0,4.0,1.0\n3.0,6.0,1.0\n"
    assert written[1].read_text() == "step,PSNR\n2.0,30.5\n3.0,31.0\n"


def test_values_that_are_not_finite_are_empty_cells(journal):
    path = journal({"step": 1, "losses": {"gen": None, "disc": 1.0}}, {"step": 2, "losses": {"gen": 4.0, "disc": 1.0}})
    (written,) = curve_tables.write(path)
    table = pd.read_csv(written, index_col="step")
    assert np.isnan(table.loc[1, "gen"]) and table.loc[2, "gen"] == 4 and list(table["disc"]) == [1, 1]


def test_long_runs_have_as_many_rows_as_the_page_has_points(journal):
    table = pd.read_csv(curve_tables.write(journal(*losses(1000)))[0])
    assert len(table) == POINTS
    assert table["gen"].tolist() == pytest.approx((2 * table["step"]).tolist(), rel=1e-3)


def test_a_run_that_has_recorded_nothing_has_no_tables(journal, tmp_path):
    assert curve_tables.write(journal()) == [] and curve_tables.write(tmp_path / "missing.jsonl") == []
    assert [path.name for path in tmp_path.iterdir()] == ["train.jsonl"]


def test_a_full_disk_leaves_the_former_table(journal, files_no_larger_than):
    before = curve_tables.write(journal(*losses(2)))[0].read_text()
    path = journal(*losses(500))
    with files_no_larger_than(100), pytest.raises(OSError, match=r"losses\.csv"):
        curve_tables.write(path)
    assert path.with_name("losses.csv").read_text() == before
