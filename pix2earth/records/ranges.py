"""Measured ranges of a dataset's bands, and the valid ranges that they suggest."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from pix2earth.console.progress import tracked
from pix2earth.records.listing import Listing
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import UserError

PERCENTILES = (0.1, 1.0, 50.0, 99.0, 99.9)
MOST_PIXELS = 1_000_000  # of a field, from which percentiles are computed; 21 bands of float32 take 84 MB


class BandRange(NamedTuple):
    """Measured values of a band.

    Attributes:
        nodata, not_finite: shares of all pixels, 0 to 1; pixels that are both count as nodata.
        lowest, highest: of the other pixels, in physical units; NaN where there is none.
        percentiles: at ``PERCENTILES``, of the other pixels.
    """

    nodata: float
    not_finite: float
    lowest: float
    highest: float
    percentiles: tuple[float, ...]


def measured(field: Field, arrays: Sequence[np.ndarray]) -> list[BandRange]:
    """Measure each band of a field over all its pixels and time steps.

    Args:
        field: the manifest's description.
        arrays: of samples as stored, each of ``field.shape``. Where they have more than ``MOST_PIXELS`` pixels,
            percentiles are computed from so many drawn at random (always the same), everything else from all.
    """
    bands, share = len(field.bands), max(1, MOST_PIXELS // len(arrays))
    nodata, not_finite, pixels = np.zeros(bands, np.int64), np.zeros(bands, np.int64), 0
    lowest, highest, drawn = np.full(bands, np.inf), np.full(bands, -np.inf), []
    for number, array in enumerate(arrays):
        stored = array.reshape(-1, bands)
        empty = stored == field.nodata if field.nodata is not None else np.zeros(stored.shape, bool)
        missing = empty | ~np.isfinite(stored)
        physical = np.where(missing, np.nan, stored.astype(np.float64) * field.scale + field.offset)
        pixels += len(stored)
        nodata += empty.sum(axis=0)
        not_finite += (missing & ~empty).sum(axis=0)
        lowest, highest = np.fmin(lowest, np.fmin.reduce(physical)), np.fmax(highest, np.fmax.reduce(physical))
        if len(stored) > share:
            physical = np.random.default_rng(number).choice(physical, share, replace=False, shuffle=False)
        drawn.append(physical.astype(np.float32))
    chosen = np.concatenate(drawn)
    return [
        BandRange(
            nodata[band] / pixels, not_finite[band] / pixels, *_extent(lowest[band], highest[band], chosen[:, band])
        )
        for band in range(bands)
    ]


def _extent(lowest: float, highest: float, values: np.ndarray) -> tuple[float, float, tuple[float, ...]]:
    """Return lowest, highest and percentiles of a band; NaN where it has no measurement."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return math.nan, math.nan, (math.nan,) * len(PERCENTILES)
    return float(lowest), float(highest), tuple(float(value) for value in np.percentile(finite, PERCENTILES))


def proposed(band: BandRange) -> tuple[float, float] | None:
    """Return a valid range for a band: its first to its last percentile, rounded outwards.

    Returns:
        (low, high) in physical units, with two significant digits of the width; None where the band has no measurement
        or a single value.
    """
    low, high = band.percentiles[0], band.percentiles[-1]
    if not high > low:
        return None
    digits = 1 - math.floor(math.log10(high - low))
    step = 10.0**-digits
    # An end that is a multiple of the step but for rounding stays as it is.
    ends = math.floor(low / step + 1e-4) * step, math.ceil(high / step - 1e-4) * step
    return round(ends[0], digits), round(ends[1], digits)


def proposals(fields: Mapping[str, Field], results: Mapping[str, Sequence[BandRange]]) -> dict[str, str]:
    """Return a line with a ``valid_range`` for each image field, or with the bands that prevent one.

    Bands of the same name and units have one range in all fields: networks copy them from input to output.

    Args:
        fields: the manifest's descriptions by name.
        results: of each field, as ``measured`` returns them, in the order of its bands.
    """
    images = {name: field for name, field in fields.items() if field.kind == "image"}
    found: dict[tuple[str, str], list[tuple[float, float] | None]] = {}
    for name, field in images.items():
        for band, result in zip(field.bands, results[name], strict=True):
            found.setdefault((band, field.units), []).append(proposed(result))
    lines = {}
    for name, field in images.items():
        empty = [band for band, result in zip(field.bands, results[name], strict=True) if proposed(result) is None]
        if empty:
            lines[name] = f"{name}: no range for {', '.join(empty)}: no measurement, or a single value"
            continue
        known = [[each for each in found[band, field.units] if each is not None] for band in field.bands]
        low, high = [min(ends)[0] for ends in known], [max(end for _, end in ends) for ends in known]
        one = len({*zip(low, high, strict=True)}) == 1
        lines[name] = f'{name}: "valid_range": {json.dumps([low[0], high[0]] if one else [low, high])}'
    return lines


def show(listing: Listing, samples: int) -> None:
    """Print a table of measured ranges of all fields, and a ``valid_range`` for each image; the dataset is only read.

    Args:
        listing: the dataset.
        samples: number of training samples that are read, evenly over their names.

    Raises:
        UserError: there are no training samples, or a record is damaged.
    """
    from pix2earth.records import format

    names = listing.names("train")
    if not names:
        raise UserError(f"{listing.folder}: there are no training samples to measure")
    chosen = [names[index] for index in np.unique(np.linspace(0, len(names) - 1, min(samples, len(names))).astype(int))]
    arrays: dict[str, list[np.ndarray]] = {field_name: [] for field_name in listing.manifest.fields}
    try:
        for name in tracked(chosen, "measure", len(chosen), "records"):
            fields, _ = format.read(listing.path("train", name), listing.manifest)
            for field_name, array in fields.items():
                arrays[field_name].append(array)
    except (OSError, ValueError) as error:
        raise UserError(f"{error}; 'python dataset.py verify {listing.folder}' lists all damaged records") from error
    for field_name, of_field in arrays.items():
        if not of_field:
            raise UserError(f"{listing.folder}: none of the {len(chosen)} samples holds {field_name}; raise --samples")
    console = Console(width=None if Console().is_terminal else 200, highlight=False)
    print(f"{len(chosen)} of {len(names)} training samples")
    results = {name: measured(field, arrays[name]) for name, field in listing.manifest.fields.items()}
    console.print(_table(listing, results))
    for line in proposals(listing.manifest.fields, results).values():
        print(line)


def _table(listing: Listing, results: dict[str, list[BandRange]]) -> Table:
    """Return a table with a row for each band of each field."""
    columns = ("field", "band", "units", "nodata", "not finite", "lowest", *(f"{each:g} %" for each in PERCENTILES))
    table = Table(*columns, "highest", "valid_range", box=None)
    for name, bands in results.items():
        field = listing.manifest.fields[name]
        for band, low, high, result in zip(field.bands, *field.bounds, bands, strict=True):
            stated = f"{low:g} to {high:g}" if field.valid_range else "-"
            numbers = [f"{value:.4g}" for value in (result.lowest, *result.percentiles, result.highest)]
            shares = [f"{100 * share:.1f} %" for share in (result.nodata, result.not_finite)]
            table.add_row(name, band, field.units, *shares, *numbers, stated)
    return table
