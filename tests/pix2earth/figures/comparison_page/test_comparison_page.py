"""The page of ``compare.py --page``: its content, and its behaviour in a real Chromium."""

import base64
import json
import re
import time

import numpy as np
import pandas as pd
import pytest

from pix2earth.figures.comparison_page import content, page, pictures
from pix2earth.figures.comparison_page.curves import POINTS, curves
from pix2earth.scoring.tables.comparison import groups, load
from pix2earth.scoring.tables.documents import scores_of
from pix2earth.scoring.tables.gains import statistics_of
from tests.pix2earth.figures.comparison_page import compared_runs
from tests.pix2earth.figures.comparison_page.compared_runs import HOSTILE, LONG
from tests.pix2earth.scoring.evaluated_runs import write_places, write_run

GOOD = "good (3 seeds)"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compared") / "experiments"
    compared_runs.write_root(folder)
    return folder


@pytest.fixture(scope="module")
def file(root):
    path = root.parent / "page.html"
    compared_runs.write_page(root, path, {"plain_0001": HOSTILE, "broken_0001": LONG})
    return path


def data_of(path, name):
    (text,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', path.read_text(), re.DOTALL)
    return json.loads(text)


def first_group(root, names=("PSNR", "RMSE", "PSNR.inside")):
    (group, *_) = groups(load(root, [""]))
    return group, statistics_of(root, group, list(names), "PSNR")


class TestText:
    def test_nothing_comes_from_outside(self, file):
        text = file.read_text()
        policy = re.findall('http-equiv="Content-Security-Policy" content="([^"]*)"', text)
        assert len(policy) == 1 and policy[0].startswith(
            "default-src &#x27;none&#x27;; img-src data:; style-src &#x27;sha"
        )
        assert re.findall(r'(?:src|href)="', text) == [] and text.count("<script>") == 1

    def test_names_and_settings_are_data(self, file):
        """Neither a tag nor a placeholder of the template in a name reaches the text of the page."""
        text = file.read_text()
        assert "<script>document" not in text and "<img src=x" not in text
        assert HOSTILE in {one["name"] for one in data_of(file, "main")["groups"][0]["methods"]}

    @pytest.mark.parametrize("value", ["</script>", "<!--", "\u2028", "\ud800", "{{style}}", "&lt;", 'a"b\\'])
    def test_any_text_is_the_same_after_reading(self, value):
        text = page.as_data({value: [value]})
        assert not set("<>&\u2028") & set(text)
        assert json.loads(text) == {value: [value]}
        text.encode()


class TestContent:
    def test_scores_of_tiles_are_those_of_the_csv(self, root, file):
        main, scores = data_of(file, "main"), data_of(file, "scores")
        names = main["groups"][0]["scores"]
        assert names == ["PSNR", "RMSE", "PSNR.inside"] and scores[0]["tiles"] == list(range(40))
        values = np.frombuffer(base64.b64decode(scores[0]["methods"]["poor_0001"]), "<f4").reshape(3, 40)
        table = pd.read_csv(root / "_evaluation/poor_0001.csv")
        np.testing.assert_allclose(values, table[names].T, rtol=1e-6)
        broken = np.frombuffer(base64.b64decode(scores[0]["methods"][LONG]), "<f4").reshape(3, 40)
        assert np.isnan(broken[0]).sum() == 1 and np.isnan(broken[0, 4])

    def test_runs_that_may_not_be_compared_are_apart_with_the_reason(self, file):
        first, second = data_of(file, "main")["groups"]
        assert [one["name"] for one in first["methods"]] == ["(bicubic)", GOOD, HOSTILE, "poor_0001", LONG]
        assert [one["name"] for one in second["methods"]] == ["(bicubic)", "elsewhere_0001"]
        assert first["reason"] == "" and "other records of the dataset" in second["reason"]

    def test_only_settings_that_differ_are_there(self, file):
        settings = data_of(file, "main")["groups"][0]["settings"]
        assert settings["gen_loss.gen_l1"] == {GOOD: "100", "poor_0001": "1", HOSTILE: "not set", LONG: "100"}
        assert settings["learning_rate"]["poor_0001"] == "0.001" and "batch_size" not in settings

    def test_of_too_many_scores_some_tiles_are_kept(self, root, monkeypatch):
        group, found = first_group(root)
        main = content.content(root, [group], [found], ["PSNR"])
        monkeypatch.setattr(content, "SCORE_BYTES", 10 * 5 * 3 * 4)
        (kept,) = content.tile_scores(main["groups"], [found])
        assert len(kept["tiles"]) == 10 and (kept["tiles"][0], kept["tiles"][-1]) == (0, 39)
        assert len(base64.b64decode(kept["methods"][GOOD])) == 10 * 3 * 4


class TestCurves:
    def test_few_points_are_kept_and_means_are_right(self, tmp_path):
        path = tmp_path / "train.jsonl"
        lines = [{"step": step, "losses": {"l1": step, "nothing": None}} for step in range(1, 241)]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines) + '{"step": 241, "lo')
        found = curves(path)
        assert list(found) == ["l1"] and len(found["l1"][0]) == POINTS
        assert found["l1"][0][:2] == found["l1"][1][:2] == [1.5, 3.5]

    def test_a_long_journal_is_read_in_part_with_all_validations(self, tmp_path):
        path = tmp_path / "train.jsonl"
        lines = [{"step": step, "losses": {"l1": 1.0}} for step in range(1, 20_001)]
        lines += [{"step": step, "validation": {"PSNR": 30.0}} for step in (1, 20_000)]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        found = curves(path)
        assert found["validation PSNR"] == [[1, 20_000], [30.0, 30.0]] and len(found["l1"][0]) == POINTS

    def test_without_a_journal_there_are_none(self, tmp_path):
        assert curves(tmp_path / "train.jsonl") == {}


class TestPictures:
    def test_those_that_a_reader_looks_for_come_first(self, root):
        group, found = first_group(root)
        shown = pictures.pictures(root, group, found, "PSNR", 10**7)
        assert sorted(shown["tiles"]) == list(range(0, 36, 3))
        values = compared_runs.DIFFICULTY[0:36:3]
        # The first method's worst tile, then its best one, of those that have pictures.
        worst, best = 3 * int(values.argmin()), 3 * int(values.argmax())
        assert abs(shown["tiles"][0] - worst) <= 3 and best in shown["tiles"][:4]
        assert set(shown["images"]) == {
            "sample:input", "sample:target", "sample:bicubic", f"method:{GOOD}", "method:poor_0001",
            "method:broken_0001",
        }  # fmt: skip
        assert all(uri.startswith("data:image/webp;base64,") for uri in shown["images"]["sample:target"])
        assert shown["remarks"] == ["plain_0001: its evaluation has kept no pictures; evaluate it again"]

    def test_they_fill_the_room_and_no_more(self, root):
        group, found = first_group(root)
        all_of_them = pictures.pictures(root, group, found, "PSNR", 10**7)
        size = len(page.as_data(all_of_them["images"]))
        half = pictures.pictures(root, group, found, "PSNR", size // 2)
        assert 4 <= len(half["tiles"]) < 7 and half["tiles"] == all_of_them["tiles"][: len(half["tiles"])]
        assert len(page.as_data(half["images"])) <= size // 2 + 500

    def test_those_of_another_checkpoint_are_left_out(self, tmp_path):
        path = write_run(tmp_path, "a_1", compared_runs.columns(0, 1))
        compared_runs.write_pictures(write_places(path), {"a_1": "another checkpoint"}, count=2)
        group, found = first_group(tmp_path)
        shown = pictures.pictures(tmp_path, group, found, "PSNR", 10**6)
        assert "method:a_1" not in shown["images"] and "a_1: its evaluation" in shown["remarks"][0]

    def test_without_any_the_page_says_so(self, tmp_path):
        write_run(tmp_path, "a_1", compared_runs.columns(0, 1))
        group, found = first_group(tmp_path)
        assert "evaluate one again" in pictures.pictures(tmp_path, group, found, "PSNR", 10**6)["remarks"][0]

    def test_of_many_runs_they_are_smaller(self):
        assert len(pictures._small(compared_runs.picture((9, 99, 9), 1, 256))) < len(
            compared_runs.picture((9, 99, 9), 1, 256)
        )
        small = compared_runs.picture((9, 99, 9), 1, 64)
        assert pictures._small(small) is small


def test_the_command_writes_the_page(root, capsys):
    import compare

    (root.parent / "environment.json").write_text("{}")
    path = root.parent / "commanded.html"
    with pytest.raises(SystemExit) as end:
        compare.main(["--env", str(root.parent / "environment.json"), "--exp", "good", "poor", "--page", str(path)])
    assert end.value.code == 0 and capsys.readouterr().out.endswith(f"{path}\n")
    assert [one["name"] for one in data_of(path, "main")["groups"][0]["methods"]] == ["(bicubic)", GOOD, "poor_0001"]


# ---- in a browser --------------------------------------------------------------------------------------------------


@pytest.fixture
def opened(browser, file):
    """The page in a new window; it must request nothing and report no error."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    window = context.new_page()
    requested, errors = [], []
    window.on("request", lambda request: requested.append(request.url))
    window.on("console", lambda message: errors.append(message.text))
    window.on("pageerror", lambda error: errors.append(str(error)))
    window.goto(file.as_uri())
    yield window
    outside = [url for url in requested if not url.startswith(("data:", file.as_uri()))]
    context.close()
    assert outside == [] and errors == []


def names(window, table="#runs"):
    """Return the full names in the first column of a table."""
    return window.eval_on_selector_all(f"{table} tbody th span[title]", "all => all.map((one) => one.title)")


def cut(window):
    return window.evaluate("getComputedStyle(document.getElementById('right-image')).clipPath")


@pytest.mark.slow
class TestInChromium:
    def test_runs_are_sorted_by_metric_best_first_and_then_the_other_way(self, opened):
        assert names(opened) == ["(bicubic)", GOOD, HOSTILE, "poor_0001", LONG]
        opened.click("#runs button[data-key='score:PSNR']")
        assert names(opened) == [GOOD, HOSTILE, "(bicubic)", "poor_0001", LONG], "what fails is last"
        opened.click("#runs button[data-key='score:PSNR']")
        assert names(opened) == ["poor_0001", "(bicubic)", HOSTILE, GOOD, LONG]
        assert opened.get_attribute("#runs th:has(button[data-key='score:PSNR'])", "aria-sort") == "ascending"
        opened.click("#runs button[data-key='score:RMSE']")
        assert names(opened)[0] == GOOD, "lower is better"
        opened.select_option("#metric", "RMSE")
        heads = opened.eval_on_selector_all("#runs thead th.number", "all => all.map((one) => one.innerText.trim())")
        assert [head.split()[0] for head in heads] == ["RMSE", "PSNR", "PSNR"], "the chosen metric is the first"
        opened.click("#runs button[data-key='name']")
        assert names(opened)[-1] == "poor_0001"

    def test_words_filter_by_name_model_and_loss(self, opened):
        opened.fill("#filter", "psgan")
        assert names(opened) == [LONG]
        opened.fill("#filter", "ARIS-A poor")
        assert names(opened) == ["poor_0001"]
        opened.fill("#filter", "good-seed1")
        assert names(opened) == [GOOD] and opened.inner_text("#status").startswith("1 of 5 shown")
        opened.fill("#filter", "no such run")
        assert names(opened) == []

    def test_means_have_intervals_medians_and_the_failures(self, opened):
        rows = opened.locator("#runs tbody tr")
        cell = rows.nth(1).locator("td.number").first
        assert re.fullmatch(r"31\.\d+\s+\[2\d\.\d+, 3\d\.\d+\]\s+median 31\.\d+", cell.inner_text())
        assert cell.locator("strong").count() == 1
        assert "fails: 1 of 40 predictions are not finite" in rows.nth(4).locator("td.number").first.inner_text()
        opened.select_option("#value", "gains")
        assert re.search(r"^\+1\.0\d*\s+\[\+0\.\d+, \+1\.\d+\]\s+p 0\.0\d+, better$", cell.inner_text())

    def test_selected_runs_are_compared(self, opened):
        assert opened.locator("#pairs tbody tr").count() == 3
        assert f"{GOOD} minus {HOSTILE}" in opened.inner_text("#pairs tbody")
        opened.click(f"#runs input[aria-label='select {GOOD}']")
        opened.click("#runs input[aria-label='select poor_0001']")
        text = opened.inner_text("#pairs tbody")
        assert f"{HOSTILE} minus poor_0001" in text and "worse" in text and GOOD not in text
        assert "learning_rate" in opened.inner_text("#settings")
        assert opened.locator("#curves canvas").count() == 1 and opened.locator("#scatter canvas").count() == 1
        opened.click("#runs input[aria-label='select (bicubic)']")
        assert opened.inner_text("#legend").count("\n") >= 2

    def test_six_runs_are_the_most(self, opened):
        for label in ("(bicubic)", "poor_0001", LONG):
            opened.click(f"#runs input[aria-label='select {label}']")
        assert opened.locator("#runs input:checked").count() == 5
        assert "5 selected (at most 6)" in opened.inner_text("#status")
        assert "one of them fails" in opened.inner_text("#pairs tbody")

    def test_other_samples_have_a_reason(self, opened):
        assert "other records" not in opened.inner_text("#reason")
        opened.select_option("#group", "1")
        assert "not compared with demo 01234567 test: other records of the dataset" in opened.inner_text("#reason")
        assert names(opened) == ["(bicubic)", "elsewhere_0001"]
        assert opened.is_hidden("#with-pictures") and "evaluate one again" in opened.inner_text("#no-pictures")
        assert "no intervals" in opened.inner_text("#basis")
        opened.select_option("#group", "0")
        assert opened.is_visible("#stage") and len(names(opened)) == 5

    def test_every_curve_distribution_and_scatter_is_drawn(self, opened):
        for curve in ("gen_l1", "disc", "validation PSNR"):
            opened.select_option("#curve", curve)
            assert opened.locator("#curves .u-series").count() == 4  # three seeds, and the steps
        opened.check("#log")
        for metric in ("RMSE", "PSNR.inside"):
            opened.select_option("#metric", metric)
            assert metric.split(".")[0] in opened.get_attribute("#distribution .uplot", "aria-label")
        opened.select_option("#x", "RMSE")
        ink = """() => { const c = document.querySelector('#scatter canvas');
            const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            return data.filter((value, index) => index % 4 === 3 && value > 0).length; }"""
        assert opened.evaluate(ink) > 1000

    def test_tiles_are_sorted_and_looked_at(self, opened):
        worst = f"t{int(np.argmin(compared_runs.DIFFICULTY + 1)):02d}"
        assert worst in names(opened, "#tiles")[:2]
        opened.click("#tiles button[data-key='name']")
        assert names(opened, "#tiles")[:2] == ["t00", "t01"]
        opened.click("#tiles button[data-key='hidden']")
        opened.click("#tiles button[data-key='hidden']")
        assert names(opened, "#tiles")[0] == "t39" and "39 %" in opened.inner_text("#tiles tbody tr:first-child")
        opened.click("#tiles button[data-key='difference']")
        assert opened.get_attribute("#tiles th:has(button[data-key='difference'])", "aria-sort") == "ascending"
        opened.click("#tiles button[aria-label='look at t09']")
        assert "t09 (in this order" in opened.inner_text("#tile")
        assert opened.evaluate("document.activeElement.id") == "cut"

    def test_the_slider_moves_the_border(self, opened):
        box = opened.locator("#cut").bounding_box()
        opened.locator("#cut").click(position={"x": box["width"] * 0.8, "y": box["height"] / 2})
        assert 76 <= float(re.search(r"([\d.]+)%", cut(opened))[1]) <= 84
        opened.focus("#cut")
        opened.keyboard.press("Home")
        assert re.fullmatch(r"inset\(0px 0px 0px 0%\)|inset\(0px\)", cut(opened))
        opened.keyboard.press("ArrowRight")
        assert "1%" in cut(opened)

    def test_pictures_are_those_of_the_tile(self, opened):
        opened.wait_for_function("document.getElementById('left-image').naturalWidth === 64")
        shown = opened.get_attribute("#left-image", "alt"), opened.get_attribute("#right-image", "alt")
        assert shown[0].startswith("target of tile t") and shown[1].startswith(f"{GOOD} of tile t")
        sources = set()
        for _ in range(12):
            sources.add(opened.get_attribute("#left-image", "src"))
            opened.click("#next") if opened.is_enabled("#next") else None
        assert len(sources) == 12 and opened.is_disabled("#next")
        opened.select_option("#right", "sample:bicubic")
        opened.select_option("#metric", "RMSE")
        assert opened.get_attribute("#right-image", "alt").startswith("bicubic of tile"), "a choice stays"

    def test_the_order_is_that_of_the_scores(self, opened):
        values = {}
        for order in ("worst", "best", "median", "differ"):
            opened.select_option("#order", order)
            values[order] = float(re.search(r"PSNR \(dB\): good \(3 seeds\) ([\d.]+)", opened.inner_text("#tile"))[1])
        assert values["worst"] < values["median"] < values["best"]
        kept = np.array([compared_runs.DIFFICULTY[index] for index in range(0, 36, 3)])
        assert values["worst"] == pytest.approx(kept.min() + 31, abs=0.7)
        assert opened.is_disabled("#of")
        opened.select_option("#order", "best")
        opened.select_option("#metric", "RMSE")  # where lower is better
        assert "in this order" in opened.inner_text("#tile")

    def test_everything_is_done_by_the_keyboard_alone(self, opened):
        def tab_to(selector):
            for _ in range(120):
                opened.keyboard.press("Tab")
                if opened.evaluate("(selector) => document.activeElement.matches(selector)", selector):
                    return
            raise AssertionError(f"{selector} is not reached by Tab")

        tab_to("#filter")
        opened.keyboard.type("poor")
        assert names(opened) == ["poor_0001"]
        tab_to("#runs button[data-key='score:PSNR']")
        opened.keyboard.press("Enter")
        assert opened.evaluate("document.activeElement.dataset.key") == "score:PSNR", "focus stays after sorting"
        tab_to("#runs input[type=checkbox]")
        opened.keyboard.press("Space")
        assert "poor_0001" in opened.inner_text("#legend")
        tab_to("#order")
        opened.keyboard.press("ArrowDown")
        assert opened.input_value("#order") == "best"
        tab_to("#cut")
        before = opened.inner_text("#tile")
        opened.keyboard.press("n")
        assert opened.inner_text("#tile") != before
        opened.keyboard.press("p")
        assert opened.inner_text("#tile") == before
        opened.keyboard.press("ArrowLeft")
        assert "49%" in cut(opened)
        opened.keyboard.press("f")
        assert opened.get_attribute("#flicker", "aria-pressed") == "true"
        opened.locator("#stage.whole-right").wait_for()
        assert cut(opened) == "none"
        opened.locator("#stage.whole-left").wait_for()
        opened.keyboard.press("f")
        assert opened.get_attribute("#flicker", "aria-pressed") == "false" and "49%" in cut(opened)

    def test_keys_do_not_disturb_typing(self, opened):
        before = opened.inner_text("#tile")
        opened.focus("#filter")
        opened.keyboard.type("npf")
        assert opened.input_value("#filter") == "npf" and opened.inner_text("#tile") == before

    def test_names_are_text_only(self, opened):
        assert opened.title() == "Comparison of runs" and opened.locator("script").count() == 4
        assert opened.locator("img").count() == 2 and HOSTILE in opened.inner_text("#legend")
        assert HOSTILE in opened.inner_text("#settings")

    def test_the_policy_blocks_an_injected_script(self, browser, file, tmp_path):
        """In case escaping fails: the same page with a script and an event handler added to it."""
        own = "document.title = 'owned'"
        added = f'<script>{own}</script><img src="x" onerror="{own}"></main>'
        (tmp_path / "page.html").write_text(file.read_text().replace("</main>", added, 1))
        window = browser.new_page()
        window.goto((tmp_path / "page.html").as_uri())
        assert window.title() == "Comparison of runs" and len(names(window)) == 5
        window.close()

    def test_every_control_has_a_name_for_screen_readers(self, opened):
        found = opened.evaluate(
            """[...document.querySelectorAll('input, button, select')].map((one) => one.getAttribute('aria-label') ||
            (one.labels && [...one.labels].map((l) => l.textContent).join(' ').trim()) || one.textContent.trim())"""
        )
        assert len(found) >= 50 and all(found)

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [1280, 400])
    def test_it_fits_the_window_and_text_has_contrast(self, browser, file, scheme, width):
        window = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        window.goto(file.as_uri())
        assert window.evaluate("document.documentElement.scrollWidth") == width
        ratios = window.evaluate(CONTRASTS)
        window.close()
        assert len(ratios) > 50 and min(ratios) >= 4.5


CONTRASTS = """() => {
  const light = (colour) => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => value / 255)
      .map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!/rgba\\(0, 0, 0, 0\\)|transparent/.test(colour)) return colour;
    }
    return 'white';
  };
  const texts = [...document.querySelectorAll('h1, h2, h3, p, label, th, td, small, strong, span, button:enabled, li')]
    .filter((one) => one.innerText?.trim() && one.checkVisibility());
  return texts.map((one) => {
    const [a, b] = [light(getComputedStyle(one).color), light(ground(one))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  });
}"""


@pytest.mark.slow
def test_two_hundred_runs_of_a_thousand_tiles_open_quickly(browser, tmp_path):
    """Ten runs are evaluated; the page holds each of them twenty times, which costs it the same as two hundred."""
    root, runs, times = tmp_path / "experiments", {}, 20
    for number in range(10):
        name = f"run{number}_0001"
        values = compared_runs.columns(number / 100, number, count=1000)
        further = dict.fromkeys(("SAM", "sCC", "CC", "HPSI", "SSIM", "ERGAS", "UIQC", "MAE"), values["PSNR"])
        path = write_run(root, name, values | further, settings={"learning_rate": 1e-4 * (number + 1)})
        runs[name] = f"{name} 4"
        compared_runs.write_journal(root, f"run{number}", "0001", 1 + number / 100)
    compared_runs.write_pictures(write_places(path, per_block=16, hidden=None), runs, side=128)
    (group,) = groups(load(root, [""]))
    found = statistics_of(root, group, scores_of(group), "PSNR")
    main = content.content(root, [group], [found], ["PSNR"]) | {"made": "now"}
    (scores,) = content.tile_scores(main["groups"], [found])
    shown = pictures.pictures(root, group, found, "PSNR", page.OF_PICTURES // times)
    (of_group,) = main["groups"]

    def repeated(name):
        return [f"{name} again {number}" for number in range(times)]

    of_group["methods"] = [
        one | {"name": again, "runs": [again]} for one in of_group["methods"] for again in repeated(one["name"])
    ]
    for values in of_group["settings"].values():
        values |= {again: value for name, value in list(values.items()) for again in repeated(name)}
    scores["methods"] = {again: text for name, text in scores["methods"].items() for again in repeated(name)}
    shown["images"] |= {
        f"{again}": uris for key, uris in list(shown["images"].items()) if key[0] == "m" for again in repeated(key)
    }
    data = {"main": page.as_data(main), "scores": page.as_data([scores]), "pictures": page.as_data([shown])}
    (tmp_path / "page.html").write_text(page.build(data))
    tries = []
    for _ in range(3):  # other processes of the machine delay some
        window = browser.new_page(viewport={"width": 1280, "height": 900})
        started = time.monotonic()
        window.goto((tmp_path / "page.html").as_uri())
        window.locator("#tiles tbody tr").nth(99).wait_for()
        tries.append(time.monotonic() - started)
        assert window.locator("#runs tbody tr").count() == 11 * times
        assert window.evaluate("page.groups[0].scores.length * keptTiles().length") == 11_000
        window.close()
    assert len(data["scores"]) > 11e6 and (tmp_path / "page.html").stat().st_size < 30e6
    assert min(tries) < 2
