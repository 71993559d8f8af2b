"""The summary of an evaluation names the hardest baseline wherever there is one that has no columns of its own."""

from types import SimpleNamespace

import pandas as pd
import pytest

from pix2earth.scoring.evaluation_summary import summary

TABLE = pd.DataFrame(
    {
        "PSNR": [30.0, 32.0], "PSNR_copy": [28.0, 29.0], "PSNR_linear-fit": [31.0, 33.5],
        "RMSE": [3.0, 5.0], "RMSE_copy": [2.0, 3.0], "RMSE_linear-fit": [4.0, 8.0],
    }
)  # fmt: skip


def scorer(chosen, *answers):
    named = [SimpleNamespace(name=name) for name in answers]
    return SimpleNamespace(
        baseline=SimpleNamespace(name=chosen) if chosen else None, answers=named, measures=["PSNR", "RMSE"],
        baselines=[*([chosen] if chosen else []), *answers],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "answers", "hardest"),
    [
        # Means by hand: PSNR 28.5 and 32.25, RMSE 2.5 and 6.
        ("copy", ("linear-fit",), [(32.25, "linear-fit"), (2.5, "copy")]),
        # Gap filling has no chosen baseline, and one answer: without these columns its table would name none.
        (None, ("linear-fit",), [(32.25, "linear-fit"), (6.0, "linear-fit")]),
    ],
)
def test_the_hardest_baseline(chosen, answers, hardest):
    rows = summary(TABLE, scorer(chosen, *answers))
    assert [(row["hardest"], row["hardest baseline"]) for row in rows] == hardest
    assert [row["mean"] for row in rows] == [31.0, 4.0]


@pytest.mark.parametrize("chosen", ["copy", None])
def test_a_chosen_baseline_alone_has_its_own_columns(chosen):
    rows = summary(TABLE, scorer(chosen))
    assert all("hardest" not in row for row in rows)
    assert ("copy" in rows[0]) == bool(chosen)
