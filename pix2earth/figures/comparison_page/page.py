"""The page as one HTML file: template, style, scripts and data.

It fetches nothing and runs only its own script: a content security policy with the digests of style and script forbids
everything else. Names and settings are data, in JSON whose "<" are escaped, and the script writes them as text.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pix2earth.figures.comparison_page.content import content, tile_scores
from pix2earth.figures.comparison_page.pictures import pictures
from pix2earth.scoring.tables.comparison import Group
from pix2earth.scoring.tables.gains import Statistics
from pix2earth.settings import atomic

FOLDER = Path(__file__).parent
STYLES = ("uPlot.min.css", "page.css")
SCRIPTS = ("uPlot.iife.min.js", "data.js", "runs.js", "plots.js", "tiles.js", "viewer.js", "main.js")
LARGEST = 28_000_000
"""Bytes of the whole page, which pictures fill at most."""
OF_PICTURES = 16_000_000
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def write(
    path: Path,
    root: Path,
    groups: Sequence[Group],
    statistics: Sequence[Statistics],
    measures: Sequence[str | None],
) -> None:
    """Write the page of a comparison.

    Args:
        path: of the HTML file.
        root: the experiment root.
        groups: the runs that may be compared.
        statistics: of each group, over all scores.
        measures: of each group, the score by which methods are sorted.

    Raises:
        OSError: the file cannot be written.
    """
    main = content(root, groups, statistics, measures)
    main["made"] = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    scores = tile_scores(main["groups"], statistics)
    texts = {"main": as_data(main), "scores": as_data(scores)}
    room = min(OF_PICTURES, LARGEST - sum(map(len, texts.values())))
    shown = []
    for group, of_group, measure in zip(groups, statistics, measures, strict=True):
        shown.append(pictures(root, group, of_group, measure, room) if measure else {"tiles": []})
        room -= len(as_data(shown[-1]))
    atomic.write_text(path, build(texts | {"pictures": as_data(shown)}))


def as_data(value: Any) -> str:
    """Return JSON that can stand in an element of HTML: nothing in it begins a tag or ends a line of a script."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text.encode("utf-8", "backslashreplace").decode()


def build(data: dict[str, str]) -> str:
    """Return the page as HTML; ``data`` has the text of each element by its id."""
    style = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in STYLES)
    script = "\n".join((FOLDER / name).read_text(encoding="utf-8") for name in SCRIPTS)
    allowed = "; ".join(f"{tag}-src '{_digest(text)}'" for tag, text in (("style", style), ("script", script)))
    policy = f"default-src 'none'; img-src data:; {allowed}; base-uri 'none'; form-action 'none'"
    values = {"policy": html.escape(policy), "style": style, "script": script, **data}
    template = (FOLDER / "page.html").read_text(encoding="utf-8")
    return PLACEHOLDER.sub(lambda match: values[match[1]], template)


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
