"""Columns of the CSV of a run."""

import pytest

from pix2earth.scoring.tables.csv_files import metric_of


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("PSNR", ("PSNR", "")),
        ("PSNR_bicubic", ("PSNR", "bicubic")),
        ("CC_aris", ("CC_aris", "")),
        ("CC_aris_bicubic", ("CC_aris", "bicubic")),
        ("sCC", ("sCC", "")),
        ("tile", None),
        ("step", None),
        ("PSNRs", None),
    ],
)
def test_columns_are_metrics_baselines_or_neither(column, expected):
    assert metric_of(column) == expected
