"""The judge by land cover, from the command line, on the preset `series` of synthetic data."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import evaluate
import train
from experiment import Environment, open_experiment
from pix2earth.batches.dataset import Dataset
from pix2earth.records.loading import load_manifest
from synthetic.__main__ import main as synthetic

pytest.importorskip("skops", reason="skops is not installed")
pytestmark = pytest.mark.slow

SIDE = 64


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with the tiny preset `series` and a run of two steps of `masked_unet` on it."""
    root = tmp_path_factory.mktemp("land_cover")
    with pytest.raises(SystemExit) as end:
        synthetic(["make", "--preset", "series", "--profile", "tiny", "--o", str(root / "data/series")])
    assert end.value.code in (0, None)
    (root / "environment.json").write_text(json.dumps({"data_root": "data", "experiment_root": "experiments"}))
    folder = root / "experiments/e"
    folder.mkdir(parents=True)
    settings = {
        "model_name": "masked_unet", "params": {"filters": 4, "discriminator_filters": 4}, "dataset": "series",
        "tilesize": SIDE, "gen_loss": {"gen_gan": 0.01}, "batch_size": 4, "steps": 2, "metrics": ["MAE"],
        "best_metric": "MAE", "sample_freq": 100,
    }  # fmt: skip
    (folder / "experiment.json").write_text(json.dumps(settings))
    run(train.main, root, "--exp", "e", "--timestamp", "a")
    return root


def run(main, root, *arguments):
    with pytest.raises(SystemExit) as end:
        main(["--env", str(root / "environment.json"), *arguments])
    return end.value.code


@pytest.fixture
def root(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "root")


def arrays_of(root, split):
    """Return target, input and class of every sample of a split as stored, by name."""
    experiment = open_experiment("e", Environment(root / "environment.json"), "0101-0000")
    dataset = Dataset(experiment)
    names = dataset.all_names(split)
    fields = [{k: v.numpy() for k, v in batch.items()} for batch in dataset.batches(split, names, 1)]
    return dict(zip(names, fields, strict=True)), load_manifest(root / f"data/series/{SIDE}", "series")


def test_the_judge_from_the_command_line(root, capfd):
    """Files, figure, ceiling and floor; the scores of true frames are those of the classifier on arrays as stored."""
    assert run(evaluate.main, root, "--exp", "e", "--classifier") == 0
    out, err = capfd.readouterr()
    assert "true frames (ceiling): accuracy" in out and "a reference classifier was fitted to" in err
    place = root / "experiments/_evaluation/land_cover/e_a_test"
    content = json.loads(place.with_suffix(".json").read_text())
    frames = content["frames"]
    assert set(frames) == {"true", "generated", "input"} and content["no_input"] is None
    # A classifier sees clouds as what they are not, and knows its own kind of images best.
    assert frames["true"]["accuracy"] > 0.6 and frames["true"]["accuracy"] > frames["input"]["accuracy"]
    assert content["ratio"] == pytest.approx(frames["generated"]["accuracy"] / frames["true"]["accuracy"])
    assert frames["true"]["change"]["error"] == 0 < frames["generated"]["change"]["error"]
    assert place.with_suffix(".png").stat().st_size > 20_000
    table = pd.read_csv(place.with_suffix(".csv"))
    assert table.query("frames == 'true' and `class` == 'all'")["accuracy"].item() == frames["true"]["accuracy"]
    curves = pd.read_csv(place.with_name("e_a_test_ndvi.csv"))
    assert set(curves) == {"class", "time_step", "true", "generated", "input"} and curves["time_step"].max() == 12
    by_hand(root, content)


def by_hand(root, content):
    """Classify the stored test frames with the file that was kept, and compare accuracy and change of the input."""
    import skops.io

    (kept,) = (root / "experiments/_evaluation/classifiers").glob("*/classifier.skops")
    assert skops.io.get_untrusted_types(file=kept) == []
    model = skops.io.load(kept, trusted=[])
    arrays, manifest = arrays_of(root, "test")
    target, source = manifest.fields["target"], manifest.fields["input_image"]
    scenes = sorted({name.rpartition("_t")[0] for name in arrays})
    hits = pixels = 0
    for scene in scenes:
        names = sorted(name for name in arrays if name.startswith(f"{scene}_t"))
        frames = np.stack([arrays[name]["target"][0] * target.scale + target.offset for name in names])
        labels = arrays[names[0]]["land_cover"][0, ..., 0]
        known = labels > 0
        features = np.concatenate(list(frames[:, known]), axis=1)
        hits, pixels = hits + (model.predict(features) == labels[known]).sum(), pixels + known.sum()
    assert source.bands == target.bands and content["series"] == len(scenes)
    assert content["frames"]["true"]["pixels"] == pixels
    assert content["frames"]["true"]["accuracy"] == pytest.approx(hits / pixels, abs=2e-3)


def test_it_is_fitted_once_for_all_runs_and_a_damaged_file_is_named(root, capfd):
    assert run(evaluate.main, root, "--exp", "e", "--classifier") == 0
    (folder,) = (root / "experiments/_evaluation/classifiers").iterdir()
    kept, about = folder / "classifier.skops", json.loads((folder / "classifier.json").read_text())
    assert about["dataset"]["fingerprint"] and about["fitted"]["features"] == 72 and about["classes"] == "land_cover"
    written = kept.stat().st_mtime_ns
    shutil.copytree(root / "experiments/e", root / "experiments/f", ignore=shutil.ignore_patterns("logs", "ckpt"))
    assert run(train.main, root, "--exp", "f", "--timestamp", "b") == 0
    capfd.readouterr()
    assert run(evaluate.main, root, "--exp", "f", "--classifier") == 0
    assert f"{folder}: the reference classifier of this dataset" in capfd.readouterr().err
    assert kept.stat().st_mtime_ns == written
    kept.write_bytes(kept.read_bytes()[:-200])
    assert run(evaluate.main, root, "--exp", "f", "--classifier") == 2
    line = capfd.readouterr().err.strip().splitlines()[-1]
    assert line.startswith(f"{kept}: cannot be used:") and "it is fitted again" in line


def test_json_is_the_summary_with_the_file_of_the_judgement(root, capfd):
    assert run(evaluate.main, root, "--exp", "e", "--classifier", "--json") == 0
    content = json.loads(capfd.readouterr().out)
    assert content["version"] == 1 and content["run"] == "e_a" and content["scores"][0]["metric"] == "MAE"
    written = json.loads((root / "experiments/_evaluation/land_cover/e_a_test.json").read_text())
    assert content["land_cover"] == written and written["frames"]["true"]["pixels"] > 0


def elsewhere(root):
    """Write a dataset of other places with the fields of `series`; return its folder."""
    place = root / "data/elsewhere"
    with pytest.raises(SystemExit) as end:
        synthetic(["make", "--preset", "series", "--profile", "tiny", "--seed", "9", "--o", str(place)])
    assert end.value.code in (0, None)
    return place / str(SIDE)


def test_another_dataset_has_a_classifier_of_its_own_train_and_files_of_its_own(root, capfd):
    place = elsewhere(root)
    assert run(evaluate.main, root, "--exp", "e", "--classifier") == 0
    folder = root / "experiments/_evaluation/land_cover"
    own = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert run(evaluate.main, root, "--exp", "e", "--dataset", "elsewhere", "--classifier") == 0
    assert "land cover of 2 series of test of elsewhere, by a classifier of true frames" in capfd.readouterr().out
    assert {name: (folder / name).read_bytes() for name in own} == own
    further = {path.name.removeprefix("e_a@elsewhere@64_test") for path in folder.iterdir()} - set(own)
    assert further == {".json", ".csv", ".png", "_ndvi.csv"}
    content = json.loads((folder / "e_a@elsewhere@64_test.json").read_text())
    kept = json.loads((Path(content["classifier"]["folder"]) / "classifier.json").read_text())
    assert kept["dataset"]["fingerprint"] == json.loads((place / "dataset.json").read_text())["fingerprint"]
    assert content["dataset"] == "elsewhere" and content["classifier"]["series"] == 8  # those of train alone


def test_another_dataset_without_train_is_one_line(root, capfd):
    place = elsewhere(root)
    shutil.rmtree(place / "train")
    lines = (place / "records.csv").read_text().splitlines(keepends=True)
    (place / "records.csv").write_text("".join(line for line in lines if not line.startswith("train")))
    assert run(evaluate.main, root, "--exp", "e", "--dataset", "elsewhere", "--classifier") == 2
    line = capfd.readouterr().err.strip().splitlines()[-1]
    assert line.startswith(f"{place / 'train'}: --classifier: has no samples, to whose true frames the classifier is")
    assert not (root / "experiments/_evaluation/e_a@elsewhere@64.csv").exists()


NETWORKS = {"filters": [4, 8, 8, 8], "depth": 4, "discriminator_filters": [4, 8]}
UNPAIRED = {"gen_gan": None, "gen_lsgan": 1, "gen_cycle": 10}


@pytest.mark.parametrize(
    ("settings", "floor"),
    [
        ({"model_name": "cgan", "dataset": "from_radar"}, False),
        ({"model_name": "cyclegan", "dataset": "from_radar"}, False),
        (
            {
                "model_name": "cyclegan_unpaired", "dataset": "from_radar", "gen_loss": UNPAIRED,
                "disc_loss": {"disc_bce": None, "disc_lsgan": 1},
            },
            False,
        ),
        ({"model_name": "cgan_recurrent"}, True),
        (
            {
                "model_name": "dated_unet", "dataset": "stacks", "fold_dates": True,
                "params": {"filters": 4, "discriminator_filters": 4},
            },
            True,
        ),
    ],
    ids=lambda each: each["model_name"] if isinstance(each, dict) else None,
)  # fmt: skip
def test_models_of_single_frames_of_sequences_and_of_series_are_judged(root, settings, floor, capfd):
    """Radar has no floor: its frames lack the bands; the ceiling is that of all pixels of the test split."""
    dataset = settings.get("dataset", "series")
    if dataset == "from_radar":
        file = shutil.copytree(root / "data/series", root / "data/from_radar") / f"{SIDE}/dataset.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "input": "radar"}))
    elif dataset == "stacks":
        with pytest.raises(SystemExit):
            synthetic(["make", "--preset", "gap_filling", "--profile", "tiny", "--o", str(root / "data/stacks")])
    file = root / "experiments/e/experiment.json"
    whole = {"params": NETWORKS, "random_resize": 1.0, **settings}
    content = {key: value for key, value in json.loads(file.read_text()).items() if key != "gen_loss"}
    (root / "experiments/x").mkdir()
    (root / "experiments/x/experiment.json").write_text(json.dumps(content | whole))
    assert run(train.main, root, "--exp", "x", "--timestamp", "a") == 0
    assert run(evaluate.main, root, "--exp", "x", "--classifier") == 0, capfd.readouterr().err
    found = json.loads((root / "experiments/_evaluation/land_cover/x_a_test.json").read_text())
    manifest = load_manifest(root / f"data/{dataset}/{SIDE}", dataset)
    scenes = 2
    pixels = found["frames"]["generated"]["pixels"]
    assert found["series"] == scenes and pixels == found["frames"]["true"]["pixels"] == scenes * SIDE**2
    steps = manifest.fields["target"].time_steps or 12
    assert len(found["ndvi"][str(found["classes"][0])]["generated"]) == steps
    assert found["classifier"]["features"] == steps * len(manifest.fields["target"].bands)
    assert ("input" in found["frames"]) is floor and (found["no_input"] is None) is floor
    assert found["frames"]["generated"]["change"]["error"] > 0


def test_a_dataset_without_classes_is_refused_before_it_is_scored(tiny_root, finished_run, capfd):
    finished_run("e", "a", steps=2, metrics=["PSNR"])
    before = (tiny_root / "experiments/_evaluation/e_a.csv").read_bytes()
    assert run(evaluate.main, tiny_root, "--exp", "e", "--classifier", "--step", "2") == 2
    assert "--classifier: needs a field of kind 'classes', and dataset.json has none" in capfd.readouterr().err
    assert (tiny_root / "experiments/_evaluation/e_a.csv").read_bytes() == before
