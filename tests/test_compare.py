"""The comparison: common samples, groups by dataset, baselines, CSVs of the original ARISGAN code."""

import json

import numpy as np
import pandas as pd
import pytest

import compare


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
    about = {
        "experiment": name, "timestamp": run, "settings": {}, "sessions": [],
        "dataset": {"name": dataset, "fingerprint": f"sha256:{dataset}00000000"},
    }  # fmt: skip
    (logs / "run.json").write_text(json.dumps(about))


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


def test_a_csv_of_the_published_program(root):
    (root / "_evaluation").mkdir()
    published = (
        "index,SAM,sCC,CC,HPSI,SSIM,PSNR,RMSE,ERGAS,UIQC\n0,.1,.2,.3,.4,.5,16,.7,.8,.9\n1,.1,.2,.3,.4,.5,18,.7,.8,.9\n"
    )
    (root / "_evaluation" / "old_0101-0000.csv").write_text(published)
    frame = compare.compare(compare.load(root, [""]))
    assert frame["PSNR"][0] == 17.0 and frame["dataset"][0] == "?"


def test_command_writes_the_summary_and_prints_whole_numbers(root, tmp_path, capsys):
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
