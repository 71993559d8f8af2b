"""The table of architectures that start at back-projection: equal settings, and how far each is above the hardest."""

import argparse

import pytest

import results
from pix2earth.documentation.page_sections import marks
from pix2earth.results import architectures, started
from pix2earth.results.trained import TrainedRow

OPTIONS = argparse.Namespace(steps=7, batch_size=4, tilesize=64, factor=4, seed=0)


def test_all_models_but_those_with_a_start_of_their_own_get_the_same():
    settings = {model: started.settings(model, OPTIONS) for model in started.MODELS}
    assert all(settings[model].pop("model_name") == model for model in settings)
    own = settings.pop("residual_upsampler")
    assert own["start_from"] is None and own["params"]["consistency"]
    assert all(one == settings["srs3"] for one in settings.values())
    assert settings["srs3"]["start_from"] == "back_projection"
    former = architectures.settings("srs3", OPTIONS)
    changed = {key for key in settings["srs3"] if settings["srs3"][key] != former.get(key)}
    assert changed == {"gen_loss", "learning_rate", "schedule", "start_from"}


def test_the_table():
    scores = {"samples": 50, "PSNR": 39.9, "PSNR_bicubic": 39.31, "PSNR_back-projection": 39.76, "SSIM": 0.95}
    rows = [
        TrainedRow("started/srs3", "completed", scores, 30.0, {"generator": 1000, "discriminator": 20}),
        TrainedRow("started/psgan", "not trained", {}, None, None),
    ]
    lines = started.table(rows, OPTIONS).split("\n")
    assert lines[2].endswith("| HPSI | PSNR above back-projection | parameters, generator + discriminator |")
    assert lines[4] == "| bicubic | 39.31 |  |  |  |  | | 0 |"
    assert lines[5] == "| back-projection | 39.76 |  |  |  |  | | 0 |"
    assert lines[6] == "| srs3 | 39.9 | 0.95 |  |  |  | +0.14 | 1,000 + 20 |"
    assert lines[7] == "| psgan | not trained |  |  |  |  |  |  |"


def test_the_page_of_the_project_has_its_place():
    begin, end = marks(started.FOLDER)
    page = results.PAGE.read_text()
    assert page.index(begin) < page.index(end)


def test_options_of_the_tables_of_sentinel2_are_refused_for_the_other(capfd):
    with pytest.raises(SystemExit) as end:
        results.main(["published", "--factor", "2"])
    assert end.value.code == 2
    assert capfd.readouterr().err == "--factor: of the tables architectures and started only\n"
