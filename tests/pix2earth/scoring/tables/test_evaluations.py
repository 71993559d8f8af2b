"""Evaluated runs of an experiment root: their settings, which of them are used, their scores and baselines."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from pix2earth.scoring import origins
from pix2earth.scoring.tables import comparison, csv_files, summary
from pix2earth.scoring.tables.evaluations import load
from pix2earth.settings.errors import UserError
from tests.pix2earth.scoring import evaluated_runs

SETTINGS = {"model_name": "aris-a", "dataset": "sea", "batch_size": 8, "gen_loss": {"gen_gan": 1, "gen_l1": 100}}


@pytest.fixture
def write(tmp_path):
    """``write(name, columns, settings=None, ...)``: the CSV of a run, with ``run.json`` where there are settings."""

    def write_run(name, columns, settings=None, *, started="2026-01-01T00:00:00+00:00", fingerprint="sha256:0"):
        path = tmp_path / "_evaluation" / f"{name}.csv"
        path.parent.mkdir(exist_ok=True)
        pd.DataFrame(columns).to_csv(path, index_label="index")
        if settings is not None:
            experiment, _, timestamp = name.rpartition("_")
            logs = tmp_path / experiment / "logs" / name
            logs.mkdir(parents=True)
            run = {
                "experiment": experiment, "timestamp": timestamp, "settings": {**SETTINGS, **settings},
                "dataset": {"name": "sea", "fingerprint": fingerprint}, "sessions": [{"started": started}],
            }  # fmt: skip
            (logs / "run.json").write_text(json.dumps(run))
        return tmp_path

    return write_run


def test_every_tile_and_metric_is_a_row_and_baselines_have_separate_rows(write):
    table = {
        "tile": ["x", "y"], "split": "test", "step": 7, "SAM": [0.1, np.nan], "PSNR": [1, 2],
        "PSNR_bicubic": [3, 4], "more": ["no", "score"],
    }  # fmt: skip
    scores, runs, remarks = load(write("a_0101-0000", table, {}))
    models = scores[~scores["baseline"]].set_index(["metric", "tile"])["value"]
    assert models.to_dict() == pytest.approx(
        {("SAM", "x"): 0.1, ("SAM", "y"): np.nan, ("PSNR", "x"): 1, ("PSNR", "y"): 2}, nan_ok=True
    )
    baselines = scores[scores["baseline"]]
    assert set(baselines["model"]) == {"bicubic"} and list(baselines["metric"]) == ["PSNR"] * 2
    assert list(baselines["value"]) == [3, 4] and set(baselines["dataset"]) == {"sea"}
    assert runs.loc[0, ["run", "split", "step", "tiles", "in use"]].to_list() == ["a_0101-0000", "test", "7", 2, "yes"]
    assert remarks == []


def test_test_is_used_where_it_was_evaluated_and_a_split_can_be_chosen(write):
    write("a_1", {"tile": ["x", "y", "z"], "split": ["val", "val", "test"], "PSNR": [1.0, 2.0, 3.0]}, {})
    root = write("b_1", {"tile": ["x"], "split": "val", "PSNR": [4.0]}, {"model_name": "psgan"})
    scores, _, remarks = load(root)
    assert sorted(scores["value"]) == [3, 4] and set(scores["dataset"]) == {"sea", "sea (val)"}
    assert remarks == ["dataset sea: not compared with the other runs: b_1 (split val instead of test)."]
    _, _, remarks = load(root, split="val")
    assert remarks == [
        "dataset sea, mask all: the runs were evaluated on different tiles; means are over those that all have, 1 of 2."
    ]
    assert sorted(load(root, split="val").scores["value"]) == [1, 2, 4]
    assert list(load(root, split="test").runs["run"]) == ["a_1"]


def test_the_newest_of_equal_runs_is_used_and_the_others_have_a_reason(write):
    for name, started in (("a_1", "2026-02-01"), ("a_2", "2026-01-01"), ("b_1", "2025-01-01")):
        root = write(name, {"tile": ["x"], "PSNR": [float(name[-1])]}, {}, started=f"{started}T00:00:00+00:00")
    scores, runs, _ = load(root)
    assert list(scores["run"]) == ["a_1"] and list(scores["label"]) == ["aris-a"]
    assert runs.set_index("run")["in use"].to_dict() == {
        "a_1": "yes", "a_2": "no: there is a newer one", "b_1": "no: there is a newer one",
    }  # fmt: skip
    assert list(load(root, leave_out=["a_1"]).scores["run"]) == ["a_2"]
    assert sorted(load(root, every_run=True).scores["label"]) == ["aris-a a_1", "aris-a a_2", "aris-a b_1"]


def test_without_run_json_the_time_of_the_file_decides(write):
    root = write("l_m_d_x_0101-0000", {"PSNR": [1.0]})
    write("l_m_d_x_0202-0000", {"PSNR": [2.0]})
    os.utime(root / "_evaluation" / "l_m_d_x_0202-0000.csv", (0, 0))
    assert list(load(root).scores["run"]) == ["l_m_d_x_0101-0000"]


def test_batch_and_loss_are_in_the_label_where_runs_differ_in_them(write):
    write("a_1", {"PSNR": [1.0]}, {})
    write("a_2", {"PSNR": [1.0]}, {"batch_size": 16})
    root = write("a_3", {"PSNR": [1.0]}, {"dataset": "land"}, fingerprint="sha256:1")
    assert sorted(load(root).scores["label"]) == ["aris-a", "aris-a b16", "aris-a b8"]


def test_different_versions_of_a_dataset_are_remarked(write):
    write("a_1", {"PSNR": [1.0]}, {})
    root = write("b_1", {"PSNR": [1.0]}, {"model_name": "psgan"}, fingerprint="sha256:1")
    assert load(root).remarks == ["dataset sea: not compared with the other runs: b_1 (other records of the dataset)."]
    assert set(load(root).scores["dataset"]) == {"sea", "sea (other records)"}


def test_summaries_and_tables_are_not_read_as_runs(write):
    root = write("a_1", {"PSNR": [1.0]}, {})
    for name in ("summary.csv", "tables/eval_sea_all.csv"):
        path = root / "_evaluation" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("PSNR\n5\n")
    assert [path.stem for path in csv_files.files(root)] == ["a_1"]


def test_missing_and_damaged_evaluations_are_errors(write, tmp_path):
    with pytest.raises(UserError, match="has no evaluated run; evaluate one"):
        load(tmp_path)
    with pytest.raises(UserError, match=r"a_1\.csv: cannot be read as CSV"):
        load(write("a_1", {"PSNR": ["many"]}))


# ---- runs with a record of their identity -------------------------------------------------------------------------


def test_seeds_are_one_row_and_the_same_seed_again_replaces_the_older_run(tmp_path):
    for name, seed, psnr in (("a_1", 0, 10.0), ("a_2", 1, 20.0), ("a_3", 2, 30.0), ("a_4", 2, 33.0)):
        evaluated_runs.write_run(tmp_path, name, {"PSNR": [psnr, psnr + 2]}, seed=seed)
    scores, runs, _ = load(tmp_path)
    assert runs.set_index("run")["in use"].to_dict() == {
        "a_1": "yes", "a_2": "yes", "a_3": "no: there is a newer one", "a_4": "yes",
    }  # fmt: skip
    assert set(scores["label"]) == {"aris-a"}
    (row,) = summary.means(scores).reset_index().to_dict("records")
    assert row["run", ""] == "a_1, a_2, a_4"
    assert row["PSNR", "mean"] == pytest.approx(22.0) and row["PSNR", "spread"] == pytest.approx(
        np.std([11, 21, 34], ddof=1)
    )
    (table,) = summary.publication(scores).values()
    assert table.loc["aris-a", "PSNR"].endswith("3 seeds: ± 11.53")
    assert sorted(load(tmp_path, every_run=True).scores["label"].unique())[0] == "aris-a a_1"


def test_seeds_before_and_after_a_dataset_was_renamed_are_one_row(tmp_path):
    evaluated_runs.write_run(tmp_path, "a_1", {"PSNR": [10.0]}, seed=0)
    renamed = {"settings": {"dataset": "renamed"}, "dataset": {"name": "renamed"}}
    evaluated_runs.write_run(tmp_path, "a_2", {"PSNR": [20.0]}, seed=1, **renamed)
    scores, runs, remarks = load(tmp_path)
    assert set(runs["dataset"]) == {"renamed"} and remarks == []
    (row,) = summary.means(scores).reset_index().to_dict("records")
    assert row["PSNR", "mean"] == 15.0 and row["run", ""] == "a_1, a_2"


def test_another_version_of_the_augmentation_is_another_row(tmp_path):
    for name, version in (("a_1", 1), ("a_2", 2)):
        path = evaluated_runs.write_run(tmp_path, name, {"PSNR": [10.0]}, settings={"random_resize": 1.11})
        beside = origins.path_of(path)
        content = json.loads(beside.read_text())
        content["splits"]["test"]["identity"]["augmentation"] = version
        beside.write_text(json.dumps(content))
    assert sorted(load(tmp_path).scores["label"]) == ["aris-a augmentation 1", "aris-a augmentation 2"]


def test_other_settings_are_another_row_and_replace_nothing(tmp_path):
    evaluated_runs.write_run(tmp_path, "a_1", {"PSNR": [30.0]}, settings={"learning_rate": 4e-4}, step=60)
    evaluated_runs.write_run(tmp_path, "a_2", {"PSNR": [10.0]}, settings={"learning_rate": 1e-6}, step=20)
    scores, runs, _ = load(tmp_path)
    assert set(runs["in use"]) == {"yes"}
    assert sorted(scores["label"]) == [
        "aris-a learning_rate 0.0004 steps 60", "aris-a learning_rate 1e-06 steps 20",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "labels"),
    [
        (None, ["aris-a learning_rate 0.0004", "aris-a learning_rate 1e-06"]),
        (
            "bicubic",
            [
                "aris-a learning_rate 0.0004 start_standardize False",
                "aris-a learning_rate 1e-06 start_standardize True",
            ],
        ),
    ],
)
def test_keys_that_former_versions_lacked_are_in_the_label_where_they_have_an_effect(tmp_path, start, labels):
    former = {"learning_rate": 4e-4, "start_from": start}
    later = former | {"learning_rate": 1e-6, "start_standardize": True, "sequence_groups": None}
    for name, settings in (("a_1", former), ("a_2", later)):
        evaluated_runs.write_run(tmp_path, name, {"PSNR": [30.0]}, settings=settings)
    assert sorted(load(tmp_path).scores["label"]) == labels


def test_another_number_of_steps_is_another_row(tmp_path):
    for name, step in (("a_1", 20), ("a_2", 60)):
        evaluated_runs.write_run(tmp_path, name, {"PSNR": [30.0]}, step=step)
    assert sorted(load(tmp_path).scores["label"]) == ["aris-a steps 20", "aris-a steps 60"]


def test_runs_that_may_not_be_compared_have_another_name_of_the_dataset_and_their_own_baseline(tmp_path):
    evaluated_runs.write_run(tmp_path, "a_1", {"PSNR": [30.0], "PSNR_bicubic": [29.0]})
    evaluated_runs.write_run(tmp_path, "b_1", {"PSNR": [31.0], "PSNR_bicubic": [29.0]}, settings={"batch_size": 4})
    evaluated_runs.write_run(
        tmp_path, "c_1", {"PSNR": [60.0], "PSNR_bicubic": [59.0]}, scale={"normalize": "l2"}, settings={"batch_size": 2}
    )
    scores, _, remarks = load(tmp_path)
    baselines = scores[scores["baseline"]].set_index("dataset")["value"].to_dict()
    assert baselines == {"demo": 29.0, "demo (unit norm)": 59.0}
    assert remarks == [
        "dataset demo: not compared with the other runs: c_1 (scale: unit norm instead of physical units)."
    ]
    assert set(summary.publication(scores)) == {("demo", "all"), ("demo (unit norm)", "all")}


def test_a_model_that_fails_has_no_bin_and_no_mean_of_its_other_tiles(tmp_path):
    evaluated_runs.write_run(tmp_path, "a_1", {"PSNR": [30.0, 31.0]})
    evaluated_runs.write_run(
        tmp_path,
        "b_1",
        {"PSNR": [np.nan, 60.0]},
        settings={"model_name": "psgan"},
        failures={"non-finite predictions": 1},
    )
    scores, _, remarks = load(tmp_path)
    assert "b_1: 1 of 2 predictions are not finite." in remarks
    assert list(summary.quintiles(scores).index.get_level_values("model")) == ["aris-a"]
    (table,) = summary.publication(scores).values()
    assert table.loc["psgan", "PSNR"] == "fails\n(1 of 2)"


@pytest.mark.parametrize(
    ("returned", "label"),
    [
        ([], "1 gan + 100 l1"),
        (["total_gen_loss", "gen_gan", "gen_l1", "total_disc_loss", "disc_bce"], "1 gan + 100 l1"),
        (["gen_gan_loss", "gen_l1_loss", "gen_total_loss", "disc_loss"], "1 gan + 100 l1"),
        (["gen_l1", "gen_l1_masked"], "100 l1 + l1_masked"),
        (["cycle", "identity", "disc_a"], "cycle + identity"),
        (["total_gen_loss", "total_disc_loss"], "1 gan + 100 l1"),
    ],
)
def test_the_loss_is_named_by_what_the_step_returned(tmp_path, returned, label):
    evaluated_runs.write_run(tmp_path, "a_1", {"PSNR": [30.0]}, losses=returned)
    assert set(load(tmp_path).scores["loss"]) == {label}


def test_tiles_may_be_called_like_missing_values_and_numbers(tmp_path):
    names = ["NA", "null", "1e5", "007"]
    evaluated_runs.write_run(tmp_path, "a_1", {"tile": names, "PSNR": [1.0, 2.0, 3.0, 4.0]})
    assert list(load(tmp_path).scores["tile"]) == names


def test_means_are_over_the_tiles_that_all_runs_have_and_are_defined_in(tmp_path):
    evaluated_runs.write_run(
        tmp_path,
        "a_1",
        {"tile": ["p", "q", "r", "s"], "PSNR": [10.0, 20.0, 60.0, np.inf], "RMSE": [1.0, 2.0, 3.0, 0.0]},
    )
    evaluated_runs.write_run(
        tmp_path,
        "b_1",
        {"tile": ["q", "p", "s", "t"], "PSNR": [21.0, 12.0, 50.0, 90.0], "RMSE": [2.0, 2.0, 5.0, 9.0]},
        settings={"model_name": "psgan"},
    )
    scores, _, remarks = load(tmp_path)
    table = summary.means(scores).droplevel(["loss", "mask", "dataset", "batch", "run"])
    assert table["PSNR", "mean"].to_dict() == {"aris-a": 15.0, "psgan": 16.5}
    assert table["RMSE", "mean"].to_dict() == {"aris-a": 1.0, "psgan": 3.0}
    assert set(table["PSNR", "tiles"]) == {2} and set(table["RMSE", "tiles"]) == {3}
    assert remarks == [
        "dataset demo, mask all: the runs were evaluated on different tiles; means are over those that all have,"
        " 3 of 4."
    ]
    (table,) = summary.publication(scores).values()
    assert table.loc["psgan", "PSNR"] == "16.50\n(± 6.364)\n2 common tiles"
    # The same numbers as those of the command.
    frame = comparison.compare(comparison.load(tmp_path, [""])).set_index("run")
    assert frame["PSNR"].to_dict() == {"a_1": 15.0, "b_1": 16.5}


def test_a_model_that_fails_does_not_choose_the_tiles_of_the_others(tmp_path):
    evaluated_runs.write_run(tmp_path, "a_1", {"PSNR": [30.0, 40.0]})
    evaluated_runs.write_run(
        tmp_path, "b_1", {"PSNR": [np.nan, 60.0]}, settings={"batch_size": 4}, failures={"non-finite predictions": 1}
    )
    means = summary.means(load(tmp_path).scores).droplevel(["loss", "mask", "dataset", "model", "run"])["PSNR", "mean"]
    assert means["b8"] == 35.0 and np.isnan(means["b4"])


def test_runs_without_a_common_tile_have_tables_of_their_own(tmp_path):
    evaluated_runs.write_run(tmp_path, "a_1", {"tile": ["p", "q"], "PSNR": [30.0, 40.0]})
    evaluated_runs.write_run(tmp_path, "b_1", {"tile": ["r"], "PSNR": [50.0]}, settings={"model_name": "psgan"})
    scores, _, remarks = load(tmp_path)
    assert set(summary.publication(scores)) == {("demo", "all"), ("demo (other tiles 2)", "all")}
    assert remarks == ["dataset demo: not compared with the other runs: b_1 (no tile in common with a_1)."]
    assert sorted(summary.means(scores)["PSNR", "mean"]) == [35.0, 50.0]


def test_runs_that_were_started_together_are_not_one_run(tmp_path):
    for name, seed in (("x_1", 0), ("y_1", 1)):
        evaluated_runs.write_run(tmp_path, name, {"PSNR": [30.0 + seed]}, seed=seed)
    (tmp_path / "y" / "ckpt" / "1").mkdir(parents=True)  # the experiment x was removed
    assert set(load(tmp_path).runs["in use"]) == {"yes"}
    assert len(comparison.load(tmp_path, [""])) == 2
