"""Build the HTML page of all previews, in which a user selects scenes and saves the selection for step 40.

The page is one file. It fetches nothing and runs only its own script: a content security policy with the digests of
style and script forbids everything else, and strings from products are escaped.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

TEMPLATE = Path(__file__).with_name("preview_page.html")
LARGEST = 720
"""Largest side in pixels of an image in the page; the PNG files keep their size."""
SMALLEST = 200
"""Smaller images are stored as PNG, because JPEG blurs them."""
QUALITY = 85
PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")
CARD = """\
<li class="card" data-index="{index}" data-date="{day}" data-cloud="{cloud}">
<label>
<img src="{source}" width="{width}" height="{height}" decoding="async" alt="Scene {index}, {day}, {clouds}">
<span class="tick">
<input type="checkbox" autocomplete="off" aria-label="Keep scene {index}, {day}, {clouds}"> Keep</span>
<span class="caption"><strong>{index}</strong> <time datetime="{time}">{shown}</time>
<span class="clouds">{clouds}</span>
<span class="frame">{frame}</span><span class="name">{name}</span></span>
</label>
<button type="button" class="enlarge" aria-label="Enlarge scene {index}">Enlarge</button>
</li>"""


@dataclass(frozen=True)
class Preview:
    """A preview that has been drawn, and the metadata that the page prints."""

    index: int
    """Row of the inventory."""
    path: Path
    cloud_cover: float | None
    """Percent; None where the product does not have it."""
    box: tuple[int, int, int, int]
    """Left, top, right, bottom of the scene in the image; the rest is the title."""


def build(name: str, table: pd.DataFrame, previews: Sequence[Preview], overlap: float) -> str:
    """Return the page as HTML.

    Args:
        name: of the inventory.
        table: the inventory, as ``inventory.read`` returns it.
        previews: the previews in the order of the page.
        overlap: smallest share of a scene that its frame covers.
    """
    rows = table.set_index("index", drop=False)
    cards = []
    for preview in previews:
        row = rows.loc[preview.index]
        cards.append(card(preview, row, _nearest_frame(table, row, overlap)))
    days = sorted(f"{rows.loc[preview.index, 's2date']:%Y-%m-%d}" for preview in previews)
    template = TEMPLATE.read_text()
    values = {
        "inventory": html.escape(name),
        "selection": html.escape(f"selection_{name.removeprefix('inv_')}"),
        "first": days[0] if days else "",
        "last": days[-1] if days else "",
        "overlap": f"{overlap:g}",
        "count": str(len(cards)),
        "cards": "\n".join(cards),
        "policy": _policy(template),
    }
    return PLACEHOLDER.sub(lambda match: values[match.group(1)], template)


def card(preview: Preview, row: pd.Series, frame: str) -> str:
    """Return the list entry of one scene; ``frame`` describes its Sentinel-3 frame."""
    source, (width, height) = embedded_image(preview)
    cloud = preview.cloud_cover
    values: dict[str, Any] = {
        "index": preview.index,
        "day": f"{row['s2date']:%Y-%m-%d}",
        "time": f"{row['s2date']:%Y-%m-%dT%H:%M:%SZ}",
        "shown": f"{row['s2date']:%Y-%m-%d %H:%M}",
        "cloud": "" if cloud is None else f"{cloud:.4g}",
        "clouds": "cloud unknown" if cloud is None else f"{cloud:.0f} % cloud",
        "frame": frame,
        "name": row["s2"].rsplit("/", 1)[-1],
        "source": source,
        "width": width,
        "height": height,
    }
    return CARD.format_map({key: html.escape(str(value)) for key, value in values.items()})


def embedded_image(preview: Preview) -> tuple[str, tuple[int, int]]:
    """Return the preview without its title as a data URI, and its (width, height) in pixels."""
    from PIL import Image

    with Image.open(preview.path) as titled:
        scene = titled.convert("RGB").crop(preview.box)
    scene.thumbnail((LARGEST, LARGEST))
    content = io.BytesIO()
    kind = "png" if max(scene.size) < SMALLEST else "jpeg"
    scene.save(content, format=kind, **({} if kind == "png" else {"quality": QUALITY}))
    return f"data:image/{kind};base64,{base64.b64encode(content.getvalue()).decode()}", scene.size


def _nearest_frame(table: pd.DataFrame, row: pd.Series, overlap: float) -> str:
    """Return a description of the frame nearest in time among those that cover the scene."""
    covering = table[(table["s2"] == row["s2"]) & (table["overlap"] >= overlap)]
    best = covering.sort_values("timediff").iloc[0]
    minutes = round(best["timediff"].total_seconds() / 60)
    apart = f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
    platform = best["s3"].rsplit("/", 1)[-1][:3]
    return f"{platform} {apart} apart, covers {best['overlap']:.0%}"


def _policy(template: str) -> str:
    """Return the content security policy that allows the template's own style and script only."""
    digests = {}
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", template, re.DOTALL)
        digests[tag] = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
    allowed = "; ".join(f"{tag}-src 'sha256-{digest}'" for tag, digest in digests.items())
    return f"default-src 'none'; img-src data:; {allowed}; base-uri 'none'; form-action 'none'"
