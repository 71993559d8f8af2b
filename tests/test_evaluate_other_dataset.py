"""Evaluation of a run on another dataset: its scores, its own CSV, what is refused, and its rows in tables."""

import argparse
import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import compare
import evaluate
import train
from experiment import PROJECT, Environment
from pix2earth.records.loading import load_manifest
from pix2earth.records.writer import DatasetWriter
from pix2earth.results import architectures
from pix2earth.scoring import origins
from pix2earth.scoring.other_dataset import Seen, open_other, seen_in_training
from pix2earth.scoring.tables import csv_files, evaluations, summary
from pix2earth.training import queue

pytestmark = pytest.mark.slow

NAME = "architectures/psgan"  # where results.py looks; the model is that of all tests
OWN = "architectures--psgan_results"
ENDINGS = ("", "_bicubic", "_linear-fit")
BASELINES = ("(bicubic)", "(linear-fit)")
METRICS = ["PSNR", "RMSE"]
TRAINED_AT, ELSEWHERE = 500000, 700000  # easting of the ground of tiny and of other datasets


def write_dataset(root, name, splits, arrays, *, easting=ELSEWHERE, date="2023-07-01", **manifest):
    """Write a dataset with the fields of tiny, whose samples are those of its training upside down."""
    template = load_manifest(root / "data/tiny/64", "tiny")
    content = {**template.model_dump(exclude={"records", "fingerprint"}), "name": name, **manifest}
    sources = list(arrays["train"].values())
    with DatasetWriter(root / "data", type(template).model_validate(content)) as writer:
        for split, count in splits.items():
            for number in range(count):
                fields = {field: values[::-1].copy() for field, values in sources[number].items()}
                place = {} if date is None else {"acquired": [f"{date}T10:00:00Z"]}
                if easting is not None:
                    place |= {"crs": "EPSG:32618", "transform": (10, 0, easting + 640 * number, 0, -10, 4500000)}
                writer.write(split, f"{split}{number}", fields, **place)


@pytest.fixture(scope="module")
def trained(_tiny_template, tiny_arrays, write_experiment, tmp_path_factory):
    """A folder with a run on tiny, a dataset of another place, and a run on that."""
    root = shutil.copytree(_tiny_template, tmp_path_factory.mktemp("trained") / "root")
    write_dataset(root, "other", {"train": 8, "val": 4, "test": 3}, tiny_arrays)
    for name, dataset, run in ((NAME, "tiny", "results"), ("there", "other", "a")):
        write_experiment(root, name, dataset=dataset, steps=2, ckpt_freq=1, validate_freq=1, metrics=METRICS)
        arguments = ["--env", str(root / "environment.json"), "--exp", name, "--timestamp", run]
        with pytest.raises(SystemExit) as end:
            train.main(arguments)
        assert end.value.code == 0
    return root


@pytest.fixture
def root(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "root")


@pytest.fixture
def command(root, capfd):
    """Run a command; return (status, output, errors)."""

    def run(main, *arguments):
        with pytest.raises(SystemExit) as end:
            main(["--env", str(root / "environment.json"), *map(str, arguments)])
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


@pytest.fixture
def score(command):
    """``score(dataset, ...)``: evaluate the run on tiny on another dataset."""
    return lambda dataset, *further: command(evaluate.main, "--exp", NAME, "--dataset", dataset, *further)


def warnings_in(errors):
    """Return the lines about the dataset, without those of progress."""
    return [line for line in errors.splitlines() if line.startswith("--dataset")]


def csv_of(root, dataset="other"):
    return root / "experiments/_evaluation" / f"{OWN}@{dataset}@64.csv"


# ---- scores ---------------------------------------------------------------------------------------------------------


def test_scores_are_those_of_a_run_whose_experiment_names_the_dataset(root, score, open_tiny):
    from pix2earth.batches.dataset import Dataset
    from pix2earth.plugins import contract, finding
    from pix2earth.scoring import evaluating
    from pix2earth.scoring.scorer import Scorer
    from pix2earth.training import checkpoints

    own = root / "experiments/_evaluation" / f"{OWN}.csv"
    before = [path.read_bytes() for path in (own, origins.path_of(own))]
    status, out, err = score("other")
    assert status == 0 and f"{NAME.replace('/', '_')}_results on other, step 2: 3 samples of test" in out
    assert warnings_in(err) == []
    assert out.endswith(f"{csv_of(root)}\n")
    assert [path.read_bytes() for path in (own, origins.path_of(own))] == before

    experiment = open_tiny(root, "named", dataset="other", metrics=METRICS)
    plugin = finding.find(experiment)
    gan = contract.build(experiment, plugin)
    checkpoints.restore(gan, root / "experiments" / NAME / "ckpt/results", 2)
    expected = evaluating.scores(Scorer(Dataset(experiment), gan, plugin, METRICS), "test", 2)
    found = csv_files.read(csv_of(root)).drop(columns="index")
    assert list(found) == ["tile", "split", "step", *(f"{name}{end}" for end in ENDINGS for name in METRICS)]
    # Linear fits are those to the training samples of the run, not to those of the other dataset.
    found, expected = (table.drop(columns=[f"{name}_linear-fit" for name in METRICS]) for table in (found, expected))
    pd.testing.assert_frame_equal(found, expected, check_exact=True, check_dtype=False)


def test_the_baseline_is_that_of_the_other_dataset(root, score, tiny_arrays):
    import tensorflow as tf

    assert score("other")[0] == 0
    table = csv_files.read(csv_of(root)).set_index("tile")
    for number, fields in enumerate(list(tiny_arrays["train"].values())[:3]):
        coarse, fine, mask = (fields[name][::-1] for name in ("input_image", "target", "cloud_mask"))
        bicubic = tf.image.resize(coarse[..., [2, 1, 0]].astype(np.float32) * 1e-4, (64, 64), method="bicubic").numpy()
        error = (bicubic - fine * 1e-4)[mask[..., 0] > 0]
        assert table["RMSE_bicubic"][f"test{number}"] == pytest.approx(np.sqrt(np.mean(error**2)), rel=1e-4)


def test_splits_and_steps_as_of_the_dataset_of_the_run(root, score):
    assert score("other")[0] == 0
    assert score("other", "--split", "val", "--step", "best", "--timestamp", "results")[0] == 0
    recorded = origins.load(csv_of(root))
    assert recorded["dataset"] == "other" and set(recorded["splits"]) == {"val", "test"}
    table = csv_files.read(csv_of(root))
    assert list(table["split"]) == ["test"] * 3 + ["val"] * 4
    best = json.loads((root / f"experiments/{NAME}/logs/architectures_psgan_results/run.json").read_text())["best"]
    assert set(table["step"][table["split"] == "val"]) == {best["step"]}
    assert score("other", "--split", "val", "--step", "1")[0] == 0
    assert set(csv_files.read(csv_of(root))["step"]) == {1, 2}
    status, _, err = score("other", "--step", "7")
    assert status == 2 and err == "--step 7: there are best, last, 1, 2\n"


@pytest.mark.parametrize("form", ["data/other", "data/other/64", "other/64", "other/"])
def test_a_dataset_is_named_or_is_the_path_of_its_folder(root, score, form, monkeypatch):
    monkeypatch.chdir(root)
    assert score(form)[0] == 0 and csv_of(root).is_file()


def test_a_dataset_in_a_folder_and_behind_a_link(root, score, tiny_arrays):
    shutil.move(root / "data/other", root / "elsewhere")
    (root / "data/group").mkdir()
    (root / "data/group/o_1").symlink_to(root / "elsewhere")
    assert score("group/o_1")[0] == 0 and csv_of(root, "group--o_1").is_file()


def test_what_changed_in_both_datasets_since_the_training_is_refused_unless_forced(root, score):
    file = root / "data/other/64/dataset.json"
    for path in (file, root / "data/tiny/64/dataset.json"):
        content = json.loads(path.read_text())
        path.write_text(json.dumps({**content, "mask": None}))
    status, _, err = score("other")
    assert status == 2 and 'role mask: was "cloud_mask", is null' in err and not csv_of(root).exists()
    assert score("other", "--force")[0] == 0
    assert "role mask" in origins.load(csv_of(root))["splits"]["test"]["differences"][0]


# ---- refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("fields.input_image.bands", ["B02", "B03", "B04", "B05"], "input_image.bands is"),
        ("fields.target.units", "K", 'target.units is "K" instead of "1"'),
        ("fields.target.scale", 1e-3, "target.scale is 0.001 instead of 0.0001"),
        ("fields.input_image.gsd", 40.0, "input_image.gsd is 40.0 instead of 20.0"),
        ("fields.target.valid_range", [0.0, 2.0], "target.valid_range is [0.0, 2.0] instead of [0.0, 1.0]"),
        ("fields.target.nodata", None, "target.nodata is null instead of 0.0"),
        ("fields.cloud_mask", None, "there is no field cloud_mask"),
        ("mask", None, 'role mask is null instead of "cloud_mask"'),
        ("degradation", {"kind": "average", "factor": 2}, "degradation is"),
    ],
)
def test_what_differs_is_one_line(root, score, place, value, words):
    file = root / "data/other/64/dataset.json"
    content = json.loads(file.read_text())
    *parents, key = place.split(".")
    inner = content
    for parent in parents:
        inner = inner[parent]
    inner[key] = value
    if place == "fields.cloud_mask":
        del inner[key]
        content["mask"] = None
    file.write_text(json.dumps(content))
    for options in ([], ["--force"]):
        status, _, err = score("other", *options)
        assert status == 2 and err.count("\n") == 1 and err.startswith("--dataset other: ") and str(file) in err
        assert words in err and not csv_of(root).exists()


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("tiny", f"is the dataset of '{NAME}' itself; leave --dataset out"),
        ("tiny/64", "leave --dataset out"),
        ("othr", "did you mean 'other'?"),
        ("large", f"has tile size 128, and '{NAME}' was trained with 64"),
        ("large/128", "name a dataset with tile size 64"),
        ("..", "is not below the data root"),
        (".", "has tile size none"),
    ],
)
def test_what_is_no_other_dataset_is_one_line(root, score, named, words, monkeypatch):
    (root / "data/large/128/val").mkdir(parents=True)
    monkeypatch.chdir(root / "data")
    status, _, err = score(named)
    assert status == 2 and err.count("\n") == 1 and err.startswith(f"--dataset {named}: ") and words in err


def test_a_split_that_is_not_there(root, score, tiny_arrays):
    write_dataset(root, "training_only", {"train": 2}, tiny_arrays)
    status, _, err = score("training_only")
    assert status == 2 and "has no samples in val/" in err
    status, _, err = score("other", "--split", "train")
    assert status == 2 and "invalid choice: 'train'" in err


def test_wrong_names_and_help_need_no_tensorflow(root):
    code = "import sys, evaluate\ntry: evaluate.main(sys.argv[1:])\nexcept SystemExit: pass\n"
    code += "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    wrong = ["--env", str(root / "environment.json"), "--exp", NAME, "--dataset", "othr"]
    for arguments in (["--help"], wrong):
        subprocess.run([sys.executable, "-c", code, *arguments], cwd=PROJECT, check=True, capture_output=True)


# ---- what training saw ----------------------------------------------------------------------------------------------


def test_samples_that_share_ground_and_date_with_training_samples_are_reported(root, score, command, tiny_arrays):
    write_dataset(root, "seen", {"val": 3}, tiny_arrays, easting=TRAINED_AT + 10 * 640)  # tiny trains on 12 in a row
    status, _, err = score("seen")
    training = root / "data/tiny/64"
    assert status == 0 and warnings_in(err) == [
        f"--dataset seen: 2 of 3 samples of val share ground and date with training samples of {training}:"
        " their scores are not on held-out data"
    ]
    assert "@seen@64: trained on tiny; 2 of the samples share ground with training samples" in command(compare.main)[1]


def test_the_same_ground_on_another_date_was_not_seen(root, score, tiny_arrays):
    write_dataset(root, "later", {"val": 3}, tiny_arrays, easting=TRAINED_AT, date="2024-07-01")
    status, _, err = score("later")
    assert status == 0 and warnings_in(err) == []
    assert origins.load(csv_of(root, "later"))["splits"]["val"]["seen_in_training"] == 0


def test_the_same_ground_counts_where_dates_are_not_stated(root, score, tiny_arrays):
    write_dataset(root, "undated", {"val": 3}, tiny_arrays, easting=TRAINED_AT, date=None)
    assert "3 of 3 samples of val share ground with training samples" in score("undated")[2]


def test_the_same_ground_counts_on_any_date_in_datasets_of_sequences(root, tiny_arrays, open_tiny):
    write_dataset(root, "later", {"val": 3}, tiny_arrays, easting=TRAINED_AT, date="2024-07-01")
    seen = {}
    for sequence in (None, r"(?P<sequence>\D+)(?P<position>\d+).*"):
        for dataset in ("tiny", "later"):
            file = root / "data" / dataset / "64/dataset.json"
            file.write_text(json.dumps({**json.loads(file.read_text()), "sequence": sequence}))
        experiment = open_tiny(root, "any", dataset="tiny")
        other = open_other("later", experiment)
        seen[sequence is None] = seen_in_training(other, "val", other.listing.names("val"), experiment)
    assert seen[True] == Seen([], known=True, dated=True)
    assert seen[False] == Seen(["val0", "val1", "val2"], known=True, dated=False)


def test_where_places_are_not_stated_one_line_says_so(root, score, tiny_arrays):
    write_dataset(root, "nowhere", {"val": 3}, tiny_arrays, easting=None)
    status, _, err = score("nowhere")
    assert status == 0 and len(warnings_in(err)) == 1 and "records state no place" in err
    assert origins.load(csv_of(root, "nowhere"))["splits"]["val"]["seen_in_training"] is None


# ---- tables ---------------------------------------------------------------------------------------------------------


def test_compare_shows_both_rows_each_beside_runs_on_the_same_records(root, score, command):
    assert score("other")[0] == 0
    status, out, _ = command(compare.main)
    assert status == 0 and f"{OWN}@other@64: trained on tiny" in out
    table = pd.read_csv(root / "experiments/_evaluation/summary.csv")
    datasets = table.groupby(table["dataset"].str.split().str[0])["run"].agg(sorted).to_dict()
    assert datasets == {"tiny": [*BASELINES, OWN], "other": [*BASELINES, f"{OWN}@other@64", "there_a"]}
    own = csv_files.read(csv_of(root))
    assert table.set_index("run")["PSNR"][f"{OWN}@other@64"] == pytest.approx(own["PSNR"].mean())
    assert len(pd.read_csv(csv_of(root))) == 3
    only = command(compare.main, "--exp", "architectures")[1]
    assert f"{OWN}@other@64" in only and "there_a" not in only


def test_the_tables_of_the_notebook_name_dataset_and_training(root, score):
    assert score("other")[0] == 0
    loaded = evaluations.load(root / "experiments")
    rows = loaded.scores[~loaded.scores["baseline"]].drop_duplicates("run").set_index("run")
    assert rows[["dataset", "label"]].T.to_dict("list") == {
        OWN: ["tiny", "template"],
        f"{OWN}@other@64": ["other", "template trained on tiny"],
        "there_a": ["other", "template"],
    }
    assert f"{OWN}@other@64: trained on tiny." in loaded.remarks
    assert set(loaded.runs["in use"]) == {"yes"}
    published = summary.publication(loaded.scores)
    assert list(published["other", "all"].index) == ["bicubic", "linear-fit", "template", "template trained on tiny"]
    assert list(published["tiny", "all"].index) == ["bicubic", "linear-fit", "template"]
    assert len(summary.means(loaded.scores)) == 7 and len(summary.quintiles(loaded.scores)) == 3


def test_commands_that_look_for_the_own_scores_do_not_find_these(root, score):
    environment = Environment(root / "environment.json")
    options = argparse.Namespace(steps=2, batch_size=4, tilesize=64, factor=2, seed=0)
    before = architectures.table([architectures.row(environment, "psgan")], options)
    assert score("other")[0] == 0
    assert architectures.table([architectures.row(environment, "psgan")], options) == before
    assert "0 held-out tiles" in before
    assert queue.plan(environment, "architectures", None)[0].action == "skip"
    own = root / "experiments/_evaluation" / f"{OWN}.csv"
    own.unlink()
    assert queue.plan(environment, "architectures", None)[0].action == "resume"


def test_a_changed_csv_is_refused_with_the_command_that_repeats_it(root, score, command):
    assert score("other")[0] == 0
    csv_of(root).write_text(csv_of(root).read_text().replace("test0", "test9"))
    status, _, err = command(compare.main)
    assert status == 2 and err.endswith(
        f"python evaluate.py --exp {NAME} --timestamp results --split test --dataset other\n"
    )
