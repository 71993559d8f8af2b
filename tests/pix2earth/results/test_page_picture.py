"""Pictures of the page: those of light and dark, with the parts that are named, in a real Chromium."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from experiment import Environment
from pix2earth.results import page_picture
from pix2earth.settings.errors import UserError
from tests.pix2earth.figures.comparison_page.compared_runs import write_page, write_root


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "experiments").mkdir()
    path = tmp_path / "environment.json"
    path.write_text(json.dumps({"data_root": "data", "experiment_root": "experiments"}))
    return Environment(path)


def test_the_page_in_light_and_in_dark(browser, tmp_path):
    root = tmp_path / "experiments"
    write_root(root)
    write_page(root, tmp_path / "page.html")
    shots = [page_picture.screenshot(tmp_path / "page.html", browser, scheme) for scheme in ("light", "dark")]
    light, dark = (np.asarray(Image.open(io.BytesIO(shot)).convert("L"), float) for shot in shots)
    assert light.shape == dark.shape and light.shape[1] == page_picture.WIDTH
    assert np.median(light) > 200 > 60 > np.median(dark)
    assert light.shape[0] < 3000, "the parts that are left out are not in the picture"


def test_without_evaluations(environment, tmp_path, monkeypatch):
    monkeypatch.setattr(page_picture.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(UserError, match="has no evaluated run of losses"):
        page_picture.draw(environment, tmp_path / "comparison.png")
    assert not (tmp_path / "comparison.png").exists()


def test_without_a_browser(environment, tmp_path, monkeypatch):
    monkeypatch.setattr(page_picture.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="needs one of chromium"):
        page_picture.draw(environment, tmp_path / "comparison.png")
