"""The pages for a browser by the rules of axe-core (labels, contrast, headings, roles), in light and dark."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image

from pix2earth.figures.live_page import LivePage, ShownRun
from tests.pix2earth.figures.comparison_page import compared_runs

pytestmark = pytest.mark.slow
WINDOWS = [(width, scheme) for width in (1280, 400) for scheme in ("light", "dark")]


def violations(browser, path, width, scheme):
    window = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    window.goto(path.as_uri())
    found = Axe().run(window).response["violations"]
    window.close()
    return [(one["id"], node["target"], node["failureSummary"]) for one in found for node in one["nodes"]]


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared") / "experiments"
    compared_runs.write_root(folder)
    path = folder.parent / "page.html"
    compared_runs.write_page(folder, path, {})
    return path


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    run = ShownRun("exp_a", "pix2pix on demo", 100, tmp_path_factory.mktemp("samples"))
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(run.images / "exp_a_00001.png")
    page = LivePage(run, [{"step": step, "epoch": 0.1, "losses": {"gen_l1": 1.0 / step}} for step in range(1, 9)])
    page.write("finished")  # while it runs, the page reloads itself, as is asked for
    return page.path


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
@pytest.mark.parametrize("name", ["comparison", "live"])
def test_no_rule_is_violated(browser, request, name, width, scheme):
    assert violations(browser, request.getfixturevalue(name), width, scheme) == []


def test_a_control_without_a_label_is_found(browser, comparison, tmp_path):
    """The rules do look at the page."""
    path = tmp_path / "page.html"
    path.write_text(comparison.read_text().replace("</main>", "<input></main>", 1))
    assert "label" in {rule for rule, *_ in violations(browser, path, 1280, "light")}
