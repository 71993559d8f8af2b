"""What a run is compared by: runs, plug-ins and datasets that are renamed, copied, edited or split again."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from PIL import Image

import compare
import evaluate
import predict
import train
from pix2earth.records.loading import load_manifest
from pix2earth.records.manifest import Record, fingerprint
from pix2earth.records.writer import DatasetWriter
from pix2earth.scoring import origins
from pix2earth.scoring.tables import evaluations
from pix2earth.training.checkpoints import _digest
from tests.test_train import PLUGIN, checkpoint_values

pytestmark = pytest.mark.slow

RUN = "0101-0000"
HELPER = '"""Help."""\n\nWEIGHT = 1.0\n'


@pytest.fixture(scope="module")
def template(_tiny_template, tmp_path_factory, write_experiment):
    """The tiny folder with a plug-in of the user, which imports another file, and a run of it of four steps."""
    root = shutil.copytree(_tiny_template, tmp_path_factory.mktemp("reproducibility") / "root")
    (root / "plugins").mkdir()
    source = PLUGIN.format(parameters="", body="return {**losses, 'mine': WEIGHT * losses['gen_l1']}")
    (root / "plugins" / "mine.py").write_text(f"from models.weights import WEIGHT\n{source}")
    (root / "plugins" / "weights.py").write_text(HELPER)
    environment = json.loads((root / "environment.json").read_text())
    (root / "environment.json").write_text(json.dumps(environment | {"models_root": ["plugins"]}))
    settings(root)
    with pytest.raises(SystemExit) as end:
        train.main(["--env", str(root / "environment.json"), "--exp", "x", "--timestamp", RUN])
    assert end.value.code == 0
    return root


def settings(root: Path, **changes) -> None:
    """Write the experiment, with changes."""
    content = {
        "model_name": "mine", "dataset": "tiny", "tilesize": 64, "batch_size": 4, "steps": 4, "ckpt_freq": 2,
        "metrics": ["PSNR"], "learning_rate": 1e-3, "exclude_suffix": "_notinmask",
    }  # fmt: skip
    path = root / "experiments" / "x" / "experiment.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**content, **changes}))


@pytest.fixture
def root(template, tmp_path):
    return shutil.copytree(template, tmp_path / "root")


@pytest.fixture
def command(root, capfd):
    """``command(module, *arguments, exp="x")``: status, output and errors of a command."""

    def run(module, *arguments, exp="x"):
        with pytest.raises(SystemExit) as end:
            module.main(["--env", str(root / "environment.json"), "--exp", exp, *map(str, arguments)])
        output = capfd.readouterr()
        return end.value.code, output.out, output.err

    return run


@pytest.fixture
def everywhere(root, command):
    """``everywhere()``: (status, errors) of evaluation, maps of the dataset and a resumed training, by name."""

    def run(*options):
        calls = {
            "evaluate": (evaluate,), "predict": (predict, "--input", root / "data/tiny", "--output", root / "maps"),
            "train": (train, "--restore", RUN),
        }  # fmt: skip
        results = {name: command(*call, *options) for name, call in calls.items()}
        return {name: (status, errors) for name, (status, _, errors) in results.items()}

    return run


def table(root: Path, name: str = "x") -> pd.DataFrame:
    return pd.read_csv(root / "experiments/_evaluation" / f"{name}_{RUN}.csv", index_col="tile")


def sidecar(root: Path, name: str = "x") -> dict:
    return origins.load(root / "experiments/_evaluation" / f"{name}_{RUN}.csv")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def split_again(root: Path) -> None:
    """Exchange a training tile and a validation tile, as another split of the same tiles would."""
    folder = root / "data/tiny/64"
    with (folder / "records.csv").open(newline="") as lines:
        records = [Record(row["split"], row["name"], int(row["bytes"]), row["crc32c"]) for row in csv.DictReader(lines)]
    exchanged = {("train", "train01"): "val", ("val", "val01"): "train"}
    for (split, name), target in exchanged.items():
        (folder / split / f"{name}.tfrecord").rename(folder / target / f"{name}.tfrecord")
    records = [record._replace(split=exchanged.get((record.split, record.name), record.split)) for record in records]
    lines = [",".join(Record._fields), *(",".join(map(str, record)) for record in records)]
    (folder / "records.csv").write_text("\n".join(lines) + "\n")
    manifest = json.loads((folder / "dataset.json").read_text())
    (folder / "dataset.json").write_text(json.dumps(manifest | {"fingerprint": fingerprint(records)}))


def refused(results: dict[str, tuple[int, str]], text: str) -> None:
    """Every command refuses in lines that name the difference and the option."""
    for name, (status, errors) in results.items():
        assert status == 2, (name, errors)
        assert text in errors and "--force" in errors, (name, errors)


class TestEdits:
    def test_nothing_changed_and_comments_changed(self, root, everywhere):
        edit(root / "plugins/mine.py", "from models", "# a comment\nfrom models")
        edit(root / "plugins/weights.py", "Help.", "Help, in other words.")
        assert {name: status for name, (status, _) in everywhere().items()} == {
            "evaluate": 0, "predict": 0, "train": 0,
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("file", "old", "new"), [("mine", "Conv2D(4, 3", "Conv2D(4, 3, activation='relu'"), ("weights", "1.0", "2.0")]
    )
    def test_a_plugin_or_what_it_imports(self, root, everywhere, file, old, new):
        before = table(root)
        edit(root / f"plugins/{file}.py", old, new)
        refused(everywhere(), "plug-in 'mine': its code has changed since")
        pd.testing.assert_frame_equal(table(root), before)

    @pytest.mark.parametrize(
        ("key", "value"), [("valid_range", [0.0, 2.0]), ("scale", 2e-4), ("offset", 0.1), ("nodata", 7)]
    )
    def test_the_meaning_of_the_numbers_of_a_dataset(self, root, everywhere, key, value):
        path = root / "data/tiny/64/dataset.json"
        manifest = json.loads(path.read_text())
        manifest["fields"]["target"][key] = value
        path.write_text(json.dumps(manifest))
        refused(everywhere(), f"target.{key}: was ")

    def test_another_split_of_the_dataset(self, root, everywhere):
        split_again(root)
        refused(everywhere(), "the records of the dataset have changed since")

    def test_force_overrides_and_the_scores_say_so(self, root, command):
        split_again(root)
        status, _, errors = command(evaluate, "--force")
        assert status == 0 and "the records of the dataset have changed since" in errors
        entry = sidecar(root)["splits"]["val"]
        assert "records of the dataset have changed" in entry["differences"][0]
        assert entry["identity"]["dataset"]["fingerprint"] != entry["evaluated_on"]["fingerprint"]

    def test_a_forced_change_stays_with_all_later_scores(self, root, command):
        settings(root, steps=6, batch_size=2)
        assert command(train, "--restore", RUN)[0] == 2
        assert command(train, "--restore", RUN, "--force")[0] == 0
        settings(root, steps=8, batch_size=2)
        assert command(train, "--restore", RUN)[0] == 0
        entry = sidecar(root)["splits"]["val"]
        assert entry["differences"] == ["step 4: batch_size: was 4, is 2 (data)"]

    def test_a_best_step_on_other_records_is_not_compared_with_later_ones(self, root, command):
        for path in (root / f"experiments/x/ckpt/{RUN}").glob("ckpt-*.json"):  # better than any later step
            content = json.loads(path.read_text())
            if content["best"]:
                content["best"]["value"] = 99.0
            del content["sha256"]
            path.write_text(json.dumps(content | {"sha256": _digest(content)}))
        settings(root, steps=6, validate_freq=2)
        split_again(root)
        status, output, _ = command(train, "--restore", RUN, "--force")
        assert status == 0 and "was chosen by PSNR with other data" in output and "(best so far)" in output
        assert command(evaluate, "--step", "best", "--force")[0] == 0
        assert sidecar(root)["splits"]["val"]["step"] == 6

    def test_the_code_of_the_toolkit_is_one_line(self, everywhere, monkeypatch):
        from pix2earth.runs import identity

        checksum = identity.checksum
        monkeypatch.setattr(identity, "checksum", lambda path: checksum(path) + path.stem * (path.stem == "patchgan"))
        results = everywhere()
        assert {status for status, _ in results.values()} == {0}
        for name in ("evaluate", "predict"):
            assert "layers/patchgan.py: its code has changed since (toolkit)" in results[name][1]


class TestNames:
    @pytest.mark.parametrize("verb", [shutil.move, shutil.copytree])
    def test_a_moved_or_copied_experiment_keeps_its_runs(self, root, command, verb):
        before = table(root)
        (root / "experiments/archive").mkdir()
        verb(root / "experiments/x", root / "experiments/archive/y")
        new = root / "experiments/archive/y"
        # What shaped the run comes from its checkpoint.
        edit(new / "experiment.json", '"steps": 4', '"steps": 4, "normalize": "unit"')
        assert command(evaluate, exp="archive/y")[0] == 0
        np.testing.assert_array_equal(table(root, "archive--y")["PSNR"], before["PSNR"])
        edit(new / "experiment.json", ', "normalize": "unit"', "")
        edit(new / "experiment.json", '"steps": 4', '"steps": 6')
        assert command(train, "--restore", exp="archive/y")[0] == 0
        assert [path.name for path in (new / "logs").iterdir()] == [f"x_{RUN}"]
        lines = (new / f"logs/x_{RUN}/train.jsonl").read_text().splitlines()
        assert [json.loads(line)["step"] for line in lines if "losses" in line] == [1, 2, 3, 4, 5, 6]
        edit(new / "experiment.json", '"batch_size": 4', '"batch_size": 2')
        status, _, errors = command(train, "--restore", exp="archive/y")
        assert status == 2 and "batch_size: was 4 in the run, is 2" in errors

    @pytest.mark.parametrize("verb", [shutil.move, shutil.copytree])
    def test_a_run_with_two_names_is_compared_once(self, root, command, verb):
        verb(root / "experiments/x", root / "experiments/y")
        assert command(evaluate, exp="y")[0] == 0
        status, output, _ = command(compare, exp="")
        kept, other = (f"x_{RUN}", f"y_{RUN}") if (root / "experiments/x").exists() else (f"y_{RUN}", f"x_{RUN}")
        assert status == 0 and f"{kept}: the same run as {other}.csv, counted once" in output
        assert list(pd.read_csv(root / "experiments/_evaluation/summary.csv")["run"]) in (
            ["(linear-fit)", "(bicubic)", kept], [kept, "(linear-fit)", "(bicubic)"],
        )  # fmt: skip
        loaded = evaluations.load(root / "experiments", every_run=True)
        assert set(loaded.scores.loc[~loaded.scores["baseline"], "run"]) == {kept}
        assert f"{other}: the same run as {kept}, counted once." in loaded.remarks

    def test_a_run_that_was_moved_and_trained_on_replaces_its_former_scores(self, root, command):
        settings(root, steps=6, learning_rate=1e-4)
        (root / "experiments/x").rename(root / "experiments/y")
        assert command(train, "--restore", exp="y")[0] == 0 and command(evaluate, exp="y")[0] == 0
        status, output, _ = command(compare, exp="")
        assert status == 0 and f"the same run as x_{RUN}.csv, counted once" in output
        # A copy that is trained on beside its original is another run.
        shutil.copytree(root / "experiments/y", root / "experiments/z")
        edit(root / "experiments/z/experiment.json", '"steps": 6', '"steps": 8')
        assert command(train, "--restore", exp="z")[0] == 0 and command(evaluate, exp="z")[0] == 0
        command(compare, exp="")
        runs = set(pd.read_csv(root / "experiments/_evaluation/summary.csv")["run"])
        assert runs == {"(bicubic)", "(linear-fit)", f"y_{RUN}", f"z_{RUN}"}

    def test_the_newest_run_is_the_one_that_was_started_last_of_all_years(self, root, command):
        experiment = root / "experiments/x"
        old = "1231-2359"
        shutil.copytree(experiment / "ckpt" / RUN, experiment / "ckpt" / old)
        for path in (experiment / "ckpt" / old).glob("ckpt-*.json"):
            content = json.loads(path.read_text())
            path.write_text(json.dumps(content | {"started": "2019-12-31T23:59:00+00:00"}))
            os.utime(path, (4e9, 4e9))
        _, output, _ = command(evaluate)
        assert f"x_{RUN}, step 4" in output

    def test_a_renamed_dataset_is_found_by_its_records(self, root, command):
        before = table(root)
        (root / "data/tiny").rename(root / "data/renamed")
        status, _, errors = command(evaluate)
        assert status == 2 and errors.count("\n") == 1 and 'set "dataset" in' in errors
        settings(root, dataset="renamed", steps=6)
        assert command(evaluate)[0] == 0
        np.testing.assert_array_equal(table(root)["PSNR"], before["PSNR"])
        status, output, _ = command(train, "--restore", RUN)
        assert status == 0 and "the same records by another name" in output
        shutil.copytree(root / "data/renamed", root / "data/tiny")
        split_again(root)  # a new dataset has the former name
        assert command(evaluate)[0] == 0

    def test_a_renamed_dataset_is_no_difference_that_is_forced(self, root, command):
        (root / "data/tiny").rename(root / "data/renamed")
        settings(root, dataset="renamed", steps=6)
        status, _, errors = command(evaluate, "--force")
        assert status == 0 and "ckpt-4" not in errors and sidecar(root)["splits"]["val"]["differences"] == []
        status, output, _ = command(train, "--restore", RUN, "--force")
        assert status == 0 and "renamed (shapes" not in output
        entry = sidecar(root)["splits"]["val"]
        assert entry["differences"] == [] and "changes" not in entry["identity"]

    def test_a_run_that_exists_is_not_replaced_by_another(self, root, command):
        settings(root, steps=6)
        assert command(train, "--restore", RUN, "--timestamp", "b")[0] == 0
        status, _, errors = command(train, "--restore", RUN, "--timestamp", "b")
        assert status == 2 and "this run exists" in errors


class TestProcessesThatDie:
    def test_before_their_first_checkpoint_they_leave_the_former_settings(self, root, command):
        before, record = table(root), root / f"experiments/x/logs/x_{RUN}/run.json"
        settings(root, steps=9, ckpt_freq=9, sample_freq=9, learning_rate=1e30, normalize="unit")
        status, _, errors = command(train, "--restore", RUN, "--force")
        assert status == 1 and ("is nan" in errors or "is inf" in errors)
        content = json.loads(record.read_text())
        assert content["settings"]["learning_rate"] == 1e-3
        assert content["settings"]["normalize"] == "symmetric"
        assert [session["outcome"].split(":")[0] for session in content["sessions"]] == ["completed", "stopped"]
        assert command(evaluate)[0] == 0
        np.testing.assert_array_equal(table(root)["PSNR"], before["PSNR"])

    def test_a_changed_learning_rate_is_not_lost(self, root, command, monkeypatch):
        from pix2earth.training.loop import Training

        weights = checkpoint_values(root / f"experiments/x/ckpt/{RUN}/ckpt-4")
        settings(root, steps=5, learning_rate=1e-12)
        with monkeypatch.context() as patch:
            patch.setattr(Training, "next_batch", lambda *_: (_ for _ in ()).throw(OSError("killed")))
            assert command(train, "--restore", RUN)[0] == 1
        assert command(train, "--restore", RUN)[0] == 0
        after = checkpoint_values(root / f"experiments/x/ckpt/{RUN}/ckpt-5")
        keys = [key for key in weights if key.startswith("generator/")]
        assert all(np.allclose(weights[key], after[key], atol=1e-9) for key in keys)
        content = json.loads((root / f"experiments/x/logs/x_{RUN}/run.json").read_text())
        assert content["settings"]["learning_rate"] == 1e-12


class TestOrigins:
    def test_scores_state_what_they_belong_to(self, root, command):
        assert command(evaluate, "--step", "best")[0] == 0
        content = sidecar(root)
        entry = content["splits"]["val"]
        saved = json.loads((root / f"experiments/x/ckpt/{RUN}/ckpt-{entry['step']}.json").read_text())
        assert entry["identity"] == saved["identity"] and entry["checkpoint"] == saved["sha256"]
        assert entry["selected_on"] == "val" and entry["scale"]["data_range"] == 1.0
        assert evaluations.load(root / "experiments").runs["loss"].tolist() == ["1 gan + 100 l1 + mine"]
        assert "mine" in entry["losses"] and content["started"] == saved["started"]
        command(evaluate)
        assert sidecar(root)["splits"]["val"]["selected_on"] == "none"

    def test_scores_are_shown_where_they_cannot_be_written(self, root, command):
        shutil.rmtree(root / "experiments/_evaluation")
        (root / "experiments/_evaluation").write_text("no folder")
        status, output, errors = command(evaluate)
        assert status == 1 and "PSNR" in output and "_evaluation" in errors and "Traceback" not in errors

    def test_maps_and_sample_images_carry_the_identity(self, root, command):
        assert command(predict, "--input", root / "data/tiny", "--output", root / "maps")[0] == 0
        with rasterio.open(root / "maps/val01.tif") as raster:
            tags = raster.tags()
        saved = json.loads((root / f"experiments/x/ckpt/{RUN}/ckpt-4.json").read_text())
        assert json.loads(tags["IDENTITY"]) == saved["identity"] and tags["CHECKPOINT"] == saved["sha256"]
        with Image.open(root / f"experiments/_samples/x_{RUN}.png") as image:
            assert json.loads(image.text["IDENTITY"]) == saved["identity"] and image.text["STEP"] == "4"


class TestMaps:
    def test_every_sample_is_predicted(self, root, command):
        _, output, _ = command(predict, "--input", root / "data/tiny", "--output", root / "maps")
        assert "6 GeoTIFFs" in output  # the experiment leaves out every third
        assert len(list((root / "maps").glob("*.tif"))) == 6

    @pytest.mark.parametrize("change", ["step", "split", "records"])
    def test_maps_of_something_else_are_not_kept(self, root, command, change):
        call = (predict, "--input", root / "data/tiny", "--output", root / "maps")
        assert command(*call)[0] == 0
        options = {"step": ["--step", "2"], "split": ["--split", "train"], "records": ["--force"]}[change]
        if change == "records":
            split_again(root)
        if change == "split":
            for number in range(6):
                (root / f"maps/val{number:02d}.tif").unlink(missing_ok=True)
            kept = next((root / "maps").glob("*.tif"))
            kept.rename(root / "maps/train01.tif")
        status, _, errors = command(*call, *options)
        assert status == 2 and "exists and is not of this run" in errors and "--overwrite" in errors

    def test_the_input_is_not_replaced(self, root, command):
        for output in ("data/tiny/64", "data/tiny/64/maps"):
            status, _, errors = command(predict, "--input", root / "data/tiny", "--output", root / output)
            assert status == 2 and "is the folder of --input" in errors
        (root / "bands").mkdir()
        status, _, errors = command(predict, "--input", root / "bands", "--output", root / "bands/map.tif")
        assert status == 2 and "or in its folder" in errors
        scene = root / "scene.tif"
        profile = {"driver": "GTiff", "height": 64, "width": 64, "count": 4, "dtype": "uint16", "crs": "EPSG:32618"}
        with rasterio.open(scene, "w", transform=rasterio.Affine(640, 0, 5e5, 0, -640, 4.5e6), **profile) as raster:
            raster.write(np.full((4, 64, 64), 3000, np.uint16))
        content = scene.read_bytes()
        (root / "link.tif").symlink_to(scene)
        for output in (scene, root / "link.tif"):
            status, _, errors = command(predict, "--input", scene, "--output", output, "--overwrite")
            assert status == 2 and "is the same file as --input" in errors
        assert scene.read_bytes() == content
        status, _, errors = command(predict, "--input", scene, "--output", root / "map.tif")
        assert status == 0 and "pixels of 640 m" in errors

    def test_a_dataset_of_another_resolution(self, root, command, tiny_arrays):
        manifest = load_manifest(root / "data/tiny/64", "tiny").model_copy(update={"name": "coarse"})
        with DatasetWriter(root / "data", manifest) as writer:
            for number, (name, fields) in enumerate(tiny_arrays["val"].items()):
                place = (640, 0, 500000 + 40960 * number, 0, -640, 4500000)
                writer.write("val", name, fields, crs="EPSG:32618", transform=place, acquired=["2023-07-01T15:00:00Z"])
        call = (predict, "--input", root / "data/coarse", "--output", root / "maps")
        status, _, errors = command(*call)
        assert status == 0 and "pixels of 640 m, where the network was trained on 10 m: expect artefacts" in errors
        edit(root / "data/coarse/64/dataset.json", '"gsd": 10.0', '"gsd": 640.0')
        status, _, errors = command(*call)
        assert status == 2 and "target differ from those of" in errors

    def test_a_scene_is_compared_with_the_manifest(self, root, command):
        scene = root / "scene.tif"
        profile = {"driver": "GTiff", "height": 64, "width": 64, "count": 4, "dtype": "uint16", "crs": "EPSG:4326"}
        with rasterio.open(scene, "w", transform=rasterio.Affine(0.006, 0, 7, 0, -0.006, 47), **profile) as raster:
            raster.write(np.full((4, 64, 64), 3000, np.uint16))
        call = (predict, "--input", scene, "--output", root / "map.tif", "--overwrite")
        status, _, errors = command(*call)
        assert status == 0 and "expect artefacts" in errors
        (root / "data/tiny/64/records.csv").unlink()  # a scene needs no records
        assert command(*call)[0] == 0
        edit(root / "data/tiny/64/dataset.json", '"scale": 0.0001', '"scale": 0.0002')
        status, _, errors = command(*call)
        assert status == 2 and "input_image.scale: was 0.0001, is 0.0002 (manifest)" in errors


def test_a_former_run_says_what_it_did_not_record(root, command):
    for path in (root / f"experiments/x/ckpt/{RUN}").glob("ckpt-*.json"):
        content = json.loads(path.read_text())
        for key in ("identity", "started", "losses", "sha256"):
            del content[key]
        path.write_text(json.dumps(content | {"sha256": _digest(content)}))
    status, _, errors = command(evaluate)
    assert status == 0 and errors.count("a former version recorded neither") == 1
    settings(root, steps=6)
    status, output, _ = command(train, "--restore", RUN)
    assert status == 0 and "a former version recorded neither" in output
    split_again(root)
    assert command(evaluate)[0] == 2
