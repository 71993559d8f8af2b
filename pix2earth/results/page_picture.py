"""Pictures of the page of ``compare.py``, as a browser shows it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from experiment import PROJECT, Environment
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Scheme = Literal["light", "dark"]
EXPERIMENTS = "losses"
"""Folder of the experiments that are compared, below the experiment root."""
SCHEMES: dict[str, Scheme] = {"comparison.png": "light", "comparison-dark.png": "dark"}
WIDTH, HEIGHT = 1000, 900
LEFT_OUT = (
    "header",
    "#h-selected ~ h3:last-of-type",
    "[aria-label='Settings that differ']",
    "#no-settings",
    "#viewer .note",
    *(f"section[aria-labelledby={heading}]" for heading in ("h-curves", "h-distribution", "h-scatter", "h-tiles")),
)
"""Parts of the page that are not shown, so that the text of the others is readable at the width of a document."""
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
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            running = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
            try:
                atomic.write_bytes(output, screenshot(page, running, SCHEMES[output.name]))
            finally:
                running.close()


def screenshot(page: Path, browser: Browser, scheme: Scheme) -> bytes:
    """Return a PNG of a page: its runs, their differences, and the tile that the best run predicts worst.

    Args:
        page: the HTML file.
        browser: of playwright.
        scheme: of colours.
    """
    view = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
    view.goto(page.as_uri())
    view.select_option("#order", "worst")
    for part in LEFT_OUT:
        view.eval_on_selector_all(part, "parts => parts.forEach((part) => part.remove())")
    taken = view.screenshot(full_page=True)
    view.close()
    return taken
