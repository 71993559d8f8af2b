"""Means, bins and tables for publication, compared with values computed by hand."""

import numpy as np
import pandas as pd
import pytest

from pix2earth.scoring.tables import summary


def scores_of(values, *, dataset="sea", mask="all", baseline=()):
    """Return the table of scores of ``values[model][metric]``, lists with a score for each tile."""
    rows = [
        {
            "loss": "l1", "mask": mask, "dataset": dataset, "model": model, "batch": "b16", "run": f"{model}_1",
            "label": model, "baseline": model in baseline, "tile": str(tile), "metric": metric, "value": value,
        }
        for model, metrics in values.items()
        for metric, tiles in metrics.items()
        for tile, value in enumerate(tiles)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_means_are_those_of_pandas():
    random = np.random.default_rng(5).normal(size=(2, 20))
    scores = scores_of({"psgan": {"PSNR": random[0]}, "aris-a": {"PSNR": random[1], "SAM": random[0]}})
    table = summary.means(scores)
    statistics = ("mean", "std", "tiles")
    assert list(table.columns) == [(metric, name) for metric in ("SAM", "PSNR") for name in statistics]
    assert list(table.index.names) == ["loss", "mask", "dataset", "model", "batch", "run"]
    row = table.loc["l1", "all", "sea", "aris-a", "b16", "aris-a_1"]
    assert row["PSNR", "mean"] == pytest.approx(random[1].mean())
    assert row["PSNR", "std"] == pytest.approx(random[1].std(ddof=1))
    assert row["SAM", "mean"] == pytest.approx(random[0].mean())


def test_undefined_scores_are_counted_and_missing_ones_are_not():
    scores = scores_of({"a": {"PSNR": [1, 3, np.nan, np.inf]}, "b": {"PSNR": [np.nan], "SAM": [1]}})
    table = summary.means(scores).droplevel(["loss", "mask", "dataset", "batch", "run"])
    assert table.loc["a", ("PSNR", "mean")] == 2 and table.loc["a", ("PSNR", "undefined")] == 2
    assert np.isnan(table.loc["b", ("PSNR", "mean")]) and table.loc["b", ("PSNR", "undefined")] == 1
    assert np.isnan(table.loc["a", ("SAM", "mean")])
    assert ("SAM", "undefined") not in table.columns


def test_baselines_are_first_then_models_in_order_then_others():
    values = {name: {"PSNR": [1.0]} for name in ("mine", "aris-c", "bicubic", "dmnet", "another")}
    scores = scores_of(values, baseline=["bicubic"])
    expected = ["bicubic", "dmnet", "aris-c", "another", "mine"]
    assert summary.ranked(scores) == expected
    assert list(summary.means(scores).index.get_level_values("model")) == expected
    assert summary.ranked(scores, ["mine"]) == ["bicubic", "mine", "another", "aris-c", "dmnet"]


def test_bins_are_linear_from_best_to_worst():
    means = {"a": 20.0, "b": 18.0, "c": 17.9, "d": 12.1, "e": 12.0, "f": 14.0}  # borders: 18, 16, 14
    scores = scores_of({name: {"PSNR": [mean]} for name, mean in means.items()})
    table = summary.quintiles(scores).loc["sea", "all"]
    assert table["PSNR"].to_dict() == {"a": 1, "b": 2, "c": 2, "f": 4, "d": 4, "e": 5}
    assert list(table.index) == ["a", "b", "c", "d", "f", "e"]


def test_the_lowest_is_the_best_where_lower_is_better():
    scores = scores_of({"a": {"SAM": [0.1]}, "b": {"SAM": [0.2]}, "c": {"SAM": [0.5]}})
    assert list(summary.quintiles(scores)["SAM"]) == [1, 2, 5]
    scores["metric"] = "SAM_aris"
    assert list(summary.quintiles(scores)["SAM_aris"]) == [1, 2, 5]


def test_a_metric_of_which_neither_high_nor_low_is_better_has_no_bins():
    scores = scores_of({"a": {"PSD_ratio": [-3.0], "PSNR": [30.0]}, "b": {"PSD_ratio": [2.0], "PSNR": [20.0]}})
    table = summary.quintiles(scores)
    assert table["PSD_ratio"].isna().all() and list(table["PSNR"]) == [1, 5] and list(table["average"]) == [1, 5]


def test_rounding_does_not_decide_on_a_border():
    scores = scores_of({"a": {"CC": [0.1]}, "b": {"CC": [0.1 + 0.2]}, "c": {"CC": [0.9]}})
    assert summary.quintiles(scores).loc["sea", "all"]["CC"].to_dict() == {"c": 1, "b": 4, "a": 5}


def test_bins_are_averaged_and_sorted_and_missing_without_a_mean():
    scores = scores_of(
        {
            "a": {"PSNR": [10.0], "SAM": [0.0]},
            "b": {"PSNR": [20.0], "SAM": [1.0]},
            "c": {"PSNR": [np.nan, np.nan], "SAM": [0.0, 0.0]},
            "d": {"PSNR": [19.0], "SAM": [0.1]},
        }
    )
    table = summary.quintiles(scores).loc["sea", "all"]
    assert table["average"].to_dict() == {"d": 1.0, "a": 3.0, "b": 3.0, "c": 1.0}
    assert list(table.index) == ["d", "a", "b", "c"] and table["PSNR"].isna().to_list() == [False] * 3 + [True]


def test_datasets_and_masks_have_separate_bins_and_baselines_none():
    scores = pd.concat(
        [
            scores_of({"a": {"PSNR": [1.0]}, "b": {"PSNR": [2.0]}, "bicubic": {"PSNR": [9.0]}}, baseline=["bicubic"]),
            scores_of({"a": {"PSNR": [50.0]}, "b": {"PSNR": [40.0]}}, mask="inmask"),
            scores_of({"a": {"PSNR": [7.0]}}, dataset="land"),
        ]
    )
    assert summary.quintiles(scores)["PSNR"].to_dict() == {
        ("land", "all", "a"): 1, ("sea", "all", "b"): 1, ("sea", "all", "a"): 5, ("sea", "inmask", "a"): 1,
        ("sea", "inmask", "b"): 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.000416, "0.0004160"),
        (4.16e-7, "4.160e-07"),
        (19.8123, "19.81"),
        (1234.4, "1234"),
        (np.nan, "-"),
        (0.0, "0"),
    ],
)
def test_numbers_have_four_significant_digits(value, text):
    assert summary.number(value) == text


def test_the_table_for_publication():
    scores = scores_of(
        {
            "b": {"PSNR": [1.0, 3.0], "RMSE": [4e-4, 4e-4]},
            "aris-a": {"PSNR": [np.nan, np.nan]},
            "pix2pix": {"PSNR": [1.0, 3.0, np.nan], "RMSE": [5.0]},
        }
    )
    (key, table), *none = summary.publication(scores).items()
    assert key == ("sea", "all") and not none
    assert list(table.columns) == ["PSNR", "RMSE"] and list(table.index) == ["pix2pix", "aris-a", "b"]
    assert table.loc["b"].to_list() == ["2.000\n(± 1.414)", "0.0004000\n(± 0)"]
    assert table.loc["aris-a"].to_list() == ["undefined\n(2 of 2)", ""]
    assert table.loc["pix2pix"].to_list() == ["2.000\n(± 1.414)\n1 of 3 undefined", "5.000\n(± -)"]


def test_tables_are_written_and_read_back(tmp_path):
    scores = pd.concat([scores_of({"a": {"PSNR": [1.0, 2.0]}}, dataset="a/b", mask=mask) for mask in ("x", "y")])
    tables = summary.publication(scores)
    paths = summary.write(tables, tmp_path / "tables")
    assert [path.name for path in paths] == ["eval_a_b_x.csv", "eval_a_b_y.csv"]
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == [path.name for path in paths]
    pd.testing.assert_frame_equal(pd.read_csv(paths[0], index_col="model"), tables["a/b", "x"], check_dtype=False)


def test_html_has_line_breaks_and_marks_missing_values():
    table = pd.DataFrame({"a": ["1\n(± 2)"], "b": pd.array([None], "Int64"), "c": [0.00012345]})
    html = summary.html(table)
    assert "1<br>(± 2)" in html and "NA" not in html and "0.0001234" in html
