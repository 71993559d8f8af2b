"""Step 30: draw a preview of every scene of an inventory that a frame covers, and write the page to select scenes.

Images are decimated while they are read: of a JPEG 2000 file only the coarser resolution levels are decoded.
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
from pix2earth.console.arguments import CommandArguments
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError, reports_errors
from preprocessing import parallel
from preprocessing.scenes import inventory, preview_page
from preprocessing.scenes.preview_page import Preview
from sensors.sentinel2 import Safe
from sensors.sentinel2_layout import NODATA, tile_code

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from PIL import Image

BANDS = ("B04", "B03", "B02")
CONFIG = "_config.json"
TITLE_HEIGHT = 28
METADATA_KEY = "pix2earth"
"""Key of the text in a PNG with the settings that it was drawn with, so that it need not be drawn again."""
BACKGROUND = (246, 247, 245)
INK = (30, 34, 32)
NODATA_COLOUR = (96, 100, 104)
CONTRAST = "reflectance 0 to 0.3, gamma 1.4"
"""How all previews are shown; those that were drawn otherwise are drawn again."""


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
    def settings(self) -> dict[str, Any]:
        """The settings that the pixels depend on, as they are stored in the PNG."""
        shown = {"title": self.title, "product": self.product.name, "downsample": self.downsample}
        return shown | {"contrast": CONTRAST}

    def __str__(self) -> str:
        """Return the product's path, for messages."""
        return str(self.product)


# ---- one preview -------------------------------------------------------------------------------------------


def draw(job: PreviewJob) -> Preview:
    """Write the preview of one product, unless it exists.

    Raises:
        UserError: the product cannot be read.
    """
    return finished(job) or _draw(job)


def finished(job: PreviewJob) -> Preview | None:
    """Return the preview if its file exists and was drawn with the settings of the job."""
    from PIL import Image

    try:
        with Image.open(job.output) as image:
            metadata = json.loads(image.info[METADATA_KEY])
    except (OSError, KeyError, ValueError):  # missing, or of another program
        return None
    if any(metadata.get(key) != value for key, value in job.settings.items()):
        return None
    return Preview(job.index, job.output, metadata["cloud_cover"], tuple(metadata["box"]))


def _draw(job: PreviewJob) -> Preview:
    from PIL.PngImagePlugin import PngInfo

    with Safe.open(job.product, job.tile) as safe:
        cloud_cover = safe.cloud_cover
        image, box = _titled(shown_colours(decimated(safe, job.downsample)), job.title)
    texts = PngInfo()
    texts.add_text("Title", job.title)
    texts.add_text(METADATA_KEY, json.dumps({**job.settings, "cloud_cover": cloud_cover, "box": box}))
    with atomic.replacing(job.output) as temporary:
        image.save(temporary, format="PNG", pnginfo=texts)
    return Preview(job.index, job.output, cloud_cover, box)


def decimated(safe: Safe, downsample: int) -> np.ndarray:
    """Return reflectance of about every n-th pixel, float32 (height, width, 3) in the order of BANDS; NaN is nodata.

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


def shown_colours(reflectance: np.ndarray) -> np.ndarray:
    """Return reflectance as colours, with one contrast for all scenes.

    Args:
        reflectance: float (height, width, 3), red, green, blue; NaN is nodata.

    Returns:
        uint8 (height, width, 3); grey where any band is nodata.
    """
    import numpy as np

    from pix2earth.figures.panels.contrast import GAMMA, VISIBLE, Contrast, coloured

    missing = ~np.isfinite(reflectance).all(axis=-1, keepdims=True)
    colours = coloured(reflectance, Contrast(*VISIBLE, GAMMA, CONTRAST))
    return np.where(missing, np.array(NODATA_COLOUR, np.uint8), colours)


def _titled(colours: np.ndarray, title: str) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """Return an image of the scene below its title, and the scene's (left, top, right, bottom) in it."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(16)
    height, width = colours.shape[:2]
    canvas = Image.new("RGB", (max(width, round(font.getlength(title)) + 16), height + TITLE_HEIGHT), BACKGROUND)
    left = (canvas.width - width) // 2
    canvas.paste(Image.fromarray(colours), (left, TITLE_HEIGHT))
    ImageDraw.Draw(canvas).text((canvas.width / 2, TITLE_HEIGHT / 2), title, INK, font, anchor="mm")
    return canvas, (left, TITLE_HEIGHT, left + width, TITLE_HEIGHT + height)


# ---- all previews ------------------------------------------------------------------------------------------


def plan(
    table: pd.DataFrame, root: Path, folder: Path, overlap: float, downsample: int
) -> tuple[list[PreviewJob], list[str]]:
    """Return a job for every scene that a frame covers by ``overlap``, and a line for each missing product."""
    jobs: list[PreviewJob] = []
    failures: list[str] = []
    for row in inventory.candidates(table, overlap).to_dict("records"):
        index, title = row["index"], f"{row['index']}: {row['year']}-{row['month']:02d}"
        try:
            product = inventory.locate(root, row["s2"])
        except UserError as error:
            failures += error.lines
            continue
        # Before December 2016 a product has many tiles and its name no tile code; the inventory's name has one.
        tile = tile_code(product.name) or tile_code(folder.name)
        jobs.append(PreviewJob(index, title, product, tile, downsample, folder / f"{index}.png"))
    return jobs, failures


def remove_others(folder: Path, jobs: Sequence[PreviewJob]) -> None:
    """Remove previews of this program of other scenes, and temporary files of a killed process."""
    from PIL import Image

    for unfinished in folder.glob(f".*.png.*{atomic.TEMPORARY_SUFFIX}"):
        unfinished.unlink()
    outputs = {job.output for job in jobs}
    for path in folder.glob("*.png"):
        if path not in outputs and path.stem.isdecimal():
            with Image.open(path) as image:
                is_preview = METADATA_KEY in image.info
            if is_preview:
                path.unlink()


def _share(text: str) -> float:
    """Return a share between 0 and 1 from the command line."""
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
    arguments = CommandArguments(
        prog="preprocessing/30_create_s2pngs.py",
        description="Draw a preview of every Sentinel-2 scene of an inventory, and a page to choose scenes from.",
    )
    arguments.add_argument("--env", metavar="PATH", help="environment.json, for data_root and s2_root")
    arguments.add_argument("--inventory", required=True, help="name of the inventory, such as inv_T17XNA_10h")
    arguments.add_argument(
        "--overlap", type=_share, default=0.5, help="smallest share of a scene that a frame covers (default 0.5)"
    )
    arguments.add_argument(
        "--downsample", type=parallel.positive_integer, default=20, metavar="N", help="every N-th pixel (default 20)"
    )
    arguments.add_argument("--seed", type=int, default=0, help="accepted by every step; this one draws nothing")
    parallel.add_options(arguments)
    options: Any = arguments.parse_args(argv)
    environment = Environment(options.env)
    file = inventory.file(environment, options.inventory)
    root = inventory.product_root(environment, "s2_root")
    folder = file.with_suffix("")
    table = inventory.read(file)
    jobs, missing = plan(table, root, folder, options.overlap, options.downsample)
    folder.mkdir(exist_ok=True)
    remove_others(folder, jobs)
    atomic.write_json(
        folder / CONFIG, {"inventory": file.stem, "overlap": options.overlap, "downsample": options.downsample}
    )
    existing = [preview for job in jobs if (preview := finished(job))]
    indices = {preview.index for preview in existing}
    drawn, failures = parallel.each(
        draw, [job for job in jobs if job.index not in indices], title="previews", unit="scenes",
        workers=options.workers, scheduler=options.scheduler,
    )  # fmt: skip
    previews = sorted(existing + drawn, key=lambda preview: preview.index)
    page = preview_page.build(file.stem, table, previews, options.overlap)
    atomic.write_text(folder / "index.html", page)
    print(f"{folder / 'index.html'}: {len(previews)} scenes ({len(drawn)} drawn now); choose in a browser")
    return parallel.report(missing + failures, "scenes")
