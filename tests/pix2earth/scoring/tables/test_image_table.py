"""Scores of one run as a table of images."""

import numpy as np
import pandas as pd
import pytest

from pix2earth.scoring.tables import image_table
from pix2earth.settings.errors import UserError


def test_columns_are_the_metrics_of_the_prediction_and_the_hidden_share(finished_run, tiny_arrays):
    root = finished_run("x", "a", metrics=["PSNR", "SSIM"])
    table = image_table.of_run(root, "x_a")
    expected = pd.read_csv(root / "_evaluation/x_a.csv", index_col="tile")
    assert list(table) == ["PSNR", "SSIM", image_table.HIDDEN]
    pd.testing.assert_frame_equal(table[["PSNR", "SSIM"]], expected[["PSNR", "SSIM"]])
    shares = {name: (tiny_arrays["val"][name]["cloud_mask"] > 0).mean() for name in table.index}
    np.testing.assert_allclose(table[image_table.HIDDEN], pd.Series(shares)[table.index])


def test_a_run_and_a_split_that_are_not_there_are_errors(finished_run):
    root = finished_run("x", "a", metrics=["PSNR", "SSIM"])
    with pytest.raises(UserError, match=r"has no scores of the run 'x_b'.*'?x_a"):
        image_table.of_run(root, "x_b")
    with pytest.raises(UserError, match="has no scores of test; there are those of val"):
        image_table.of_run(root, "x_a", "test")
    assert len(image_table.of_run(root, "x_a", "val")) == 6
