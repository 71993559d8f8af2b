"""Scores on other datasets than that of a run, in the tables over all runs."""

import pytest

from pix2earth.scoring.tables import comparison, csv_files, summary
from pix2earth.scoring.tables.evaluations import load
from pix2earth.scoring.tables.facts import facts_of_name
from tests.pix2earth.scoring.evaluated_runs import write_run


def labels(loaded):
    """Return dataset and label of each run in use."""
    rows = loaded.scores[~loaded.scores["baseline"]].drop_duplicates("run")
    return {run: (dataset, label) for run, dataset, label in rows[["run", "dataset", "label"]].to_numpy()}


def test_runs_that_differ_by_their_seed_share_a_row_on_each_dataset(tmp_path):
    for seed in (0, 1):
        write_run(tmp_path, f"s{seed}_1", {"PSNR": [40.0 + seed]}, seed=seed)
        write_run(tmp_path, f"s{seed}_1", {"PSNR": [30.0 + seed]}, seed=seed, other="sea")
    loaded = load(tmp_path)
    means = summary.statistics(loaded.scores, ["dataset", "label"])
    found = {row[:2]: (values["mean"], values["seeds"]) for row, values in means.to_dict("index").items()}
    assert found == {("demo", "aris-a"): (40.5, 2), ("sea", "aris-a trained on demo"): (30.5, 2)}


def test_runs_that_were_trained_there_are_told_apart_whatever_else_differs(tmp_path):
    write_run(tmp_path, "a_1", {"PSNR": [40.0]}, other="sea")
    write_run(tmp_path, "b_1", {"PSNR": [40.0]}, settings={"batch_size": 4}, other="sea")
    there = {"name": "sea", "fingerprint": "sha256:sea"}
    write_run(tmp_path, "c_1", {"PSNR": [40.0]}, settings={"dataset": "sea"}, dataset=there)
    assert labels(load(tmp_path)) == {
        "a_1@sea@64": ("sea", "aris-a trained on demo b8"),
        "b_1@sea@64": ("sea", "aris-a trained on demo b4"),
        "c_1": ("sea", "aris-a"),
    }
    every = labels(load(tmp_path, every_run=True))
    assert every["a_1@sea@64"] == ("sea", "aris-a trained on demo a_1@sea@64")


def test_scores_on_other_datasets_stay_where_their_experiment_was_moved_and_evaluated_again(tmp_path):
    """Under the former name nothing but these scores is left that is not repeated under the new one."""
    (tmp_path / "new/ckpt/1").mkdir(parents=True)
    for other in (None, "sea"):
        write_run(tmp_path, "old_1", {"PSNR": [40.0]}, other=other, checkpoint="same")
    write_run(tmp_path, "new_1", {"PSNR": [40.0]}, checkpoint="same")
    assert set(labels(load(tmp_path))) == {"new_1", "old_1@sea@64"}
    assert {run.name for run in comparison.load(tmp_path, [""])} == {"new_1", "old_1@sea@64"}
    write_run(tmp_path, "new_1", {"PSNR": [40.0]}, other="sea", checkpoint="same")
    assert set(labels(load(tmp_path))) == {"new_1", "new_1@sea@64"}
    assert {run.name for run in comparison.load(tmp_path, [""])} == {"new_1", "new_1@sea@64"}


def test_a_copy_of_the_dataset_does_not_replace_the_scores_on_the_own_one(tmp_path):
    write_run(tmp_path, "a_1", {"PSNR": [40.0]}, dataset={"fingerprint": "sha256:copy"})
    write_run(tmp_path, "a_1", {"PSNR": [40.0]}, dataset={"fingerprint": "sha256:copy"}, other="copy")
    assert len(labels(load(tmp_path))) == 2 and len(comparison.groups(comparison.load(tmp_path, [""]))) == 1


def test_the_split_that_selected_the_step_is_one_of_the_own_dataset(tmp_path):
    write_run(tmp_path, "a_1", {"PSNR": [40.0]}, split="val", selected_on="val")
    write_run(tmp_path, "a_1", {"PSNR": [40.0]}, split="val", selected_on="val", other="sea", seen_in_training=1)
    remarks = {csv.path.stem: csv.remarks("val") for csv in csv_files.csvs(tmp_path)}
    assert remarks == {
        "a_1": ["the step was selected on val"],
        "a_1@sea@64": ["trained on demo", "1 of the samples share ground with training samples"],
    }


@pytest.mark.parametrize(
    ("name", "dataset", "model"),
    [("x_0101-0000@sea_b@64", "sea_b", "x"), ("l_m_d_x_b8_0101-0000@sea@256", "sea", "x"), ("a@b_1", "?", "a@b_1")],
)
def test_without_a_record_the_name_of_the_file_states_the_dataset(tmp_path, name, dataset, model):
    assert facts_of_name(name)["dataset"] == dataset and facts_of_name(name)["model"] == model
    path = write_run(tmp_path, "l_m_d_x_0101-0000", {"PSNR": [40.0]}, other="sea")
    path.with_name(f"{path.name}.json").unlink()
    (csv,) = csv_files.csvs(tmp_path)
    assert csv.basis("test").dataset == "sea"
