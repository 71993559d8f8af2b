"""Selection of the best checkpoint: the samples that decide it. Imports no TensorFlow.

These are the split val. Where a dataset has none, a part of the training samples is held out, by blocks of ground or by
dates; where that is not possible, the samples are those of test, and their scores are too good.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pix2earth.batches.deciding_samples import PART, DecidingSamples
from pix2earth.records.metadata import acquisition_times, read_metadata
from pix2earth.records.splitting.leaks import GroundExtent, sharing_ground
from pix2earth.records.splitting.splits import Shares, by_group
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from pix2earth.batches.dataset import Dataset

SHARE = 0.1
"""The share of the training samples that is held out."""
LIMIT = 1 / 3
"""The largest share that may be held out: with few blocks or dates, one of them can be much."""
BLOCKS = (4, 2, 1)
"""Sides of blocks in tiles, the first that gives enough blocks is used."""


def choose(dataset: Dataset, recorded: Mapping[str, Any] | None = None) -> DecidingSamples:
    """Return the samples that decide which checkpoint of a run is the best.

    Args:
        dataset: of the run.
        recorded: entry ``selection`` of the run that is restored, which keeps its samples; empty where it was not
            recorded; None for a new run.

    Raises:
        UserError: the dataset has neither val nor test, or a record is damaged.
    """
    if recorded:
        return _recorded(dataset, recorded)
    if dataset.has("val"):
        return DecidingSamples("val")
    if not dataset.has("test"):
        raise UserError(
            f"{dataset.listing.folder}: has no samples in val/ or test/: sample images and validation need"
            " held-out samples; write the dataset with a split for them"
        )
    if recorded is not None:
        return DecidingSamples("test", detail="as when the run was started")
    return _part(dataset) or DecidingSamples(
        "test", detail="neither blocks of ground nor dates of training samples are known"
    )


def _recorded(dataset: Dataset, entry: Mapping[str, Any]) -> DecidingSamples:
    """Return a recorded selection without the samples that the dataset no longer has.

    Raises:
        UserError: the dataset has none of the samples.
    """
    training = set(dataset.listing.names("train"))
    found = DecidingSamples(
        entry["split"], [name for name in entry["samples"] if name in training],
        [name for name in entry.get("left_out", []) if name in training], entry.get("detail", ""),
    )  # fmt: skip
    if (found.split == PART and not found.samples) or (found.split != PART and not dataset.has(found.split)):
        raise UserError(
            f"{dataset.listing.folder}: has none of the samples of {found.split} by which the run selects its best"
            " checkpoint; start a new run"
        )
    return found


def _part(dataset: Dataset) -> DecidingSamples | None:
    """Return a part of the training samples, drawn by the seed; None where no blocks and no dates are known."""
    if dataset.manifest.legacy:
        return None
    names = dataset.candidates("train")
    metadata = {name: read_metadata(dataset.listing.path("train", name)) for name in names}
    seed = dataset.experiment.SEED
    if all(content.get("crs") and content.get("transform") for content in metadata.values()):
        side = dataset.manifest.fields[dataset.manifest.target].size[0]
        extents = [
            GroundExtent("train", name, "", content["crs"], content["transform"]) for name, content in metadata.items()
        ]
        for length in BLOCKS:
            held = _drawn({extent.name: _block(extent, side, length) for extent in extents}, seed)
            if held is None:
                continue
            others = [extent for extent in extents if extent.name not in held]
            left_out = sharing_ground(others, [extent for extent in extents if extent.name in held], side)
            if len(held) + len(left_out) <= max(1, LIMIT * len(names)):
                blocks = f"blocks of {length} x {length} tiles" if length > 1 else "single tiles"
                return DecidingSamples(PART, held, left_out, f"{blocks}, drawn with seed {seed}")
    dates = {name: date for name, content in metadata.items() if (date := _date(content, dataset.manifest.target))}
    held = _drawn(dates, seed) if len(dates) == len(names) else None
    return None if held is None else DecidingSamples(PART, held, [], f"whole dates, drawn with seed {seed}")


def _date(metadata: Mapping[str, Any], target: str) -> str:
    """Return the day of a sample's target, else that of another field; "" where none is known."""
    times = acquisition_times(metadata, target) or acquisition_times(metadata) or [""]
    return times[0][:10]


def _drawn(groups: Mapping[str, str], seed: int) -> list[str] | None:
    """Return the sorted names in the groups that are held out, or None where there are too few groups."""
    splits = by_group(groups, Shares(1 - SHARE), seed)
    held = [name for name, group in groups.items() if splits and splits[group] == "val"]
    return sorted(held) if 0 < len(held) <= LIMIT * len(groups) else None


def _block(extent: GroundExtent, side: int, length: int) -> str:
    """Return the block of ground that the centre of a tile lies in.

    Args:
        extent: of the tile.
        side: of a tile in pixels.
        length: side of a block in tiles.
    """
    a, b, c, d, e, f = extent.transform
    x, y = (a + b) * side / 2 + c, (d + e) * side / 2 + f
    size = length * side * math.hypot(a, d)
    return f"{extent.crs} {math.floor(x / size)} {math.floor(y / size)}"
