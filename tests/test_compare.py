"""The comparison: common samples, groups by dataset, baselines, CSVs of the original ARISGAN code."""

import json

import numpy as np
import pandas as pd
import pytest

import compare
from tests.pix2earth.scoring.evaluated_runs import write_run as evaluated


def write_run(root, name, run, tiles, psnr, *, dataset="one", baseline=None):
    """Write CSV and run.json of a run with given scores."""
    table = pd.DataFrame({"tile": tiles, "split": "val", "step": 5, "PSNR": psnr, "SAM": np.asarray(psnr) / 100})
    if baseline is not None:
        table["PSNR_bicubic"] = baseline
    folder = root / "_evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / f"{name}_{run}.csv", index_label="index")
    logs = root / name / "logs" / f"{name}_{run}"
    logs.mkdir(parents=True)
    run = {
        "experiment": name, "timestamp": run, "settings": {}, "sessions": [],
        "dataset": {"name": dataset, "fingerprint": f"sha256:{dataset}00000000"},
    }  # fmt: skip
    (logs / "run.json").write_text(json.dumps(run))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "experiments"
    folder.mkdir()
    return folder


def test_means_over_common_samples_best_first(root):
    write_run(root, "a", "1", ["x", "y", "z"], [10.0, 20.0, 90.0], baseline=[5.0, 6.0, 7.0])
    write_run(root, "b", "1", ["x", "y", "w"], [30.0, 20.0, 0.0])
    frame = compare.compare(compare.load(root, [""]))
    assert list(frame["run"]) == ["b_1", "a_1", "(bicubic)"]
    assert list(frame["PSNR"]) == [25.0, 15.0, 5.5]
    assert list(frame["samples"]) == [2, 2, 2]
    np.testing.assert_allclose(frame["SAM"][:2], [0.25, 0.15])


def test_runs_on_other_datasets_are_not_mixed(root):
    write_run(root, "a", "1", ["x"], [10.0])
    write_run(root, "b", "1", ["x"], [20.0], dataset="two")
    frame = compare.compare(compare.load(root, [""]))
    assert len(set(frame["dataset"])) == 2
    assert list(frame["samples"]) == [1, 1]


def test_undefined_and_infinite_scores_are_left_out_of_means(root):
    write_run(root, "a", "1", ["x", "y", "z"], [10.0, np.nan, np.inf])
    assert compare.compare(compare.load(root, [""]))["PSNR"][0] == 10.0


def test_prefix_chooses_experiments(root):
    write_run(root, "sea", "1", ["x"], [1.0])
    write_run(root, "land", "1", ["x"], [2.0])
    assert [run.name for run in compare.load(root, ["la"])] == ["land_1"]


def test_a_csv_of_the_original_code(root):
    (root / "_evaluation").mkdir()
    published = (
        "index,SAM,sCC,CC,HPSI,SSIM,PSNR,RMSE,ERGAS,UIQC\n0,.1,.2,.3,.4,.5,16,.7,.8,.9\n1,.1,.2,.3,.4,.5,18,.7,.8,.9\n"
    )
    (root / "_evaluation" / "old_0101-0000.csv").write_text(published)
    frame = compare.compare(compare.load(root, [""]))
    assert frame["PSNR"][0] == 17.0 and frame["dataset"][0] == "?"


def test_command_writes_the_summary_and_prints_integers(root, tmp_path, capsys):
    write_run(root, "a-long-name-of-an-experiment", "1", ["x"], [12.3456])
    (tmp_path / "environment.json").write_text("{}")
    with pytest.raises(SystemExit) as end:
        compare.main(["--env", str(tmp_path / "environment.json")])
    assert end.value.code == 0
    summary = pd.read_csv(root / "_evaluation" / "summary.csv")
    assert summary["PSNR"][0] == 12.3456
    out = capsys.readouterr().out
    assert "12.35" in out and "a-long-name-of-an-experiment_1" in out and "…" not in out


@pytest.mark.parametrize(
    ("content", "words"), [(None, "has no evaluated run"), ("a,b\n1,2,3\n4,5,6,7\n", "cannot be read")]
)
def test_nothing_to_compare_is_one_line(root, tmp_path, capsys, content, words):
    (tmp_path / "environment.json").write_text("{}")
    if content:
        (root / "_evaluation").mkdir()
        (root / "_evaluation" / "broken_1.csv").write_text(content)
    with pytest.raises(SystemExit) as end:
        compare.main(["--env", str(tmp_path / "environment.json")])
    err = capsys.readouterr().err
    assert end.value.code == 2 and err.count("\n") == 1 and words in err


# ---- results that must not mislead --------------------------------------------------------------------------------


@pytest.fixture
def compared(root, tmp_path, capsys):
    """Run the command; return the printed text, its tables (title -> lines), and the summary."""

    def run(*arguments):
        (tmp_path / "environment.json").write_text("{}")
        with pytest.raises(SystemExit) as end:
            compare.main(["--env", str(tmp_path / "environment.json"), *arguments])
        out, err = capsys.readouterr()
        assert end.value.code == 0, err
        tables, title = {}, None
        for line in out.splitlines():
            if ": means over" in line:
                title = line
            tables.setdefault(title, []).append(line)
        return out, tables, pd.read_csv(root / "_evaluation" / "summary.csv", keep_default_na=False)

    return run


BICUBIC = {"PSNR_bicubic": [44.0, 45.0, 46.0, 45.0]}


def test_a_model_that_fails_is_named_and_is_neither_first_nor_best(root, compared):
    evaluated(root, "good_1", {"PSNR": [43.0, 44.0, 45.0, 44.0], **BICUBIC})
    evaluated(
        root, "nan_1", {"PSNR": [np.nan, np.nan, 50.0, np.nan], **BICUBIC}, failures={"non-finite predictions": 3}
    )
    evaluated(root, "zero_1", {"PSNR": [60.0, 60.0, 60.0, 10.0], **BICUBIC}, failures={"constant predictions": 3})
    out, _, summary = compared()
    assert list(summary["run"]) == ["(bicubic)", "good_1", "zero_1", "nan_1"]
    assert list(summary["PSNR"][:2].astype(float)) == [45.0, 44.0], "samples of models that fail do not decide"
    assert summary["PSNR"][3] == "", "a mean over other samples than those of the others"
    assert "nan_1: 3 of 4 predictions are not finite" in out
    assert "zero_1: 3 of 4 predictions are constant" in out


def test_a_model_that_fails_has_no_bold_value(root, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    evaluated(root, "good_1", {"PSNR": [43.0]})
    evaluated(root, "zero_1", {"PSNR": [60.0]}, failures={"constant predictions": 1})
    compare.show(compare.compare(compare.load(root, [""])))
    out = capsys.readouterr().out
    assert "\x1b[1m43 (43)" in out and "\x1b[1m60" not in out and "60 (60)" in out


def test_failures_that_a_former_version_did_not_count_are_found(root, compared):
    write_run(root, "good", "1", ["x", "y"], [40.0, 42.0], baseline=[41.0, 41.0])
    write_run(root, "nan", "1", ["x", "y"], [np.nan, 60.0], baseline=[41.0, 41.0])
    write_run(root, "infinite", "1", ["x", "y"], [-np.inf, 60.0], baseline=[41.0, 41.0])
    out, _, summary = compared()
    assert list(summary["run"][:2]) == ["(bicubic)", "good_1"]
    assert out.count("1 of 2 predictions are not finite") == 2


def test_means_are_over_samples_that_are_defined_in_all_runs_with_the_count_and_medians(root, compared):
    evaluated(root, "a_1", {"PSNR": [40.0, 41.0, 48.0], "SAM": [0.1, np.nan, 0.3]})
    evaluated(root, "b_1", {"PSNR": [30.0, 31.0, 38.0], "SAM": [0.1, 0.7, 0.1]})
    out, _, summary = compared()
    rows = summary.set_index("run")
    assert list(rows["SAM"].astype(float)) == [pytest.approx(0.2), pytest.approx(0.1)]
    assert set(rows["SAM.samples"].astype(float)) == {2} and set(rows["PSNR.samples"].astype(float)) == {3}
    assert list(rows["PSNR.median"].astype(float)) == [41.0, 31.0]
    assert "2 samples" in out and "43 (41)" in out


@pytest.mark.parametrize(
    ("differing", "reason"),
    [
        ({"scale": {"normalize": "l2"}}, "scale: unit norm instead of physical units"),
        ({"scale": {"height": 32, "width": 32}}, "image size 32 x 32 px instead of 64 x 64 px"),
        ({"scale": {"data_range": 2.0}}, "data range 2 instead of 1"),
        ({"split": "val"}, "split val instead of test"),
        ({"dataset": {"fingerprint": "sha256:9876543210"}}, "other records of the dataset"),
        ({"dataset": {"roles": {"target": "target", "mask": "clear"}}}, 'role mask "clear" instead of null'),
        ({"metrics": {"PSNR": 0}}, "former definitions of PSNR"),
    ],
)
def test_runs_that_may_not_be_compared_have_tables_with_baselines_of_their_own(root, compared, differing, reason):
    evaluated(root, "b_1", {"PSNR": [40.0], "PSNR_bicubic": [39.0]})
    evaluated(root, "c_1", {"PSNR": [41.0], "PSNR_bicubic": [39.0]})
    evaluated(root, "a_1", {"PSNR": [60.0], "PSNR_bicubic": [59.0]}, **differing)
    _, tables, summary = compared()
    assert len(tables) == 2
    first, second = ("\n".join(lines) for lines in tables.values())
    assert "b_1" in first and "c_1" in first and "(bicubic)  39" in first.replace("│", "") and "a_1" not in first
    assert "a_1" in second and "59" in second and reason in second
    assert summary["dataset"].nunique() == 2


def test_a_renamed_dataset_is_compared_with_its_records_under_the_former_name(root, compared):
    evaluated(root, "a_1", {"PSNR": [40.0]})
    evaluated(root, "b_1", {"PSNR": [41.0]}, dataset={"name": "renamed"})
    assert len(compared()[1]) == 1


def test_runs_without_a_common_sample_have_tables_of_their_own(root, compared):
    evaluated(root, "a_1", {"tile": ["x", "y"], "PSNR": [40.0, 41.0]})
    evaluated(root, "b_1", {"tile": ["z", "w"], "PSNR": [41.0, 42.0]})
    out, tables, _ = compared()
    assert len(tables) == 2 and "no sample in common with a_1" in out and " - " not in out


def test_names_of_tiles_are_text(root, compared):
    names = ["NA", "null", "1e5", "nan", "007"]
    evaluated(root, "a_1", {"tile": names, "PSNR": [1.0, 2.0, 3.0, 4.0, 5.0]})
    write_run(root, "b", "1", names, [1.0, 2.0, 3.0, 4.0, 5.0])
    write_run(root, "c", "1", [*names[:4], "x"], [1.0, 2.0, 3.0, 4.0, 5.0])
    _, _, summary = compared()
    assert dict(zip(summary["run"], summary["samples"], strict=True)) == {"a_1": 5, "b_1": 4, "c_1": 4}


def test_a_prefix_with_a_folder_chooses_experiments_of_it(root):
    for name in ("g--a_1", "g--b_1", "h_1"):
        evaluated(root, name, {"PSNR": [40.0]}, experiment=name.rpartition("_")[0].replace("--", "/"))
    assert [run.name for run in compare.load(root, ["g/"])] == ["g--a_1", "g--b_1"]


def test_what_a_reader_has_to_know_is_below_the_table(root, compared):
    evaluated(root, "a_1", {"PSNR": [40.0]}, selected_on="test", differences=["target.valid_range: was 1, is 2"])
    out, _, _ = compared()
    assert "a_1: the step was selected on test; differs: target.valid_range: was 1, is 2" in out


def test_a_csv_that_was_changed_is_refused(root, tmp_path, capsys):
    path = evaluated(root, "a_1", {"PSNR": [40.0]})
    path.write_text(path.read_text().replace("40.0", "50.0"))
    (tmp_path / "environment.json").write_text("{}")
    with pytest.raises(SystemExit) as end:
        compare.main(["--env", str(tmp_path / "environment.json")])
    err = capsys.readouterr().err
    assert end.value.code == 2 and err.count("\n") == 1 and "do not belong" in err
