"""The command that trains all architectures: one budget, a table of held-out means, and its place in the page."""

import argparse
import json

import pandas as pd
import pytest

import results
from experiment import Environment
from pix2earth.documentation.page_sections import marks, write_section
from pix2earth.results import architectures
from pix2earth.results.prediction_rows import WIDTH
from pix2earth.results.trained import TIMESTAMP
from pix2earth.runs.folders import RunFolders
from pix2earth.settings.errors import UserError
from pix2earth.training import queue
from tests import started_commands
from tests.pix2earth.figures.made_images import pixels
from tests.pix2earth.scoring import evaluated_runs

OPTIONS = argparse.Namespace(steps=7, batch_size=4, tilesize=64, factor=4, seed=0)


def leave_run(root, model, outcome, rows=None):
    """Leave behind what a run does, as far as the table looks."""
    folders = RunFolders(root / "experiments", f"{architectures.FOLDER}/{model}", TIMESTAMP)
    folders.create()
    session = {"first_step": 0, "last_step": 7, "outcome": outcome, "images_per_second": 12.345}
    run = {
        "experiment": "x", "timestamp": "x", "settings": {}, "dataset": {}, "sessions": [session],
        "parameters": {"generator": 1234567, "discriminator": 89},
    }  # fmt: skip
    folders.run_file.write_text(json.dumps(run))
    if rows is not None:
        pd.DataFrame(rows).to_csv(folders.evaluation, index_label="index")


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "environment.json").write_text('{"experiment_root": "experiments", "data_root": "data"}')
    return Environment(tmp_path / "environment.json")


def test_the_table(tmp_path, environment):
    scores = {"tile": list("abc"), "split": ["test", "test", "val"], "PSNR": [20.0, 30.0, 99.0],
              "PSNR_bicubic": [40.0, 41.0, 0.0], "SSIM": [0.5, float("nan"), 0.0]}  # fmt: skip
    leave_run(tmp_path, "srgan", "completed", scores)
    leave_run(tmp_path, "psgan", "stopped: step 8: total_gen_loss is nan; | samples")
    lines = architectures.table(
        [architectures.row(environment, name) for name in ("srgan", "psgan", "dmnet")], OPTIONS
    ).split("\n")
    assert lines[0] == "7 steps of batch 4, 64 px, factor 4, seed 0; mean over 2 held-out tiles."
    assert lines[2] == "| model | PSNR | SSIM | SAM | ERGAS | HPSI | img/s | parameters, generator + discriminator |"
    assert lines[4] == "| bicubic | 40.5 |  |  |  |  | | 0 |"
    assert lines[5] == "| srgan | 25 | 0.5 |  |  |  | 12.3 | 1,234,567 + 89 |"
    assert lines[6] == "| psgan | stopped after step 7 |  |  |  |  | 12.3 | 1,234,567 + 89 |"
    assert lines[7] == "| dmnet | not trained |  |  |  |  |  |  |"


def test_a_model_that_fails_has_no_scores(tmp_path, environment):
    leave_run(tmp_path, "srgan", "completed")
    root = tmp_path / "experiments"
    scores = {"PSNR": [float("nan"), 60.0], "PSNR_bicubic": [40.0, 41.0]}
    name = f"{architectures.FOLDER}_srgan_{TIMESTAMP}"
    evaluated_runs.write_run(root, name, scores, failures={"non-finite predictions": 1})
    lines = architectures.table([architectures.row(environment, "srgan")], OPTIONS).split("\n")
    assert "| srgan | 1 of 2 predictions are not finite |" in lines[5] and "60" not in lines[5]


def test_the_page_keeps_everything_else(tmp_path):
    page = tmp_path / "results.md"
    begin, end = marks(architectures.FOLDER)
    page.write_text(f"before\n{begin}\nold\n{end}\nafter \\1\n")
    write_section(page, architectures.FOLDER, "new \\1")
    assert page.read_text() == f"before\n{begin}\nnew \\1\n{end}\nafter \\1\n"
    page.write_text("nothing")
    with pytest.raises(UserError, match=r"results\.md: has no lines '<!-- architectures: begin -->' and"):
        write_section(page, architectures.FOLDER, "new")


def test_the_page_of_the_project_has_its_place():
    page = results.PAGE.read_text()
    begin, end = marks(architectures.FOLDER)
    assert page.index(begin) < page.index(end)


def test_all_models_get_the_same(tmp_path):
    settings = [architectures.settings(model, OPTIONS) for model in architectures.MODELS]
    assert [one.pop("model_name") for one in settings] == list(architectures.MODELS)
    assert all(one == settings[0] for one in settings)
    assert settings[0]["steps"] == 7


@pytest.mark.parametrize("option", ["--steps", "--batch-size"])
def test_a_budget_of_nothing_is_refused_before_anything_is_written(option, tmp_path, environment, capfd):
    with pytest.raises(SystemExit) as end:
        results.main(["--env", str(tmp_path / "environment.json"), option, "0"])
    assert end.value.code == 2
    assert capfd.readouterr().err == f"{option} 0: must be at least 1\n"
    assert not (tmp_path / "experiments").exists() and not (tmp_path / "data").exists()


def test_a_file_instead_of_a_folder_of_figures_is_refused_before_anything_is_written(tmp_path, environment, capfd):
    (tmp_path / "taken").touch()
    with pytest.raises(SystemExit, match="2"):
        results.main(["--env", str(tmp_path / "environment.json"), "--figures", str(tmp_path / "taken")])
    assert capfd.readouterr().err == f"--figures {tmp_path / 'taken'}: is a file; name a folder\n"
    assert not (tmp_path / "experiments").exists() and not (tmp_path / "data").exists()


@pytest.mark.slow
def test_from_nothing_to_the_table_and_on(tmp_path, environment, capfd, monkeypatch):
    monkeypatch.setattr(architectures, "MODELS", ("template",))  # the smallest network
    monkeypatch.setitem(results.TABLES, architectures.FOLDER, ("template",))
    monkeypatch.setattr(queue, "subprocess", started_commands)
    command = ["--env", str(tmp_path / "environment.json"), "--models", "template", "--no-page", "--batch-size", "2"]
    figures = tmp_path / "figures"
    for steps, action in (("1", "start"), ("1", "skip"), ("2", "resume")):
        with pytest.raises(SystemExit) as end:
            results.main([*command, "--steps", steps, *(["--figures", str(figures)] if steps == "2" else [])])
        out, err = capfd.readouterr()
        assert end.value.code == 0, err
        assert f"[1/1] architectures/template: {action}" in out
        assert f"{steps} steps of batch 2, 64 px" in out
        assert "| template | not" not in out and "| template | s" not in out
    table = pd.read_csv(RunFolders(tmp_path / "experiments", "architectures/template", "results").evaluation)
    assert (table["step"] == 2).all() and len(table) == 50
    assert out.endswith(f"{figures / 'architectures.png'}\n")
    assert WIDTH - 20 < pixels(figures / "architectures.png").shape[1] <= WIDTH
