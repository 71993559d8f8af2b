"""Pictures of the page of ``compare.py``, as a browser shows it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from experiment import PROJECT, Environment
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

EXPERIMENTS = "losses"
"""Folder of the experiments that are compared, below the experiment root."""
SCHEMES = {"comparison.png": "light", "comparison-dark.png": "dark"}
WIDTH, HEIGHT = 1000, 900
LEFT_OUT = ("h-curves", "h-distribution", "h-scatter", "h-tiles")
"""Headings of sections that are not shown, so that the text of the others is readable at the width of a document."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def draw(environment: Environment, output: Path) -> None:
    """Draw the page of the trained experiments, with the tile that is predicted worst.

    Args:
        environment: has the experiments, with evaluations.
        output: of the picture; its name is one of ``SCHEMES``.

    Raises:
        UserError: there are no evaluated runs, or there is no browser.
    """
    browser = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if browser is None:
        raise UserError(f"needs one of {', '.join(CHROMIUM)}")
    with tempfile.TemporaryDirectory() as name:
        page = Path(name) / "comparison.html"
        words = ["compare.py", "--env", str(environment.path), "--exp", EXPERIMENTS, "--page", str(page)]
        ended = subprocess.run([sys.executable, *words], cwd=PROJECT, capture_output=True, text=True)
        if ended.returncode:
            raise UserError(ended.stderr.strip())
        atomic.write_bytes(output, screenshot(page, browser, SCHEMES[output.name]))


def screenshot(page: Path, browser: str, scheme: str) -> bytes:
    """Return a PNG of a page: its runs, their differences, and the tile of the best run with the worst score.

    Args:
        page: the HTML file.
        browser: path of a Chromium.
        scheme: ``light`` or ``dark``.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        try:
            view = running.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)  # type: ignore[arg-type]
            view.goto(page.as_uri())
            view.select_option("#order", "worst")
            for heading in LEFT_OUT:
                view.eval_on_selector(f"section[aria-labelledby={heading}]", "section => section.remove()")
            view.eval_on_selector("header", "header => header.remove()")
            return view.screenshot(full_page=True)
        finally:
            running.close()
