"""From a tile to the samples of the six datasets: what the generator reads, and what it is to make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pix2earth.records.degradation import degraded_stored
from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.manifest import Field, Manifest, Split
from preprocessing.tiles.tile_rasters import OLCI_BANDS, SENTINEL2_BANDS
from sensors import lexicon

if TYPE_CHECKING:
    from pix2earth.records.writer import DatasetWriter
    from preprocessing.tiles.tile_rasters import Tile

KINDS: dict[str, int | None] = {"cur": None, "alt3": 3, "alt6": 6, "alt12": 12, "alt20": 20, "alt30": 30}
"""The datasets: OLCI's radiance, or Sentinel-2's own bands averaged over so many pixels."""
GSD = 10.0
SCALE, OFFSET = 1e-4, -0.1
"""Reflectance = stored * SCALE + OFFSET: digital numbers of any baseline go in without loss, 0 is free for nodata."""
NO_RADIANCE = -1.0
HIGHEST_RADIANCE = [
    490, 561, 617, 635, 634, 593, 543, 504, 493, 484, 463, 417, 411, 409, 404, 387, 316, 307, 295, 272, 230,
]  # fmt: skip
"""Of each OLCI band, mW m-2 sr-1 nm-1: a white surface under the sun overhead, solar flux of January over pi."""


class Source(NamedTuple):
    """A tile's file, and what decides where its samples go."""

    path: Path
    split: str
    acquired: tuple[str, ...]
    """Times of Sentinel-2 and of OLCI, ISO 8601; empty where nothing tells them."""


def manifest(kind: str, dataset: str, tilesize: int, split: Split, description: str) -> Manifest:
    """Return the manifest of ``<kind>_<dataset>``, without counts and fingerprint."""
    reflectance: dict[str, Any] = {
        "dtype": "uint16", "bands": SENTINEL2_BANDS, "units": "1", "scale": SCALE, "offset": OFFSET, "nodata": 0,
        "valid_range": (0.0, 1.0), "rgb": SENTINEL2_BANDS[::-1],
    }  # fmt: skip
    factor = KINDS[kind]
    if factor is None:
        read = Field(
            dtype="float32", shape=[tilesize, tilesize, len(OLCI_BANDS)], bands=OLCI_BANDS,
            units=lexicon.sensor("olci").bands[0].unit, nodata=NO_RADIANCE,
            valid_range=(0.0, [float(highest) for highest in HIGHEST_RADIANCE]), rgb=["Oa17", "Oa06", "Oa03"],
            gsd=300.0,
        )  # fmt: skip
    else:
        side = coarse_side(tilesize, factor)
        read = Field(shape=[side, side, len(SENTINEL2_BANDS)], gsd=GSD * tilesize / side, **reflectance)
    degradation = None if factor is None else Degradation(kind="average", factor=factor)
    target = Field(shape=[tilesize, tilesize, len(SENTINEL2_BANDS)], gsd=GSD, **reflectance)
    return Manifest(
        name=f"{kind}_{dataset}", tilesize=tilesize, description=description,
        fields={"input_image": read, "target": target}, split=split, degradation=degradation,
    )  # fmt: skip


def coarse_side(tilesize: int, factor: int) -> int:
    """Return the side of an area-averaged tile, rounded down as published: the true factor may be a little larger."""
    return tilesize // factor


def arrays(kind: str, tile: Tile) -> dict[str, np.ndarray]:
    """Return the fields of a tile's sample: "input_image" and "target", as ``manifest`` describes them."""
    target = stored_reflectance(tile.reflectance)
    factor = KINDS[kind]
    if factor is None:
        radiance = np.where(tile.located[..., None] & np.isfinite(tile.radiance), tile.radiance, NO_RADIANCE)
        return {"input_image": radiance.astype(np.float32), "target": target}
    # Of the stored numbers, so that `predict.py --degrade` makes the same of them.
    return {"input_image": degraded_stored(target, Degradation(kind="average", factor=factor)), "target": target}


def stored_reflectance(reflectance: np.ndarray) -> np.ndarray:
    """Return reflectance (..., band) as uint16: NaN becomes 0, the range is -0.0999 to 6.4535."""
    counts = np.rint((reflectance.astype(np.float64) - OFFSET) / SCALE)
    return np.where(np.isfinite(counts), np.clip(counts, 1, 65535), 0).astype(np.uint16)


def write_samples(writers: dict[str, DatasetWriter], source: Source) -> int:
    """Write the samples of a tile into every dataset where they are not there yet.

    Args:
        writers: by kind.
        source: the tile.

    Returns:
        The number of samples written.

    Raises:
        UserError: the tile is damaged.
    """
    from preprocessing.tiles import tile_rasters

    missing = {kind: writer for kind, writer in writers.items() if not writer.valid(source.split, source.path.stem)}
    if not missing:
        return 0
    tile = tile_rasters.read(source.path)
    for kind, writer in missing.items():
        # The alt datasets hold nothing of OLCI, hence no time of it.
        times = source.acquired if KINDS[kind] is None else source.acquired[:1]
        writer.write(
            source.split, source.path.stem, arrays(kind, tile), crs=tile.crs.to_string(),
            transform=tile.transform[:6], acquired=times,
        )  # fmt: skip
    return len(missing)
