"""Pictures of tiles in the page: which ones, within a limit of size, as data URIs."""

from __future__ import annotations

import base64
import io
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metrics import LOWER_IS_BETTER
from pix2earth.scoring.tables.columns import base_of
from pix2earth.scoring.tables.comparison import Group, Run
from pix2earth.scoring.tables.gains import Statistics, by_measure
from pix2earth.scoring.tables.methods import Method
from pix2earth.scoring.tiles.tile_folder import (
    ABOUT,
    SAMPLE,
    STRETCH,
    pictures_of_run,
    pictures_of_sample,
    tile_folder,
)

MANY, SMALL_SIDE = 30, 128
"""Of more methods, pictures are reduced to this side in pixels, so that there is room for more tiles."""
TILES = 80
"""Largest number of tiles with pictures in the page."""
DECIDING = 8
"""The best so many methods decide which tiles are shown first."""


def pictures(root: Path, group: Group, statistics: Statistics, measure: str, room: int) -> dict[str, Any]:
    """Return the pictures of a group.

    Args:
        root: the experiment root.
        group: the runs.
        statistics: of the group.
        measure: by which the best methods are chosen.
        room: largest number of bytes of the text.

    Returns:
        "tiles" (indices among the common tiles), "contrast" (in words by role), "images" (data URI or None for each of
        the tiles, by "sample:" and a title, or "method:" and its name), "remarks".
    """
    folder = next(filter(None, (tile_folder(root, run.basis) for run in group.runs)), None)
    places = {name: number for number, name in enumerate(statistics.shared.tiles)}
    kept = {path.stem for path in pictures_of_sample(folder, "target").glob("*.webp")} if folder else set()
    nothing: dict[str, Any] = {"tiles": [], "contrast": {}, "images": {}, "remarks": []}
    if folder is None or not kept & places.keys():
        return nothing | {"remarks": ["no evaluation of these runs has kept pictures; evaluate one again"]}
    sources = {f"sample:{path.name}": path for path in sorted((folder / SAMPLE).iterdir()) if path.is_dir()}
    remarks = []
    for method in (method for method in statistics.methods if not method.baseline):
        run = next(run for run in group.runs if run.name == method.runs[0])
        of_run = pictures_of_run(folder, run.files.path.stem if run.files else run.name)
        if belongs(of_run, run):
            sources[f"method:{method.name}"] = of_run
        else:
            remarks.append(f"{method.name}: its evaluation has kept no pictures; evaluate it again")
    few = len(sources) <= MANY
    chosen: list[int] = []
    images: dict[str, list[str | None]] = {name: [] for name in sources}
    used = 0
    for place in itertools.islice(
        _in_order(statistics, measure, {places[name] for name in kept & places.keys()}), TILES
    ):
        name = statistics.shared.tiles[place]
        each = {title: _data_uri(path / f"{name}.webp", reduced=not few) for title, path in sources.items()}
        used += sum(len(uri) + 3 for uri in each.values() if uri)
        if used > room:
            break
        chosen.append(place)
        for title, uri in each.items():
            images[title].append(uri)
    contrast = json.loads((folder / STRETCH).read_text(encoding="utf-8")) if (folder / STRETCH).is_file() else {}
    words = {role: str(each.get("words", "")) for role, each in contrast.items()}
    return {"tiles": chosen, "contrast": words, "images": images, "remarks": remarks}


def belongs(folder: Path, run: Run) -> bool:
    """Return whether pictures of predictions are those of the checkpoint that was scored."""
    entry = run.files.entry(run.basis.split) if run.files else None
    path = folder / ABOUT
    if not entry or not path.is_file():
        return False
    return bool(json.loads(path.read_text(encoding="utf-8")).get("checkpoint") == entry["checkpoint"])


def _data_uri(path: Path, *, reduced: bool) -> str | None:
    """Return a picture as a data URI, or None where there is none."""
    if not path.is_file():
        return None
    content = path.read_bytes()
    return f"data:image/webp;base64,{base64.b64encode(_small(content) if reduced else content).decode()}"


def _small(content: bytes) -> bytes:
    """Return a picture of at most ``SMALL_SIDE`` pixels of height."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        if image.height <= SMALL_SIDE:
            return content
        size = max(1, round(image.width * SMALL_SIDE / image.height)), SMALL_SIDE
        smaller = image.convert("RGB").resize(size, Image.Resampling.BOX)
    written = io.BytesIO()
    smaller.save(written, format="webp", quality=75, method=2)
    return written.getvalue()


def _in_order(statistics: Statistics, measure: str, kept: set[int]) -> Iterator[int]:
    """Yield the tiles with pictures, those first that a reader looks for.

    These are, by each score, the worst, the best and the median one of the best methods, and those where methods differ
    most.
    """
    methods = by_measure(statistics, measure)[:DECIDING]
    scores = (
        [measure, *(name for name in statistics.means.get(methods[0].name, {}) if name != measure)] if methods else []
    )
    lists = [_ranked(statistics, methods, score, sorted(kept)) for score in scores]
    rounds = itertools.chain.from_iterable(itertools.zip_longest(*lists))
    yield from dict.fromkeys(place for place in [*rounds, *sorted(kept)] if place is not None)


def _ranked(statistics: Statistics, methods: Sequence[Method], score: str, kept: Sequence[int]) -> list[int]:
    """Return the tiles that show most by one score: of each method in turn, and those with the largest differences."""
    values = []
    everywhere = np.ones(len(statistics.shared.tiles), bool)
    for method in methods:
        of_method = method.scores(statistics.shared, [score], everywhere)[..., 0].mean(axis=0)[list(kept)]
        values.append(np.where(np.isfinite(of_method), of_method, np.nan))
    sign = 1 if base_of(score) in LOWER_IS_BETTER else -1
    orders = [np.array(kept)[np.argsort(-sign * each, kind="stable")] for each in values]  # worst first, NaN last
    spread = np.ptp(np.nan_to_num(values), axis=0) * np.isfinite(values).all(axis=0)
    differing = np.array(kept)[np.argsort(-spread, kind="stable")]
    found: list[int] = []
    for number in range(3):
        for order, each in zip(orders, values, strict=True):
            count = max(1, int(np.isfinite(each).sum()))
            found += [
                int(order[min(number, count - 1)]),
                int(order[max(0, count - 1 - number)]),
                int(order[count // 2]),
            ]
        found.append(int(differing[min(number, len(differing) - 1)]))
    return found
