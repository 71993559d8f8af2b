"""Plan step 40: check the options, find the products, and list a job for each pair."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pix2earth.settings.errors import UserError
from preprocessing.scenes import inventory
from preprocessing.scenes.selection import SelectedPair, best_pairs, read_selection
from preprocessing.tiles.cutting_jobs import CutJob, Draw
from sensors.masks.vector_masks import find_mask, read_mask

if TYPE_CHECKING:
    from experiment import Environment

TILES, MASKS = "_tif", "_masks"


class CutRequest(NamedTuple):
    """The options of the command line."""

    selection: str
    draw: Draw
    quantity: int
    overlap: float

    def check(self) -> None:
        """Check the options before any file is read.

        Raises:
            UserError: one line for each invalid option.
        """
        lines = []
        if self.draw.tilesize < 1:
            lines.append(f"--tilesize {self.draw.tilesize}: must be at least 1")
        if self.quantity < 1:
            lines.append(f"--quantity {self.quantity}: must be at least 1")
        for option, value in (("--overlap", self.overlap), ("--visible", self.draw.visible)):
            if not 0 < value <= 1:
                lines.append(f"{option} {value:g}: must be a share above 0 and at most 1")
        if not 0 <= self.draw.tile_overlap < 1:
            lines.append(f"--max-tile-overlap {self.draw.tile_overlap:g}: must be a share of at least 0 and below 1")
        if lines:
            raise UserError(*lines)


def plan(environment: Environment, request: CutRequest) -> tuple[list[CutJob], list[str]]:
    """Return a job for every pair of the selection, and a line for every scene that cannot be cut.

    Raises:
        UserError: an option is wrong, or selection, inventory or a mask is missing or wrong.
    """
    request.check()
    folder = inventory.folder(environment)
    selection = read_selection(folder, request.selection)
    masks = tuple(find_mask(Path(environment.DATA_ROOT) / MASKS, name) for name in request.draw.masks)
    for mask in masks:
        read_mask(mask)  # an invalid mask is reported once, before any product is opened
    s2_root, s3_root = (inventory.product_root(environment, key) for key in ("s2_root", "s3_root"))
    table = inventory.read(inventory.file(environment, selection.inventory))
    measure = functools.partial(_overlap, s2_root, s3_root)
    pairs, failures = best_pairs(selection.s2_indices, table, request.overlap, measure)
    jobs = []
    for pair in pairs:
        try:
            products = inventory.locate(s2_root, pair.s2), inventory.locate(s3_root, pair.s3)
        except UserError as error:
            failures += error.lines
            continue
        jobs.append(_job(environment, request, selection.inventory, masks, pair, products))
    return jobs, failures


def _job(
    environment: Environment, request: CutRequest, name: str, masks: tuple[Path, ...], pair: SelectedPair,
    products: tuple[Path, Path],
) -> CutJob:  # fmt: skip
    """Return the job of a pair."""
    tiles = Path(environment.DATA_ROOT) / TILES / name / str(request.draw.tilesize)
    review = inventory.folder(environment) / request.selection
    return CutJob(pair, *products, name, request.draw, request.quantity, masks, tiles, review)


def _overlap(s2_root: Path, s3_root: Path, s2: str, s3: str) -> float:
    """Return the share of a scene's footprint that a frame covers, from the products themselves."""
    from sensors.footprints import overlap
    from sensors.sentinel2 import Safe
    from sensors.sentinel3 import Sen3

    scene, frame = Safe.open(inventory.locate(s2_root, s2)), Sen3.open(inventory.locate(s3_root, s3))
    return overlap(scene.footprint, frame.footprint)
