"""The page of a run while it trains: what it says, that all is escaped, and that curves are thinned by averaging."""

from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pytest

from pix2earth.figures import live_page
from pix2earth.figures.live_page import Curve, LivePage, ShownRun

NAME = 'run <script>alert("1")</script> [a]#50%?_a'


class Parsed(HTMLParser):
    """Tags with attributes, and text, of a page."""

    def __init__(self, content):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(content)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def of(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def run(tmp_path):
    return ShownRun("exp_a", "pix2pix on demo", 100, tmp_path)


def entry(step, loss=1.0):
    return {"step": step, "epoch": 0.1, "losses": {"gen_l1": loss, "gen_gan": None}}


def test_shows_state_curves_and_the_samples_of_this_run_alone(run):
    for name in ("exp_a_00000.png", "exp_a_00050.png", "exp_b_00050.png", "exp_a_note.png"):
        (run.images / name).write_bytes(b"")
    page = LivePage(run, [entry(1), entry(2, 3.0), {"step": 2, "validation": {"PSNR": 30.25}}])
    parsed = Parsed(page.content(None, "2026-01-01 00:00:00"))
    assert "running, step 2 of 100; written 2026-01-01 00:00:00" in parsed.text
    assert "gen_l1: 3 (1 to 3)" in parsed.text and "PSNR: 30.25" in parsed.text and "gen_gan" not in parsed.text
    assert [image["src"] for image in parsed.of("img")] == ["exp_a_00050.png", "exp_a_00050.png", "exp_a_00000.png"]
    assert parsed.of("polyline")[1]["points"] == "3.0,87.0 317.0,3.0"  # the lower left and the upper right corner
    assert any(meta.get("http-equiv") == "refresh" for meta in parsed.of("meta"))


def test_an_ended_run_is_not_loaded_again_and_says_how_it_ended(run):
    page = LivePage(run)
    page.write("stopped: step 3: gen_l1 is nan")
    parsed = Parsed(page.path.read_text())
    assert "stopped: step 3: gen_l1 is nan" in parsed.text
    assert not any("http-equiv" in meta for meta in parsed.of("meta"))


def test_time_left_is_that_of_the_steps_of_this_process(run, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(live_page.time, "monotonic", lambda: now[0])
    page = LivePage(run, [entry(50)])
    for step in (51, 52, 60):
        now[0] += 60
        page.add(entry(step))
    # 10 steps in 3 minutes, 40 to go
    assert "about 12 minutes left" in page.content(None, "now")
    assert page.path.exists()  # written, since more than half a minute had passed


def test_everything_is_escaped(tmp_path):
    run = ShownRun(NAME, "<b>model</b>", 10, tmp_path)
    (tmp_path / f"{NAME.replace('/', '-')}_00001.png").write_bytes(b"")
    page = LivePage(run._replace(name=NAME.replace("/", "-")), [{"step": 1, "losses": {'"><i>': 1.0}}])
    parsed = Parsed(page.content('"><u>', "now"))
    assert {"script", "b", "i", "u"} & {tag for tag, _ in parsed.tags} == set()
    sources = {unquote(image["src"]) for image in parsed.of("img")}
    assert sources == {path.name for path in tmp_path.glob("*.png")}


def test_curves_are_thinned_by_averaging():
    curve, values = Curve(), np.random.default_rng(0).random(10_000)
    for step, value in enumerate(values):
        curve.add(step, float(value))
    assert live_page.MOST_POINTS <= len(curve.points) < 2 * live_page.MOST_POINTS
    together = 10_000 // len(curve.points)
    expected = values[: together * len(curve.points)].reshape(-1, together).mean(axis=1)
    np.testing.assert_allclose([value for _, value in curve.points], expected)
    curve.add(10_000, None)
    curve.add(10_001, float("nan"))
    assert len(curve.points) == len(expected)
