"""The training loop without a console: losses, validations, sample images, checkpoints, interruption, resuming."""

import json
import math

import pytest

from experiment import PROJECT
from pix2earth.batches.dataset import Dataset
from pix2earth.figures import sample_image
from pix2earth.plugins import finding, state
from pix2earth.runs.folders import checkpoint_steps
from pix2earth.settings.errors import Stopped
from pix2earth.training import checkpoints, journal
from pix2earth.training.interruption import Interruption
from pix2earth.training.journal import Journal
from pix2earth.training.loop import Training


class Recorder:
    """A report that keeps messages and losses."""

    def __init__(self):
        self.validation = ""
        self.messages = []
        self.steps = []

    def message(self, line):
        self.messages.append(line)

    def step(self, step, epoch, losses):
        self.steps.append((step, epoch, losses))


@pytest.fixture
def training_of(tiny_root, open_tiny):
    """``training_of(source=None, **settings)``: a training of two steps on the tiny dataset."""

    def opened(source=None, **settings):
        settings = {"steps": 2, "metrics": ["RMSE"], "ckpt_freq": 2, "sample_freq": 2, "validate_freq": 1, **settings}
        experiment = open_tiny(tiny_root, "loop", best_metric="PSNR", **settings)
        experiment.output.create()
        return Training(experiment, Dataset(experiment), finding.find(experiment), source)

    return opened


@pytest.fixture
def interruption():
    """A new Interruption; the signal handlers are restored afterwards."""
    new = Interruption()
    yield new
    new.close()


@pytest.mark.slow
def test_two_steps_are_reported_validated_drawn_and_saved(training_of, interruption):
    training, report = training_of(), Recorder()
    output = training.output
    lines = Journal(output.journal, 0)
    assert training.loop(report, lines, interruption, 0) == "completed"
    lines.close()
    assert (training.finished, training.saved) == (2, 2)

    assert [(step, epoch) for step, epoch, _ in report.steps] == [
        (1, pytest.approx(4 / 12)),
        (2, pytest.approx(8 / 12)),
    ]
    for _, _, losses in report.steps:
        assert {"total_gen_loss", "gen_l1"} <= losses.keys()
        assert all(isinstance(value, float) and math.isfinite(value) for value in losses.values())

    entries = journal.read(output.journal)
    assert [entry["losses"] for entry in entries if "losses" in entry] == [losses for _, _, losses in report.steps]
    scores = {entry["step"]: entry["validation"] for entry in entries if "validation" in entry}
    assert list(scores) == [1, 2] and all(values.keys() == {"RMSE", "PSNR"} for values in scores.values())
    best_step = max(scores, key=lambda step: scores[step]["PSNR"])
    best = {"step": best_step, "metric": "PSNR", "value": scores[best_step]["PSNR"], "split": "val"}
    assert training.best.entry == {**best, "basis": training.validation.basis}
    assert report.messages[0] == f"step 1: val PSNR {scores[1]['PSNR']:.4g} (best so far)"
    assert report.validation == f"val PSNR {scores[2]['PSNR']:.4g}"

    assert checkpoint_steps(output.checkpoints) == sorted({best_step, 2})
    assert checkpoints.damage(output.checkpoints, 2) is None
    assert checkpoints.read_metadata(output.checkpoints, 2)["best"] == training.best.entry
    assert output.sample(0).is_file() and output.sample(2).read_bytes() == output.latest_sample.read_bytes()


@pytest.mark.slow
def test_an_interrupted_training_is_saved_and_resumed(training_of, interruption, namespace):
    training, report = training_of(steps=3, ckpt_freq=100, validate_freq=100, sample_freq=100), Recorder()
    interruption.signal = 15
    assert training.loop(report, None, interruption, 0) == "interrupted"
    assert [step for step, _, _ in report.steps] == [1] and checkpoint_steps(training.output.checkpoints) == [1]

    source = training.experiment.TIMESTAMP
    resumed = training_of(source, steps=3, ckpt_freq=100, validate_freq=100, sample_freq=100)
    assert resumed.restore(report.message) == 1
    assert resumed.loop(report, None, namespace(signal=None), 1) == "completed"
    assert [step for step, _, _ in report.steps] == [1, 2, 3]
    assert checkpoint_steps(resumed.output.checkpoints) == [3]


PANELS = """
    def panels(self, input_image, prediction):
        self.generator(input_image, training=True)
        self.generator.trainable_variables[0].assign_add(tf.ones_like(self.generator.trainable_variables[0]))
        return {"Input again": input_image, "Attention": prediction[..., :1]}
"""


@pytest.mark.slow
def test_panels_are_drawn_and_change_nothing(tiny_root, training_of, interruption, monkeypatch):
    """Drawn after each step, or at the end only: the same weights, although the plug-in's panels change weights."""
    source = (PROJECT / "models" / "template.py").read_text()
    (tiny_root / "mine").mkdir()
    (tiny_root / "mine" / "shown.py").write_text(source.replace("    @tf.function", f"{PANELS}\n    @tf.function", 1))
    environment = json.loads((tiny_root / "environment.json").read_text()) | {"models_root": ["mine"]}
    (tiny_root / "environment.json").write_text(json.dumps(environment))
    weights, drawn, draw = [], [], sample_image.draw_rows
    monkeypatch.setattr(sample_image, "draw_rows", lambda rows, titles, *more, **options: (
        drawn.append(titles), draw(rows, titles, *more, **options)
    ))  # fmt: skip
    for frequency in (1, 100):
        training = training_of(model_name="shown", sample_freq=frequency, validate_freq=100, deterministic=True)
        lines = Journal(training.output.journal, 0)
        training.loop(Recorder(), lines, interruption, 0)
        lines.close()
        weights.append({name: value.numpy().tobytes() for name, value in state.variables(training.gan).items()})
    assert drawn and all(titles[5] == "Input again" and titles[6].startswith("Attention") for titles in drawn)
    assert weights[0] == weights[1]
    events = b"".join(path.read_bytes() for path in training.output.logs.glob("*.images"))
    assert training.output.sample(2).read_bytes() in events, "TensorBoard shows the same image"


def test_only_a_loss_with_a_weight_must_be_finite(training_of):
    training = training_of(gen_loss={"gen_l1": 1, "gen_ssim": 0})
    training.check_finite(0, {"gen_l1": 1.0, "gen_ssim": math.nan})
    names = ", ".join(training.dataset.step_names(0))
    with pytest.raises(Stopped, match=f"^step 1: gen_l1 is nan; samples of this batch: {names}; no checkpoint"):
        training.check_finite(0, {"gen_l1": math.nan})
