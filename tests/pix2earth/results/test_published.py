"""The tables of the published models: a budget for every example, and scores beside those of all baselines."""

import argparse
from types import SimpleNamespace

import numpy as np
import pytest

import results
from experiment import PROJECT, Environment
from pix2earth.documentation.page_sections import marks
from pix2earth.results import published
from pix2earth.results.budgets import EXAMPLES, ON_SYNTHETIC, STARTED
from pix2earth.results.trained import TrainedRow
from pix2earth.scoring.baseline_scores import WHOLE, ScoreRow
from pix2earth.settings import commented_json
from pix2earth.settings.errors import Stopped
from pix2earth.training import queue
from tests import started_commands


def score_row(region, baseline, psnr):
    return ScoreRow(region, baseline, 3, {"PSNR": psnr, "SSIM": 0.5, "SAM": 0.1, "RMSE": 0.25})


def trained(psnr, inside):
    scores = {"samples": 3, "PSNR": psnr, "SSIM": 0.75, "SAM": 0.05, "RMSE": 0.125}
    scores |= {"PSNR.inside": inside, "RMSE.inside": 0.5, "PSNR_median": 99.0}
    return TrainedRow("published/x", "completed", scores, 1.0, {"generator": 1234, "discriminator": 56})


def test_a_model_stands_beside_all_baselines_and_is_compared_with_the_hardest():
    scored = [
        score_row(WHOLE, "copy", 20.0), score_row(WHOLE, "linear", 30.0),
        score_row("gaps", "copy", 10.0), score_row("gaps", "linear", 15.0),
    ]  # fmt: skip
    failed = TrainedRow("published/y", "stopped after step 7", {}, None, None)
    lines = published.table(scored, [("x", trained(29.5, 16.0), 600), ("y", failed, 600)], "gaps")
    heading = (
        "| prediction | PSNR | SSIM | SAM | RMSE | PSNR gaps | RMSE gaps | PSNR above linear | steps | parameters |"
    )
    assert lines[0] == heading
    assert lines[2] == "| copy | 20.00 | 0.5000 | 0.1000 | 0.25000 | 10.00 | 0.25000 | | 0 | 0 |"
    assert lines[4] == "| x | 29.50 | 0.7500 | 0.0500 | 0.12500 | 16.00 | 0.50000 | -0.50 | 600 | 1,234 + 56 |"
    assert lines[5] == "| y | stopped after step 7 |  |  |  |  |  |  | 600 |  |"
    assert {line.count("|") for line in lines} == {11}


def test_what_no_network_sees_is_not_the_hardest_baseline():
    scored = [score_row(WHOLE, "mean of the true land cover", 40.0), score_row(WHOLE, "regression", 30.0)]
    lines = published.table(scored, [("x", trained(31.0, 0.0), 5)], None)
    assert "PSNR above regression" in lines[0] and "gaps" not in lines[0]
    assert lines[-1].split(" | ")[5] == "+1.00"


def test_the_hardest_baseline_reads_no_true_classes():
    scored = [score_row(WHOLE, "copy", 20.0), score_row(WHOLE, "linear", 25.0), score_row("gaps", "median", 40.0)]
    assert published.hardest_of([*scored, score_row(WHOLE, published.REFERENCES[0], 30.0)]) == scored[1]


@pytest.mark.parametrize(
    ("steps", "fitted", "shown"),
    [(None, 35.0, None), (None, 25.0, "nearest"), (None, None, "nearest"), (3, 25.0, None), (3, None, "nearest")],
)
def test_figures_show_the_baseline_that_is_the_hardest_in_the_table(monkeypatch, steps, fitted, shown):
    """None: evaluations have it, of which it is the hardest too."""
    dataset = SimpleNamespace(target=SimpleNamespace(time_steps=steps))
    baselines = SimpleNamespace(predictors={"nearest": None, "copy": None})
    scored = [score_row(WHOLE, "copy", 20.0), score_row(WHOLE, "nearest", 30.0)]
    monkeypatch.setattr(published, "_scored", lambda folder: (dataset, baselines, scored))
    run = trained(29.5, 16.0)
    del run.scores["PSNR_median"]
    if fitted:
        run.scores.update({f"{name}_linear-fit": fitted for name in ("PSNR", "SSIM", "SAM", "RMSE")})
    monkeypatch.setattr(published, "trained_row", lambda root, name, metrics: run)
    environment = SimpleNamespace(EXPERIMENT_ROOT="x", DATA_ROOT="x")
    found = published.shown_baseline(environment, "cloud_removal", ["published/x"])
    assert (found and found.name) == shown


def test_failed_trainings_come_before_missing_figures(tmp_path, monkeypatch, capfd):
    def stop(*words):
        raise Stopped("queue: 1 of 1 runs stopped")

    monkeypatch.setattr(results.architectures, "prepare", lambda *words: None)
    monkeypatch.setattr(queue, "train_all", stop)
    path = tmp_path / "environment.json"
    path.write_text('{"experiment_root": "experiments", "data_root": "data"}')
    with pytest.raises(SystemExit) as end:
        results.main(["--env", str(path), "--no-page", "--figures", str(tmp_path / "figures")])
    assert end.value.code == 1 and capfd.readouterr().err == "queue: 1 of 1 runs stopped\n"


def test_predictions_of_a_baseline_are_in_the_order_of_names_also_those_of_sequences():
    """A baseline of sequences sees them whole: this one predicts the number of the time step."""
    manifest = SimpleNamespace(sequence="x")
    found = {"a": ["a0", "a1"], "b": ["b0", "b1"], "c": ["c0", "c1"]}
    dataset = SimpleNamespace(
        manifest=manifest, sequence_names=lambda split: list(found.values()), sequences=lambda split: iter(found),
        named=lambda split, names: iter(names),
    )  # fmt: skip
    values = {"a": 10.0, "b": 20.0, "c": 30.0}
    predicted = published._predicted(
        dataset, lambda name: values[name] + np.arange(2.0)[:, None, None, None], ["c1", "a0", "c0"]
    )
    assert predicted[:, 0, 0, 0].tolist() == [31.0, 10.0, 30.0]
    manifest.sequence = None
    predicted = published._predicted(dataset, lambda name: np.full((1, 1, 1), float(name)), ["7", "3"])
    assert predicted[:, 0, 0, 0].tolist() == [7.0, 3.0]


def test_every_example_of_a_published_model_has_a_budget():
    paths = [PROJECT / "experiments" / name / "experiment.json" for name in EXAMPLES]
    datasets = {name: commented_json.read(path).data["dataset"] for name, path in zip(EXAMPLES, paths, strict=True)}
    presets = {name: dataset.removeprefix("synthetic/") for name, dataset in datasets.items()}
    assert presets == {name: example.preset for name, example in EXAMPLES.items()}


def test_settings_are_those_of_the_example_but_for_the_budget():
    found = published.settings("published", "ctgan", 7, 3)
    assert found["model_name"] == "ctgan" and found["dataset"] == "synthetic/cloud_removal"
    assert found["steps"] == 7 and found["seed"] == 3 and found["params"]["filters"] == 16
    assert published.settings("published", "ctgan", None, 0)["steps"] == EXAMPLES["ctgan"].steps


def test_rows_that_start_at_an_answer_are_examples_with_changes():
    for row, example in STARTED.items():
        found = published.settings("quarter_hour", row, None, 0)
        assert found["start_from"] and found["dataset"] == f"synthetic/{example.preset}", row
        assert found["model_name"] == row.removeprefix(f"{example.preset}/") and found["steps"] == example.steps
    assert published.settings("quarter_hour", "cloud_removal/ctgan", None, 0)["params"]["filters"] == 16


def test_baselines_of_evaluations_stand_beside_models():
    scores = {f"{name}{side}_{baseline}": value for name in ("PSNR", "SSIM", "SAM", "RMSE")
              for side, baseline, value in (("", "linear-fit", 30.0), (".inside", "linear-fit", 20.0))}  # fmt: skip
    run = trained(29.5, 16.0)
    del run.scores["PSNR_median"]
    run.scores.update(scores)
    whole, inside = published.evaluated([("x", run, 600)], "gaps")
    assert (whole.region, whole.baseline, whole.samples, whole.scores["PSNR"]) == (WHOLE, "linear fit", 3, 30.0)
    assert (inside.region, inside.scores["RMSE"]) == ("gaps", 20.0)
    assert published.evaluated([("x", TrainedRow("x", "not trained", {}, None, None), 600)], "gaps") == []


def test_the_page_of_the_project_has_its_place():
    page = results.PAGE.read_text()
    for table in ON_SYNTHETIC:
        begin, end = marks(table)
        assert page.index(begin) < page.index(end)


@pytest.mark.parametrize(
    "words, line",
    [
        (["published", "--factor", "4"], "--factor: of the tables architectures and started only"),
        (
            ["published", "--models", "srgan"],
            "--models srgan: not in the table 'published', which has ctgan, rsgan/cgan,",
        ),
        (["--models", "ctgan"], "--models ctgan: not in the table 'architectures', which has aris-a, aris-b,"),
    ],
)
def test_an_option_of_the_other_table_is_refused(words, line, capfd):
    with pytest.raises(SystemExit) as end:
        results.main(words)
    assert end.value.code == 2
    assert capfd.readouterr().err.startswith(line)


@pytest.mark.slow
def test_from_nothing_to_the_tables(tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(published, "PROFILE", "tiny")
    smaller = {"tilesize": 64, "params": {"filters": [4] * 6, "discriminator_filters": [4] * 4}}
    of_example = published.settings
    monkeypatch.setattr(published, "settings", lambda *words: of_example(*words) | smaller)
    monkeypatch.setattr(queue, "subprocess", started_commands)
    path = tmp_path / "environment.json"
    path.write_text('{"experiment_root": "experiments", "data_root": "data"}')
    for action in ("start", "skip"):
        with pytest.raises(SystemExit) as end:
            results.main(["published", "--env", str(path), "--models", "rsgan/cgan", "--no-page", "--steps", "2"])
        out, err = capfd.readouterr()
        assert end.value.code == 0, err
        assert f"[1/1] published/rsgan/cgan: {action}" in out
    (line,) = [line for line in out.splitlines() if line.startswith("| rsgan/cgan |")]
    assert line.split(" | ")[8] == "2" and float(line.split(" | ")[1]) > 0
    options = argparse.Namespace(table="published", steps=2, seed=0, models=("rsgan/cgan",))
    text = published.tables(Environment(path), options)
    (drawn,) = published.figures(Environment(path), tmp_path / "figures")
    assert drawn.name == "published-cloud-removal.png" and drawn.stat().st_size > 50_000
    assert "| ctgan | not trained |" in text and "### series, published models\n\nNot trained." in text
