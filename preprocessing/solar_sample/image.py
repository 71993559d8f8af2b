"""The image of TRACE in ``samples/``, and the blocks by which it is split."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pix2earth.image_files.reading import read_image_file
from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.splitting.grid_splits import block_splits
from pix2earth.settings.errors import UserError
from preprocessing.sample_scenes import SAMPLES

if TYPE_CHECKING:
    import numpy as np

    from pix2earth.image_files.image_file import ImageFile

PATH = SAMPLES / "trace_171" / "trace_1998-05-19T222143_171_1024.fits"
FACTOR = 4
TILESIZE = 64
GSD = 0.5 * 725_000.0
"""Metres on the Sun of a pixel of 0.5 arcsec at the centre of the disk, from a distance of 1 astronomical unit."""
SEED = 0
DEGRADATION = Degradation(kind="average", factor=FACTOR)


class SunTile(NamedTuple):
    """A square of the image; row and column of its first pixel, in the order of the file."""

    name: str
    split: str
    row: int
    column: int


def image() -> ImageFile:
    """Return the image.

    Raises:
        UserError: it is missing or damaged.
    """
    if not PATH.is_file():
        raise UserError(f"{PATH}: is missing; restore it from the repository")
    return read_image_file(PATH)


def tiles(size: tuple[int, int]) -> list[SunTile]:
    """Return all tiles of an image of ``size``; the splits are blocks of 2 x 2 tiles."""
    rows, columns = (side // TILESIZE for side in size)
    return [
        SunTile(f"trace_r{row:02d}_c{column:02d}", split, row * TILESIZE, column * TILESIZE)
        for (row, column), split in block_splits(rows, columns, SEED).items()
    ]


def averaged(values: np.ndarray) -> np.ndarray:
    """Return an image averaged 4 x 4, float32 (height, width, band)."""
    from pix2earth.records.degradation import degraded

    return degraded(values, DEGRADATION).astype("float32")
