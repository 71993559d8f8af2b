"""The training command in the test's own process: what it writes, what it refuses, what it survives."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import train
from experiment import PROJECT
from pix2earth.runs.folders import checkpoint_steps
from pix2earth.training.interruption import Interruption

SMALL = {"metrics": ["PSNR"], "steps": 4, "ckpt_freq": 2, "sample_freq": 2}

PLUGIN = """
import keras, tensorflow as tf
from layers.conditional_gan import ConditionalGAN
from layers.patchgan import patchgan

class GAN(ConditionalGAN):
    def Generator(self):
        exp = self.exp
        image = keras.Input((exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS))
        x = keras.layers.Conv2D(4, 3, padding="same")(image)
        return keras.Model(image, keras.layers.Conv2D(exp.OUTPUT_CHANNELS, 1)(x))

    def Discriminator(self):
        return patchgan(self.exp.INPUT_CHANNELS, self.exp.OUTPUT_CHANNELS, 4, 2)

    @tf.function
    def train_step(self, input_image, target, {parameters}step):
        losses = super().train_step(input_image, target, step)
        {body}
"""


@pytest.fixture
def trained(tiny_root, write_experiment, capfd):
    """Train an experiment on the tiny dataset; return (status, output, errors)."""

    def run(*arguments: str, name: str = "tiny", **settings):
        if settings:
            write_experiment(tiny_root, name, **{**SMALL, **settings})
        with pytest.raises(SystemExit) as end:
            train.main(["--env", str(tiny_root / "environment.json"), "--exp", name, *arguments])
        captured = capfd.readouterr()
        return end.value.code, captured.out, captured.err

    return run


def plugin(root: Path, name: str, parameters: str = "", body: str = "return losses") -> dict[str, object]:
    """Write a plug-in into models_root and return the settings that use it."""
    folder = root / "plugins"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(PLUGIN.format(parameters=parameters, body=body))
    environment = json.loads((root / "environment.json").read_text())
    (root / "environment.json").write_text(json.dumps(environment | {"models_root": ["plugins"]}))
    return {"model_name": name, "params": {}}


def journal(root: Path, name: str, run: str) -> list[dict]:
    lines = (root / "experiments" / name / "logs" / f"{name}_{run}" / "train.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def run_json(root: Path, name: str, run: str) -> dict:
    return json.loads((root / "experiments" / name / "logs" / f"{name}_{run}" / "run.json").read_text())


@pytest.mark.slow
class TestOutputs:
    def test_tree_journal_and_record(self, trained, tiny_root):
        status, out, err = trained("--timestamp", "a", name="deep/one", steps=5)
        assert status == 0, err
        root = tiny_root / "experiments"
        folder, name = root / "deep" / "one", "deep_one_a"
        assert checkpoint_steps(folder / "ckpt" / "a")[-1] == 5  # the last step, though 2 does not divide it
        assert (folder / "ckpt" / "a" / "ckpt-5.index").is_file()
        assert sorted(path.name for path in (folder / "samples").iterdir()) == [
            *(f"{name}_{step:05d}.png" for step in (0, 2, 4, 5)), "index.html",
        ]  # fmt: skip
        page = (folder / "samples" / "index.html").read_text()
        assert "<strong>completed</strong>, step 5 of 5" in page and f'src="{name}_00005.png"' in page
        assert (root / "_samples" / "deep--one_a.png").read_bytes() == (
            folder / "samples" / f"{name}_00005.png"
        ).read_bytes()
        assert (root / "_evaluation" / "deep--one_a.csv").is_file()
        assert (folder / "logs" / name / "experiment.json").read_text() == (folder / "experiment.json").read_text()
        assert (folder / "nohup" / "a_test.out").read_text().count("step 5/5") == 1
        assert {path.stem for path in (folder / "model").iterdir()} >= {"generator", "discriminator"}
        lines = [json.loads(line) for line in (folder / "logs" / name / "train.jsonl").read_text().splitlines()]
        assert [line["step"] for line in lines if "losses" in line] == [1, 2, 3, 4, 5]
        assert [line["step"] for line in lines if "validation" in line] == [2, 4, 5]
        for table, steps in (("losses.csv", ["1", "2", "3", "4", "5"]), ("validation.csv", ["2", "4", "5"])):
            rows = (folder / "logs" / name / table).read_text().splitlines()
            assert rows[0].startswith("step,") and [row.split(".")[0] for row in rows[1:]] == steps
        means = json.loads((root / "_evaluation" / "deep--one_a.metrics.json").read_text())
        assert means["val"]["PSNR"] > 0
        record = json.loads((folder / "logs" / name / "run.json").read_text())
        assert record["settings"]["steps"] == 5 and record["settings"]["normalize"] == "symmetric"
        assert record["sessions"][0]["outcome"] == "completed"
        assert record["dataset"]["fingerprint"].startswith("sha256:")
        assert record["best"]["step"] in checkpoint_steps(folder / "ckpt" / "a")
        assert "PSNR" in out

    def test_a_run_that_exists_is_not_overwritten(self, trained, finished_run):
        finished_run("r", "a", **SMALL | {"steps": 2})
        status, _, err = trained("--timestamp", "a", name="r")
        assert status == 2
        assert err.count("\n") == 1 and "--restore a" in err

    def test_keep_checkpoints_keeps_the_newest_and_the_best(self, trained, tiny_root):
        assert trained("--timestamp", "a", name="k", steps=8, ckpt_freq=1, validate_freq=3, keep_checkpoints=2)[0] == 0
        best = run_json(tiny_root, "k", "a")["best"]["step"]
        assert checkpoint_steps(tiny_root / "experiments/k/ckpt/a") == sorted({7, 8, best})


@pytest.mark.slow
class TestRestore:
    def test_continues_in_place_up_to_more_steps(self, trained, tiny_root, finished_run):
        finished_run("r", "a", **SMALL | {"steps": 2})
        status, out, _ = trained("--restore", name="r", steps=4)
        assert status == 0
        assert "steps: was 2 in the run, is 4" in out
        assert [line["step"] for line in journal(tiny_root, "r", "a") if "losses" in line] == [1, 2, 3, 4]
        assert [session["first_step"] for session in run_json(tiny_root, "r", "a")["sessions"]] == [0, 2]

    def test_begins_a_new_run_from_another(self, trained, tiny_root, finished_run):
        finished_run("r", "a", **SMALL | {"steps": 2})
        assert trained("--restore", "a", "--timestamp", "b", name="r", steps=4)[0] == 0
        assert [line["step"] for line in journal(tiny_root, "r", "b") if "losses" in line] == [3, 4]
        assert run_json(tiny_root, "r", "b")["restored_from"] == "a:2"

    def test_refuses_changes_of_network_and_data(self, trained, finished_run):
        finished_run("r", "a", **SMALL | {"steps": 2})
        status, _, err = trained("--restore", "a", name="r", steps=4, batch_size=2, seed=3)
        assert status == 2
        assert "batch_size: was 4 in the run, is 2 (shapes the data)" in err and "seed: was 0" in err
        assert trained("--restore", "a", "--force", name="r", steps=4, batch_size=2, seed=3)[0] == 0

    def test_names_what_does_not_fit_even_when_forced(self, trained, finished_run):
        wide = {"params": {"filters": 12, "blocks": 1}}
        finished_run("r", "a", **SMALL | {"steps": 2})
        status, _, err = trained("--restore", "a", "--force", name="r", steps=4, **wide)
        assert status == 2
        assert "/ckpt/a/ckpt-2: " in err and "] in the checkpoint and float32 [" in err and err.count("\n") == 11

    def test_takes_a_changed_learning_rate(self, trained, tiny_root, finished_run):
        finished_run("r", "a", **SMALL | {"steps": 2})
        before = checkpoint_values(tiny_root / "experiments/r/ckpt/a/ckpt-2")
        assert trained("--restore", "a", name="r", steps=4, learning_rate=1e-12)[0] == 0
        after = checkpoint_values(tiny_root / "experiments/r/ckpt/a/ckpt-4")
        trained_weights = [key for key in before if key.startswith("generator/")]
        assert all(np.allclose(before[key], after[key], atol=1e-9) for key in trained_weights)

    def test_falls_back_when_bits_were_flipped_and_sweeps_leftovers(self, trained, tiny_root):
        assert trained("--timestamp", "a", name="r", steps=4)[0] == 0
        folder = tiny_root / "experiments/r/ckpt/a"
        data = folder / "ckpt-4.data-00000-of-00001"
        content = bytearray(data.read_bytes())
        content[len(content) // 2] ^= 1
        data.write_bytes(content)
        (folder / "ckpt-9.index").write_bytes(b"left over")
        status, out, _ = trained("--restore", "a", name="r", steps=6)
        assert status == 0
        assert f"{data}: does not match its SHA-256" in out and "ckpt-9.index: removed" in out
        assert "steps 2 to 6" in out
        assert checkpoint_steps(folder)[-1] == 6

    @pytest.mark.parametrize("arguments", [["zzz"], []])
    def test_without_a_checkpoint_is_a_error(self, trained, arguments):
        status, _, err = trained("--restore", *arguments)
        assert status == 2
        assert err.count("\n") == 1 and "checkpoint" in err


def checkpoint_values(prefix: Path) -> dict[str, np.ndarray]:
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(prefix))
    return {key: reader.get_tensor(key) for key in reader.get_variable_to_shape_map()}


@pytest.mark.slow
class TestFaults:
    def test_a_loss_that_is_not_a_number_names_the_samples(self, trained, tiny_root):
        body = 'losses["total_gen_loss"] += tf.where(step == 3, float("nan"), 0.0)\n        return losses'
        settings = plugin(tiny_root, "diverges", body=body)
        status, _, err = trained("--timestamp", "a", name="n", **settings)
        assert status == 1
        assert err.count("\n") == 1 and "step 4: total_gen_loss is nan" in err
        assert sum(f"train{index:02d}" in err for index in range(12)) == 4
        assert checkpoint_steps(tiny_root / "experiments/n/ckpt/a") == [2]
        assert run_json(tiny_root, "n", "a")["sessions"][-1]["outcome"].startswith("stopped: step 4")

    def test_a_flipped_bit_of_a_record_stops_the_run_after_saving(self, trained, tiny_root):
        record = sorted((tiny_root / "data/tiny/64/train").iterdir())[5]
        content = bytearray(record.read_bytes())
        content[len(content) // 2] ^= 16
        record.write_bytes(content)
        status, _, err = trained("--timestamp", "a", name="d", steps=6)
        assert status == 2
        assert err.count("\n") == 1 and str(record) in err and "field 'target'" in err
        saved, last = (
            checkpoint_steps(tiny_root / "experiments/d/ckpt/a"),
            run_json(tiny_root, "d", "a")["sessions"][-1],
        )
        assert saved[-1] == last["last_step"]

    def test_a_missing_record_is_found_before_training(self, trained, tiny_root):
        record = sorted((tiny_root / "data/tiny/64/train").iterdir())[0]
        record.unlink()
        status, _, err = trained(name="d", steps=2)
        assert status == 2 and err == f"{record}: the record is missing\n"

    def test_an_error_in_a_plugin_names_file_and_line(self, trained, tiny_root):
        settings = plugin(tiny_root, "broken", body='return {"a": tf.reshape(target, (-1, 7)) @ target}')
        status, _, err = trained(name="b", **settings)
        line = (tiny_root / "plugins/broken.py").read_text().split("reshape")[0].count("\n") + 1
        assert status == 2 and err.count("\n") == 1
        assert f"{tiny_root / 'plugins/broken.py'}:{line}: train_step() fails" in err

    def test_an_unknown_field_is_named_with_the_nearest(self, trained, tiny_root):
        settings = plugin(tiny_root, "asks", parameters="cloud_mas, ")
        status, _, err = trained(name="b", **settings)
        assert status == 2 and err.count("\n") == 1
        assert "asks for 'cloud_mas'; did you mean 'cloud_mask'?" in err


@pytest.mark.slow
class TestPlugins:
    def test_a_field_is_handed_over_by_name(self, trained, tiny_root):
        body = 'return losses | {"covered": 1.0 - tf.reduce_mean(cloud_mask)}'
        settings = plugin(tiny_root, "with-mask", parameters="cloud_mask, ", body=body)
        assert trained("--timestamp", "a", name="m", steps=2, **settings)[0] == 0
        assert 0 < journal(tiny_root, "m", "a")[0]["losses"]["covered"] < 1

    def test_one_that_returns_nothing_and_writes_its_own_summaries(self, trained, tiny_root):
        body = 'tf.summary.scalar("mine", losses["gen_l1"], step=step)'
        settings = plugin(tiny_root, "silent", body=f"with self.writer.as_default():\n            {body}")
        path = tiny_root / "plugins" / "silent.py"
        path.write_text(
            path.read_text().replace(
                "    def Generator",
                "    def __init__(self, experiment):\n"
                "        super().__init__(experiment)\n"
                "        self.writer = tf.summary.create_file_writer(experiment.output.LOGS)\n\n"
                "    def Generator",
            )
        )
        assert trained("--timestamp", "a", name="s", steps=2, **settings)[0] == 0
        assert [line["losses"] for line in journal(tiny_root, "s", "a") if "losses" in line] == [{}, {}]
        events = scalars(tiny_root / "experiments/s/logs/s_a")
        assert [event.step for event in events["mine"]] == [0, 1]

    @pytest.mark.parametrize("settings", [{"jit_compile": True}, {"precision": "mixed_bfloat16"}, {"normalize": "l2"}])
    def test_other_ways_to_compute(self, trained, tiny_root, settings):
        import keras

        try:
            status, _, err = trained("--timestamp", "a", name="w", steps=2, **settings)
        finally:
            keras.mixed_precision.set_dtype_policy("float32")
        assert status == 0, err
        assert np.isfinite(journal(tiny_root, "w", "a")[0]["losses"]["total_gen_loss"])


def scalars(folder: Path) -> dict:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    events = EventAccumulator(str(folder))
    events.Reload()
    assert tensor_util is not None
    return {tag: events.Tensors(tag) for tag in events.Tags()["tensors"]}


@pytest.mark.slow
def test_a_dataset_of_the_original_code(trained, tiny_root, tiny_arrays):
    import pandas as pd
    import tensorflow as tf

    from pix2earth.records.format import framed

    for split, tiles in tiny_arrays.items():
        folder = tiny_root / "data" / "alt2_old" / "64" / split
        folder.mkdir(parents=True)
        for name, fields in tiles.items():
            fine = fields["target"].astype(np.float32) * 1e-4
            coarse = fields["input_image"][..., [2, 1, 0]].astype(np.float32).repeat(2, 0).repeat(2, 1) * 1e-4
            lists = {"raw_s2": fine, "raw_s2_alt": coarse}
            features = {
                key: tf.train.Feature(float_list=tf.train.FloatList(value=values.ravel()))
                for key, values in lists.items()
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            (folder / f"{name}.tfrecord").write_bytes(framed(example.SerializeToString()))
    status, _, err = trained("--timestamp", "a", name="p", dataset="alt2_old", enforce_suffix="_notinmask")
    assert status == 0, err
    table = pd.read_csv(tiny_root / "experiments/_evaluation/p_a.csv", index_col="tile")
    assert all(name.endswith("_notinmask") for name in table.index) and len(table) == 2
    coarse = fields_of(tiny_arrays["val"][table.index[0]], "input_image")[..., [2, 1, 0]]
    bicubic = tf.image.resize(coarse, (64, 64), method="bicubic").numpy()
    error = np.mean((bicubic - fields_of(tiny_arrays["val"][table.index[0]], "target")) ** 2)
    assert table["PSNR_bicubic"].iloc[0] == pytest.approx(-10 * np.log10(error), rel=1e-4)


DATES = """
    def Generator(self):
        exp = self.exp
        image = keras.Input((exp.INPUT_DATES, exp.IMG_HEIGHT, exp.IMG_WIDTH, exp.INPUT_CHANNELS))
        x = keras.layers.Conv3D(4, 3, padding="same")(image)
        return keras.Model(image, keras.layers.Conv2D(exp.OUTPUT_CHANNELS, 1)(keras.ops.mean(x, axis=1)))

    def Discriminator(self):
        image = keras.Input((None, None, None, self.exp.INPUT_CHANNELS))
        target = keras.Input((None, None, self.exp.OUTPUT_CHANNELS))
        return keras.Model([image, target], keras.layers.Conv2D(1, 1)(target))
"""


@pytest.mark.slow
@pytest.mark.parametrize("fold", [True, False])
def test_several_dates_folded_and_as_they_are(trained, tiny_root, tiny_arrays, fold):
    import pandas as pd

    from pix2earth.records.manifest import Field, Manifest, Split
    from pix2earth.records.writer import DatasetWriter

    bands = {"dtype": "uint16", "bands": ["B04", "B03", "B02"], "scale": 1e-4, "rgb": ["B04", "B03", "B02"]}
    fields = {"input_image": Field(shape=[3, 64, 64, 3], **bands), "target": Field(shape=[64, 64, 3], **bands)}
    manifest = Manifest(name="dates", tilesize=64, fields=fields, split=Split(method="synthetic"))
    with DatasetWriter(tiny_root / "data", manifest) as writer:
        for split, tiles in tiny_arrays.items():
            for name, arrays in tiles.items():
                target = arrays["target"]
                dates = np.stack([target // 2, target, target + 500]).astype(np.uint16)
                writer.write(split, name, {"input_image": dates, "target": target})
    settings = {}
    if not fold:
        settings = plugin(tiny_root, "dates")
        path = tiny_root / "plugins" / "dates.py"
        head, _, rest = path.read_text().partition("    def Generator")
        path.write_text(head + DATES + "\n    @tf.function" + rest.partition("    @tf.function")[2])
    status, _, err = trained("--timestamp", "a", name="m", dataset="dates", fold_dates=fold, steps=2, **settings)
    assert status == 0, err
    table = pd.read_csv(tiny_root / "experiments/_evaluation/m_a.csv")
    assert np.isinf(table["PSNR_median"]).all() or (table["PSNR_median"] > 100).all()  # the middle date is the target
    assert np.isfinite(table["PSNR"]).all()


def fields_of(fields, name):
    return fields[name].astype(np.float32) * 1e-4


class TestDryRun:
    def test_prints_settings_and_dataset_and_writes_nothing(self, trained, tiny_root):
        before = sorted(tiny_root.rglob("*"))
        status, out, _ = trained("--dry-run")
        assert status == 0
        assert '"model_name": "template"' in out and "12 train, 6 val used" in out
        assert "input_image (input): uint16 32x32x4" in out and "cloud_mask (mask)" in out
        assert sorted(tiny_root.rglob("*")) == before

    @pytest.mark.parametrize("arguments", [["--help"], ["--exp", "tiny", "--dry-run"]])
    def test_does_not_wake_tensorflow(self, tiny_root, arguments):
        code = (
            "import sys, train\n"
            "try: train.main(sys.argv[1:])\n"
            "except SystemExit as end: assert end.code == 0, end.code\n"
            "assert 'tensorflow' not in sys.modules and 'numpy' not in sys.modules"
        )
        variables = os.environ | {"PIX2EARTH_ENV": str(tiny_root / "environment.json")}
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, env=variables, check=False)
        assert done.returncode == 0, done.stderr

    def test_all_errors_at_once(self, trained, tiny_root):
        path = tiny_root / "experiments" / "wrong" / "experiment.json"
        path.parent.mkdir()
        path.write_text('{"model_name": "template",\n "stpes": 5,\n "batch_size": "4", // four\n "metrics": ["PNSR"]}')
        status, _, err = trained(name="wrong")
        assert status == 2
        lines = err.splitlines()
        assert [line.split(": ")[0] for line in lines] == [f"{path}:2:2", f"{path}:3:16", f"{path}:4:13"]
        assert "did you mean 'steps'" in lines[0] and "must be an integer" in lines[1]
        assert "did you mean 'PSNR'" in lines[2]


def test_interruption_notes_a_signal_and_restores_the_handlers():
    before = signal.getsignal(signal.SIGTERM)
    interruption = Interruption()
    os.kill(os.getpid(), signal.SIGTERM)
    assert interruption.signal == signal.SIGTERM
    interruption.close()
    assert signal.getsignal(signal.SIGTERM) is before
