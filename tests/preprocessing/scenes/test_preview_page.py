"""The page of previews: its HTML, and its behaviour in a real Chromium."""

import base64
import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from preprocessing.scenes import inventory, preview_page
from preprocessing.scenes.inventory import Pair
from preprocessing.scenes.preview_page import Preview
from preprocessing.scenes.selection import read_selection

NAME = "inv_T17XNA_10h"
HOSTILE = (
    "S2A_\"'><img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>{{cards}}"
)
CLOUDS = [0.4, 12.5, None, 80.0, 5.0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Five scenes, a day apart, of rows 0, 2, 4, 6 and 8; the third has a hostile name."""
    root = tmp_path_factory.mktemp("previews")
    pairs, previews = [], []
    for number, cloud in enumerate(CLOUDS):
        time = datetime(2020, 7, 1 + number, 17, 29, 1, tzinfo=UTC)
        product = HOSTILE if number == 2 else f"2020/S2A_MSIL1C_2020070{1 + number}T172901.SAFE"
        for hours, share in ((1, 0.2), (3, 0.9)):
            gap = timedelta(hours=hours)
            pairs.append(Pair(product, time, f"2020/07/S3{'AB'[number % 2]}_OL.SEN3", time + gap, gap, "SEN3", share))
        path = root / f"{2 * number}.png"
        ground = np.full((228, 250, 3), 255, np.uint8)
        ground[28:, 20:230] = 40 * number
        Image.fromarray(ground).save(path)
        previews.append(Preview(2 * number, path, cloud, (20, 28, 230, 228)))
    path = root / f"{NAME}.csv"
    path.write_bytes(inventory.encode(pairs, timedelta(hours=10)))
    (root / "index.html").write_text(preview_page.build(NAME, inventory.read(path), previews, 0.5))
    return root


@pytest.fixture(scope="module")
def text(folder) -> str:
    return (folder / "index.html").read_text()


class TestText:
    def test_there_is_a_card_for_every_scene(self, text):
        assert re.findall(r'data-index="(\d+)"', text) == ["0", "2", "4", "6", "8"]
        assert re.findall(r'data-cloud="([^"]*)"', text) == ["0.4", "12.5", "", "80", "5"]
        assert text.count("3.0 h apart, covers 90%") == 5  # the nearer frame covers too little
        assert "{{" not in text.replace("{{cards}}", "")

    def test_nothing_comes_from_outside(self, text):
        """No address but data URIs; the policy forbids all other requests."""
        assert re.findall(r"https?:|//[a-z]+\.", text) == []
        assert all(source.startswith("data:image/") for source in re.findall(r'src="([^"]*)"', text))
        assert "default-src 'none'; img-src data:; style-src 'sha256-" in text
        assert len(re.findall("<script>", text)) == 1

    def test_images_are_the_previews_without_their_titles(self, folder, text):
        sources = re.findall(r'src="data:image/jpeg;base64,([^"]*)" width="210" height="200"', text)
        assert len(sources) == 5
        for number, source in enumerate(sources):
            with Image.open(io.BytesIO(base64.b64decode(source))) as image:
                assert image.size == (210, 200)
                assert np.asarray(image)[..., 0].tolist() == [[40 * number] * 210] * 200

    def test_large_images_are_reduced_and_small_ones_stay_exact(self, tmp_path):
        for size, kind in (((2000, 1000), "jpeg"), ((50, 40), "png")):
            path = tmp_path / f"{kind}.png"
            ground = np.random.default_rng(0).integers(0, 255, (size[1] + 28, size[0], 3)).astype(np.uint8)
            Image.fromarray(ground).save(path)
            source, shown_size = preview_page.embedded_image(Preview(0, path, None, (0, 28, size[0], size[1] + 28)))
            assert source.startswith(f"data:image/{kind};base64,")
            assert shown_size == ((720, 360) if kind == "jpeg" else size)
        with Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))) as image:
            np.testing.assert_array_equal(np.asarray(image), ground[28:])

    def test_a_page_without_scenes_is_valid(self, tmp_path):
        path = tmp_path / "inv.csv"
        path.write_bytes(inventory.encode([], timedelta(hours=10)))
        page = preview_page.build("inv", inventory.read(path), [], 0.5)
        assert "<strong>0</strong>" not in page and "0 Sentinel-2 scenes" in page


# ---- in a browser ------------------------------------------------------------------------------------------


@pytest.fixture
def page(browser, folder):
    """The page in a new window; it must request nothing and report no error."""
    context = browser.new_context(viewport={"width": 1200, "height": 800}, accept_downloads=True)
    opened = context.new_page()
    requested, errors = [], []
    opened.on("request", lambda request: requested.append(request.url))
    opened.on("console", lambda message: errors.append(message.text))
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto((folder / "index.html").as_uri())
    yield opened
    outside = [url for url in requested if not url.startswith(("data:", "blob:", folder.as_uri()))]
    context.close()
    assert outside == [] and errors == []


def kept(page) -> list[int]:
    return page.evaluate("[...document.querySelectorAll('.card:has(:checked)')].map(c => Number(c.dataset.index))")


def shown(page) -> list[int]:
    return page.evaluate("[...document.querySelectorAll('.card:not([hidden])')].map(c => Number(c.dataset.index))")


def set_range(page, value: int) -> None:
    page.eval_on_selector(
        "#cloud", "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }", value
    )


@pytest.mark.slow
class TestInChromium:
    def test_a_click_keeps_and_another_drops(self, page):
        page.click('.card[data-index="2"] img')
        page.click('.card[data-index="6"] .caption')
        assert kept(page) == [2, 6]
        assert page.inner_text("#status") == "2 of 5 kept, 5 shown"
        page.click('.card[data-index="2"] img')
        assert kept(page) == [6]

    def test_every_image_is_decoded(self, page):
        loaded = "[...document.querySelectorAll('.card img')].map(i => i.complete && i.naturalWidth)"
        assert page.evaluate(loaded) == [210] * 5

    def test_filter_by_date(self, page):
        page.fill("#from", "2020-07-02")
        page.fill("#to", "2020-07-04")
        assert shown(page) == [2, 4, 6]
        page.fill("#from", "2020-07-04")
        page.fill("#to", "2020-07-03")
        assert shown(page) == [] and page.is_visible("#none")

    def test_filter_by_cloud_cover(self, page):
        set_range(page, 12)
        assert shown(page) == [0, 8] and page.inner_text("#most") == "12 %"
        set_range(page, 99)
        assert shown(page) == [0, 2, 6, 8]  # 4 states no cloud cover
        set_range(page, 100)
        assert shown(page) == [0, 2, 4, 6, 8]

    def test_keep_what_is_shown(self, page):
        set_range(page, 20)
        page.click("#keep-shown")
        assert kept(page) == [0, 2, 8]
        set_range(page, 1)
        page.click("#drop-shown")
        assert kept(page) == [2, 8]
        assert page.inner_text("#status") == "2 of 5 kept, 1 shown, 2 kept but not shown"
        set_range(page, 100)
        page.select_option("#show", "kept")
        assert shown(page) == [2, 8]
        page.select_option("#show", "dropped")
        assert shown(page) == [0, 4, 6]

    def test_keys_select_shown_scenes_only(self, page):
        set_range(page, 99)
        for key in ("ArrowRight", "k", "n", "Space", "ArrowRight", "k"):  # 0, 2, 6
            page.keyboard.press(key)
        assert kept(page) == [0, 2, 6]
        for key in ("ArrowLeft", "d", "p", "Space", "p", "ArrowLeft"):
            page.keyboard.press(key)
        assert kept(page) == [6]

    def test_keys_do_not_disturb_typing(self, page):
        page.focus("#name")
        page.keyboard.press("Control+a")
        page.keyboard.type("pink_dunes")
        assert page.input_value("#name") == "pink_dunes" and kept(page) == []

    def test_enlarged_previews_are_chosen_by_keys_and_buttons(self, page):
        page.keyboard.press("n")
        page.keyboard.press("Enter")
        assert page.is_visible("#viewer")
        assert page.inner_text("#description") == "0: 2020-07-01 17:29, 0 % cloud, S3A 3.0 h apart, covers 90%"
        assert page.is_disabled("#previous")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("k")
        page.click("#next")
        page.click("#toggle")
        assert page.get_attribute("#toggle", "aria-pressed") == "true"
        page.keyboard.press("Escape")
        assert kept(page) == [2, 4] and not page.is_visible("#viewer")
        # By the standard the event that a dialog is closed comes a moment later.
        page.wait_for_function("document.activeElement.closest('.card')?.dataset.index === '4'")
        page.click('.card[data-index="8"] .enlarge')
        assert page.is_disabled("#next") and kept(page) == [2, 4]

    def test_step_40_reads_the_saved_selection(self, page, tmp_path):
        assert page.is_disabled("#save")
        page.click('.card[data-index="8"] img')
        page.click('.card[data-index="0"] img')
        with page.expect_download() as download:
            page.click("#save")
        assert download.value.suggested_filename == "selection_T17XNA_10h.json"
        download.value.save_as(tmp_path / "selection_T17XNA_10h.json")
        saved = json.loads((tmp_path / "selection_T17XNA_10h.json").read_text())
        assert saved == {"inventory": NAME, "s2_indices": [0, 8]}
        assert read_selection(tmp_path, "selection_T17XNA_10h").s2_indices == [0, 8]
        assert page.inner_text("#status").startswith("Saved 2 scenes as selection_T17XNA_10h.json")

    @pytest.mark.parametrize("name", [NAME, "a/b", "", "../x", f"{NAME}.json", ".hidden"])
    def test_a_name_that_step_40_refuses_cannot_be_saved(self, page, name):
        page.click('.card[data-index="8"] img')
        page.fill("#name", name)
        assert page.is_disabled("#save")
        page.fill("#name", "summer-2020")
        assert page.is_enabled("#save")

    def test_kept_scenes_are_remembered(self, page):
        page.click('.card[data-index="4"] img')
        assert page.evaluate("Object.values(localStorage)") == ["[4]"]
        page.reload()
        assert kept(page) == [4] and page.inner_text("#status") == "1 of 5 kept, 5 shown"

    def test_names_of_products_are_text_only(self, page):
        assert page.title() == f"{NAME}: choose scenes"
        assert page.inner_text('.card[data-index="4"] .name') == HOSTILE.rsplit("/", 1)[-1]
        assert page.locator("main img").count() == 5 and page.locator("script").count() == 1

    def test_the_policy_blocks_an_injected_script(self, browser, folder, tmp_path):
        """In case escaping fails: the same page with a script and an event handler added to it."""
        own = "document.title = 'owned'"
        added = f'<script>{own}</script><img src="x" onerror="{own}"></main>'
        injected = (folder / "index.html").read_text().replace("</main>", added)
        (tmp_path / "index.html").write_text(injected)
        opened = browser.new_page()
        opened.goto((tmp_path / "index.html").as_uri())
        assert opened.title() == f"{NAME}: choose scenes"
        assert opened.locator(".card").count() == 5
        opened.close()

    def test_every_control_has_a_name_for_screen_readers(self, page):
        names = page.evaluate(
            """[...document.querySelectorAll('main input, button, header input, header select')].map((one) =>
            one.getAttribute('aria-label') || (one.labels && [...one.labels].map((l) => l.textContent).join(' ').trim())
            || one.textContent.trim())"""
        )
        assert len(names) == 22 and all(names)
        assert page.get_attribute("html", "lang") == "en"
        assert page.evaluate("[...document.querySelectorAll('.card img')].every((image) => image.alt)")
