"""Step 30: a small picture of every scene of an inventory that is covered well enough, and the page to choose from.

A preview is decimated while it is read: of a JPEG 2000 file only the coarser resolution levels are decoded.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiment import Environment
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError, reports_errors
from preprocessing import parallel
from preprocessing.scenes import inventory
from preprocessing.scenes.observations import tile_code
from sensors.sentinel2 import NODATA, Safe

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from PIL import Image

BANDS = ("B04", "B03", "B02")
CONFIG = "_config.json"
TITLE_HEIGHT = 28
FACTS = "pix2earth"
"""Key of the text in a PNG that says what it shows, so that it need not be drawn again."""
GROUND = (246, 247, 245)
INK = (30, 34, 32)
NO_DATA = (96, 100, 104)
NARROWEST = 0.02
"""Reflectance between black and white at least: on even ground noise would fill the picture otherwise."""


@dataclass(frozen=True)
class PreviewJob:
    """One preview to draw."""

    index: int
    title: str
    product: Path
    tile: str | None
    downsample: int
    output: Path

    @property
    def recipe(self) -> dict[str, Any]:
        """What decides the picture."""
        return {"title": self.title, "product": self.product.name, "downsample": self.downsample}

    def __str__(self) -> str:
        """Name the product, as messages do."""
        return str(self.product)


@dataclass(frozen=True)
class Preview:
    """A picture that is there, and what the page tells of it."""

    index: int
    path: Path
    cloud_cover: float | None
    box: tuple[int, int, int, int]
    """Left, top, right, bottom of the scene in the picture; the rest is the title."""


# ---- one picture -------------------------------------------------------------------------------------------


def draw(job: PreviewJob) -> Preview:
    """Write the preview of one product, unless it is there.

    Raises:
        UserError: the product cannot be read.
    """
    return finished(job) or _draw(job)


def finished(job: PreviewJob) -> Preview | None:
    """Return the preview if the file is there and shows what is wanted."""
    from PIL import Image

    try:
        with Image.open(job.output) as picture:
            facts = json.loads(picture.info[FACTS])
    except (OSError, KeyError, ValueError):  # absent, or not of this program
        return None
    if any(facts.get(key) != value for key, value in job.recipe.items()):
        return None
    return Preview(job.index, job.output, facts["cloud_cover"], tuple(facts["box"]))


def _draw(job: PreviewJob) -> Preview:
    from PIL.PngImagePlugin import PngInfo

    with Safe.open(job.product, job.tile) as safe:
        cloud_cover = safe.cloud_cover
        picture, box = _titled(stretched(decimated(safe, job.downsample)), job.title)
    facts = PngInfo()
    facts.add_text("Title", job.title)
    facts.add_text(FACTS, json.dumps({**job.recipe, "cloud_cover": cloud_cover, "box": box}))
    with atomic.replacing(job.output) as temporary:
        picture.save(temporary, format="PNG", pnginfo=facts)
    return Preview(job.index, job.output, cloud_cover, box)


def decimated(safe: Safe, downsample: int) -> np.ndarray:
    """Return reflectance of about every n-th pixel, float32 (height, width, 3) in the order of BANDS; NaN is no data.

    Raises:
        UserError: a band is missing, or its image damaged.
    """
    import numpy as np

    height, width = (math.ceil(side / downsample) for side in safe.size)
    layers = []
    for band in BANDS:
        numbers = safe.digital_numbers(band, shape=(height, width))
        quantification, offset = safe.scale(band)
        layers.append(np.where(numbers == NODATA, np.nan, (numbers + np.float32(offset)) / np.float32(quantification)))
    return np.stack(layers, axis=-1).astype(np.float32)


def stretched(reflectance: np.ndarray) -> np.ndarray:
    """Return reflectance as colours, every band between its percentiles 1 and 99.

    Args:
        reflectance: float (height, width, 3), red, green, blue; NaN is no data.

    Returns:
        uint8 (height, width, 3); grey where any band has no data.
    """
    import numpy as np

    from pix2earth.figures.images import stretch

    missing = ~np.isfinite(reflectance).all(axis=-1, keepdims=True)
    low, high = stretch(np.where(missing, np.nan, reflectance))
    spare = np.maximum(NARROWEST - (high - low), 0) / 2
    low, high = low - spare, high + spare
    scaled = np.clip((reflectance - low) / (high - low), 0, 1) * 255
    return np.where(missing, np.array(NO_DATA), np.nan_to_num(scaled).round()).astype(np.uint8)


def _titled(colours: np.ndarray, title: str) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """Return the picture below its title, and its (left, top, right, bottom)."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(16)
    height, width = colours.shape[:2]
    canvas = Image.new("RGB", (max(width, round(font.getlength(title)) + 16), height + TITLE_HEIGHT), GROUND)
    left = (canvas.width - width) // 2
    canvas.paste(Image.fromarray(colours), (left, TITLE_HEIGHT))
    ImageDraw.Draw(canvas).text((canvas.width / 2, TITLE_HEIGHT / 2), title, INK, font, anchor="mm")
    return canvas, (left, TITLE_HEIGHT, left + width, TITLE_HEIGHT + height)


# ---- all pictures ------------------------------------------------------------------------------------------


def plan(
    table: pd.DataFrame, root: Path, folder: Path, overlap: float, downsample: int
) -> tuple[list[PreviewJob], list[str]]:
    """Return a job for every scene that is covered enough, and a line for each whose product is not there."""
    jobs: list[PreviewJob] = []
    failures: list[str] = []
    for row in inventory.candidates(table, overlap).to_dict("records"):
        index, title = row["index"], f"{row['index']}: {row['year']}-{row['month']:02d}"
        try:
            product = inventory.locate(root, row["s2"])
        except UserError as error:
            failures += error.lines
            continue
        # Before December 2016 a product has many tiles and its name none; the inventory is of one.
        tile = tile_code(product.name) or tile_code(folder.name)
        jobs.append(PreviewJob(index, title, product, tile, downsample, folder / f"{index}.png"))
    return jobs, failures


def remove_others(folder: Path, jobs: Sequence[PreviewJob]) -> None:
    """Remove previews of this program that belong to another choice of scenes, and what a kill has left unfinished."""
    from PIL import Image

    for unfinished in folder.glob(f".*.png.*{atomic.TEMPORARY_SUFFIX}"):
        unfinished.unlink()
    wanted = {job.output for job in jobs}
    for path in folder.glob("*.png"):
        if path not in wanted and path.stem.isdecimal():
            with Image.open(path) as picture:
                ours = FACTS in picture.info
            if ours:
                path.unlink()


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"must be a share between 0 and 1, such as 0.5, not {text}")
    return share


@reports_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Draw the previews of an inventory and write the page."""
    arguments = argparse.ArgumentParser(
        prog="preprocessing/30_create_s2pngs.py",
        description="Draw a preview of every Sentinel-2 scene of an inventory, and a page to choose scenes from.",
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for data_root and s2_root")
    arguments.add_argument("--inventory", required=True, help="name of the inventory, such as inv_T17XNA_10h")
    arguments.add_argument(
        "--overlap", type=_share, default=0.5, help="least share of a scene that a frame covers (default 0.5)"
    )
    arguments.add_argument(
        "--downsample", type=parallel.whole_number, default=20, metavar="N", help="every N-th pixel (default 20)"
    )
    arguments.add_argument("--seed", type=int, default=0, help="taken by every step; this one draws nothing")
    parallel.add_options(arguments)
    options: Any = arguments.parse_args(argv)
    environment = Environment(options.env)
    file = inventory.file(environment, options.inventory)
    root = inventory.product_root(environment, "s2_root")
    folder = file.with_suffix("")
    table = inventory.read(file)
    jobs, absent = plan(table, root, folder, options.overlap, options.downsample)
    folder.mkdir(exist_ok=True)
    remove_others(folder, jobs)
    atomic.write_json(
        folder / CONFIG, {"inventory": file.stem, "overlap": options.overlap, "downsample": options.downsample}
    )
    present = [preview for job in jobs if (preview := finished(job))]
    there = {preview.index for preview in present}
    drawn, failures = parallel.each(
        draw, [job for job in jobs if job.index not in there], title="previews", unit="scenes",
        workers=options.workers, scheduler=options.scheduler,
    )  # fmt: skip
    from preprocessing.scenes import preview_page

    page = preview_page.build(
        file.stem, table, sorted(present + drawn, key=lambda preview: preview.index), options.overlap
    )
    atomic.write_text(folder / "index.html", page)
    print(f"{folder / 'index.html'}: {len(present) + len(drawn)} scenes ({len(drawn)} drawn now); choose in a browser")
    return parallel.report(absent + failures, "scenes")
