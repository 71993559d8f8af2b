"""Means of an evaluation beside its CSV."""

import json

import pytest

from pix2earth.scoring import means_file

ROWS = [
    {"metric": "PSNR", "mean": 30.5, "median": 30.0, "bicubic": 29.0, "bicubic median": 28.0, "undefined": 0},
    {"metric": "SSIM.inside", "mean": float("nan"), "median": float("nan"), "bicubic": 0.5, "undefined": 2},
]


def test_means_are_named_as_the_columns_of_the_csv(tmp_path):
    path = means_file.write(tmp_path / "x_1.0.csv", "test", ROWS, "bicubic")
    assert path == tmp_path / "x_1.0.metrics.json"
    assert json.loads(path.read_text()) == {
        "test": {"PSNR": 30.5, "PSNR_bicubic": 29.0, "SSIM.inside": None, "SSIM.inside_bicubic": 0.5}
    }


def test_other_splits_are_kept_and_the_same_one_is_replaced(tmp_path):
    csv = tmp_path / "x.csv"
    means_file.write(csv, "val", ROWS[:1], None)
    means_file.write(csv, "test", ROWS[:1], None)
    means_file.write(csv, "test", [{**ROWS[0], "mean": 31.0}], None)
    assert json.loads(means_file.path_beside(csv).read_text()) == {"val": {"PSNR": 30.5}, "test": {"PSNR": 31.0}}


@pytest.mark.parametrize("content", ["{", "[1]", ""])
def test_a_damaged_file_is_written_again(tmp_path, content):
    csv = tmp_path / "x.csv"
    means_file.path_beside(csv).write_text(content)
    means_file.write(csv, "test", ROWS[:1], None)
    assert json.loads(means_file.path_beside(csv).read_text()) == {"test": {"PSNR": 30.5}}
