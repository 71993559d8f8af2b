"""The table of the demo with an adversarial loss: rows continue the demo, and show both sides of the trade."""

import argparse

import results
from experiment import PROJECT
from pix2earth.documentation.page_sections import marks
from pix2earth.results import adversarial
from pix2earth.results.trained import TrainedRow
from pix2earth.settings import commented_json
from pix2earth.settings.schema import ExperimentFile

OPTIONS = argparse.Namespace(steps=None, seed=0)
DEMO = commented_json.read(PROJECT / "experiments" / "demo" / "experiment.json").data


def test_the_first_row_is_the_demo():
    settings = adversarial.settings("l1", OPTIONS)
    assert {key for key in settings if settings[key] != DEMO.get(key)} == {"metrics", "seed", "keep_checkpoints"}


def test_the_others_are_the_demo_until_the_adversarial_loss_begins():
    settings = adversarial.settings("gan_0.6", OPTIONS)
    ExperimentFile(**settings)
    assert settings["gen_loss"] == {"gen_gan": {"weight": 0.6, "begin": 8000}, "gen_l1": 100}
    assert settings["steps"] == 12000 and adversarial.settings("gan_0.3", OPTIONS)["steps"] == 10000
    same = {"model_name", "params", "dataset", "tilesize", "batch_size", "random_resize"}
    assert {key: settings[key] for key in same} == {key: DEMO[key] for key in same}
    assert settings["learning_rate"] == {"generator": 2e-3, "discriminator": 1e-4}
    assert settings["schedule"]["generator"]["warmup"] == DEMO["schedule"]["warmup"]


def test_the_table():
    scores = {"samples": 22, "PSNR": 42.55, "PSNR_bicubic": 41.1, "PSD_ratio": -13.4, "hallucination": 0.1}
    rows = [
        TrainedRow("adversarial/l1", "completed", scores, 30.0, {"generator": 1000}),
        TrainedRow("adversarial/gan_0.3", "not trained", {}, None, None),
    ]
    lines = adversarial.table(rows, OPTIONS).split("\n")
    assert lines[0].endswith("mean over 22 held-out tiles.")
    assert lines[4] == "| bicubic | 41.1 |  |  |  |  |  |  | 0 |"
    assert lines[6] == "| L1 alone | 42.55 |  |  | -13.4 | 0.1 |  |  | 8000 |"
    assert lines[7] == "| adversarial weight 0.3 | not trained |  |  |  |  |  |  | 10000 |"


def test_the_page_of_the_project_has_its_place():
    begin, end = marks(adversarial.FOLDER)
    page = results.PAGE.read_text()
    assert page.index(begin) < page.index(end)
