"""The judge by land cover, from the command line, on the preset `series` of synthetic data."""

import json
import shutil

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


def test_what_cannot_be_judged_is_said_in_one_line(root, capfd):
    for option in (["--json"], ["--dataset", "series"]):
        assert run(evaluate.main, root, "--exp", "e", "--classifier", *option) == 2
        assert f"--classifier: cannot be given with {option[0]}" in capfd.readouterr().err
