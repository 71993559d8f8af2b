"""Models that fail on some samples, and data of an unknown range: what training, evaluation and comparison report."""

import json

import numpy as np
import pandas as pd
import pytest

import compare
import evaluate
import predict
import train
from tests.test_train import PLUGIN

pytestmark = pytest.mark.slow

FAILING = """
    def predict(self, input_image):
        prediction = self.generator(input_image, training=False)
        bright = input_image[:, :1, :1, :1] > -0.4
        return tf.where(bright, tf.fill(tf.shape(prediction), {value}), prediction)
"""


@pytest.fixture
def command(tiny_root, capfd):
    """Run a command on the tiny folder; return what it printed, output and errors."""

    def run(main, *arguments):
        with pytest.raises(SystemExit) as end:
            main(["--env", str(tiny_root / "environment.json"), *arguments])
        out, err = capfd.readouterr()
        assert end.value.code == 0, err
        return out + err

    return run


@pytest.fixture
def plugins(tiny_root):
    """``plugins(name=value)``: plug-ins that predict that value for bright samples."""

    def write(**values):
        (tiny_root / "plugins").mkdir()
        for name, value in values.items():
            source = PLUGIN.format(parameters="", body="return losses") + FAILING.format(value=value)
            (tiny_root / "plugins" / f"{name}.py").write_text(source)
        environment = json.loads((tiny_root / "environment.json").read_text())
        (tiny_root / "environment.json").write_text(json.dumps(environment | {"models_root": ["plugins"]}))

    return write


def change_manifest(root, **fields):
    """Change keys of fields in the manifest of the tiny dataset."""
    path = root / "data" / "tiny" / "64" / "dataset.json"
    manifest = json.loads(path.read_text())
    for name, changes in fields.items():
        manifest["fields"][name] |= changes
    path.write_text(json.dumps(manifest))


def test_a_model_that_fails_is_never_the_best_and_never_the_first(tiny_root, write_experiment, plugins, command):
    plugins(broken="float('nan')", flat="0.0")
    for name, words in (("broken", "not finite"), ("flat", "constant")):
        write_experiment(tiny_root, name, model_name=name, params={}, metrics=["PSNR"], steps=2, validate_freq=1)
        out = command(train.main, "--exp", name, "--timestamp", "a")
        assert "best so far" not in out and out.count("(cannot be the best: ") == 2
        assert f"of 6 predictions are {words}: the model fails there" in out
        run = json.loads((tiny_root / "experiments" / name / "logs" / f"{name}_a" / "run.json").read_text())
        assert run.get("best") is None
    write_experiment(tiny_root, "sound", metrics=["PSNR"])
    assert "best so far" in command(train.main, "--exp", "sound", "--timestamp", "a")
    out = command(evaluate.main, "--exp", "broken")
    beside = json.loads((tiny_root / "experiments" / "_evaluation" / "broken_a.csv.json").read_text())
    failures = beside["splits"]["val"]["failures"]
    scores = pd.read_csv(tiny_root / "experiments" / "_evaluation" / "broken_a.csv")
    assert 0 < failures["non-finite predictions"] == np.isnan(scores["PSNR"]).sum() < 6
    assert f"{failures['non-finite predictions']} of 6 predictions are not finite" in out

    out = command(compare.main)
    summary = pd.read_csv(tiny_root / "experiments" / "_evaluation" / "summary.csv", keep_default_na=False)
    assert set(summary["run"][:3]) == {"(bicubic)", "(linear-fit)", "sound_a"}
    assert set(summary["run"][3:]) == {"broken_a", "flat_a"}
    assert set(summary["PSNR.samples"].astype(float)) == {6}
    assert "broken_a fails" in out and "flat_a fails" in out


def test_an_unknown_range_is_one_line_at_training_evaluation_and_prediction(tiny_root, write_experiment, command):
    change_manifest(tiny_root, target={"scale": 1.0, "valid_range": None})
    write_experiment(tiny_root, "numbers", metrics=["PSNR"])
    line = "fields.target.valid_range: is not stated, and 0 to 1 is assumed"
    assert command(train.main, "--exp", "numbers", "--timestamp", "a").count(line) == 1
    assert command(evaluate.main, "--exp", "numbers").count(line) == 1
    data, maps = tiny_root / "data" / "tiny" / "64", tiny_root / "maps"
    assert command(predict.main, "--exp", "numbers", "--input", str(data), "--output", str(maps)).count(line) == 1


def test_a_best_metric_without_a_meaning_is_reported_and_no_step_is_the_best(tiny_root, write_experiment, command):
    change_manifest(tiny_root, input_image={"gsd": None})
    write_experiment(tiny_root, "e", metrics=["PSNR", "ERGAS"], best_metric="ERGAS", validate_freq=1)
    out = command(train.main, "--exp", "e", "--timestamp", "a")
    assert "best_metric: ERGAS is undefined for every sample" in out and "best so far" not in out
    assert out.count("ERGAS: is undefined for every sample: the ground sampling distances") == 1
