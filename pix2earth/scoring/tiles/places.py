"""Where evaluated tiles lie and to which block they belong: ``places.csv``, for the statistics of ``compare.py``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.records.manifest import Manifest
from pix2earth.records.metadata import acquisition_times, read_metadata
from pix2earth.records.splitting.splits import BLOCK
from pix2earth.scoring.tiles.tile_folder import PLACES
from pix2earth.settings import atomic
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from pix2earth.records.listing import Listing

COLUMNS = ("tile", "unit", "block", "x", "y", "crs", "hidden")
UNITS = {
    "sequence": "sequences of one place",
    "scene": "scenes",
    "block": f"blocks of {BLOCK} x {BLOCK} tiles",
    "date": "dates",
    "tile": "single tiles, because records state neither place nor date",
}
"""What a block is, in words."""


def unit_of(name: str, metadata: Mapping[str, Any], manifest: Manifest) -> tuple[str, str]:
    """Return what counts as independent of the other tiles: one of ``UNITS``, and its name.

    Args:
        name: of the sample.
        metadata: of its record; empty where there is none.
        manifest: of the dataset.
    """
    if manifest.sequence and (match := re.fullmatch(manifest.sequence, name)):
        return "sequence", match["sequence"]
    if manifest.split.method == "scene":  # of synthetic data: samples of a scene are numbered
        return "scene", name.rpartition("_")[0] or name
    if centre := _centre(metadata, manifest):
        a, _, _, d, _, _ = metadata["transform"]
        side = BLOCK * manifest.fields[manifest.target].size[1] * math.hypot(a, d)
        return "block", f"{metadata['crs']} {math.floor(centre[0] / side)} {math.floor(centre[1] / side)}"
    if times := acquisition_times(metadata):
        return "date", times[0][:10]
    return "tile", name


def _centre(metadata: Mapping[str, Any], manifest: Manifest) -> tuple[float, float] | None:
    """Return x and y of the centre of a tile in its CRS, or None where its record does not state them."""
    if not metadata.get("crs") or not metadata.get("transform"):
        return None
    a, b, c, d, e, f = metadata["transform"]
    height, width = manifest.fields[manifest.target].size
    return a * width / 2 + b * height / 2 + c, d * width / 2 + e * height / 2 + f


def write(folder: Path, listing: Listing, split: str, names: Iterable[str]) -> None:
    """Write ``places.csv``; lines of samples that it has already are kept.

    Args:
        folder: of the samples.
        listing: of the dataset.
        split: of the samples.
        names: of the samples.

    Raises:
        UserError: a record is damaged.
    """
    import pandas as pd

    known = load(folder)
    missing = [name for name in names if known is None or name not in known.index]
    if not missing:
        return
    table = pd.DataFrame([_row(listing, split, name) for name in missing], columns=list(COLUMNS))
    if known is not None:
        table = pd.concat([known.reset_index(), table]).sort_values("tile")
    with atomic.replacing(folder / PLACES) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def _row(listing: Listing, split: str, name: str) -> dict[str, Any]:
    manifest, path = listing.manifest, listing.path(split, name)
    metadata = {} if manifest.legacy else read_metadata(path)
    unit, block = unit_of(name, metadata, manifest)
    x, y = _centre(metadata, manifest) or (math.nan, math.nan)
    crs = (metadata.get("crs") or "") if x == x else ""
    return dict(zip(COLUMNS, (name, unit, block, x, y, crs, _hidden(path, manifest)), strict=True))


def _hidden(path: Path, manifest: Manifest) -> float:
    """Return the share of hidden pixels, such as those below clouds, over all time steps; NaN where not stored."""
    from pix2earth.records.format import read

    field, stored = manifest.score_by or manifest.hidden_field, manifest.as_stored
    if stored.legacy or field is None or field not in stored.fields_of(stored.pool_of(path.stem)):
        return math.nan
    return float((read(path, stored)[0][field] > 0).mean())


def hidden_shares(listing: Listing, split: str, names: Iterable[str]) -> pd.Series:
    """Return the share of hidden pixels of samples, from 0 to 1, by their names; NaN where records do not state it.

    Args:
        listing: of the dataset.
        split: of the samples.
        names: of the samples.

    Raises:
        UserError: a record is damaged.
    """
    import pandas as pd

    return pd.Series({name: _hidden(listing.path(split, name), listing.manifest) for name in names}, dtype=float)


def load(folder: Path) -> pd.DataFrame | None:
    """Return ``places.csv`` indexed by tile, or None where there is none.

    Raises:
        UserError: it cannot be read.
    """
    import pandas as pd

    path = folder / PLACES
    if not path.is_file():
        return None
    text = {column: str for column in ("tile", "unit", "block", "crs")}
    numbers = {column: [""] for column in ("x", "y", "hidden")}
    try:
        table = pd.read_csv(path, dtype=text, na_values=numbers, keep_default_na=False)
        return table[list(COLUMNS)].set_index("tile")
    except (ValueError, KeyError, OSError) as error:
        raise UserError(f"{path}: is damaged ({error}); remove it and evaluate a run again") from None
