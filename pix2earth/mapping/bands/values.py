"""Whether the values of an input can be those that a network was trained on."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import numpy as np

from pix2earth.records.field import Field
from pix2earth.settings.errors import UserError

REPORTED, REFUSED = 0.01, 0.5
"""Shares of the pixels that lie far outside of the field's range, from which a line says so, and which are refused."""

SMALL, TINY = 0.5, 0.1
"""Shares of the field's range that all 8-bit numbers cover, below which a line says so, and which are refused."""


def check_values(place: str, stored: np.ndarray, field: Field, advice: str) -> None:
    """Report values far outside of the range of a field: by more than the range is wide.

    Digital numbers where reflectance is expected lie thousands of times outside of it; the network would be applied to
    them without an error. A field that states no range is not compared.

    Args:
        place: of the values, for the message.
        stored: numbers as the dataset stores them, (..., band), NaN where missing; a sample is sufficient.
        field: of the dataset.
        advice: what to do about values in another unit.

    Raises:
        UserError: it is more than half of the pixels.
    """
    known = np.isfinite(stored)
    if field.kind != "image" or field.valid_range is None or not known.any():
        return
    values = stored.astype(np.float64) * field.scale + field.offset
    low, high = (np.resize(bound, stored.shape[-1]) for bound in field.bounds)
    far = known & ((values < 2 * low - high) | (values > 2 * high - low))
    share = far.sum() / known.sum()
    if share < REPORTED:
        return
    found = f"{place}: {share:.0%} of its values lie far outside of {low.min():g} to {high.max():g}"
    units = f" {field.units}" if field.units not in ("", "1") else ""
    found += f"{units}, the range of the training (such as {values[far][0]:.6g}{units})"
    if share > REFUSED:
        raise UserError(f"{found}; {advice}")
    print(f"{found}: expect artefacts", file=sys.stderr)


def check_picture(place: str, dtypes: Iterable[str], field: Field, advice: str) -> None:
    """Report 8-bit numbers that can be no measurements of a field, such as a picture of reflectance for the screen.

    Taken for the numbers of a dataset with 16 bits, they lie inside of its range, in a narrow part of it.

    Args:
        place: of the numbers, for the message.
        dtypes: of the bands in the file, which are taken as numbers that the dataset stores.
        field: of the dataset.
        advice: what to do about values in another unit.

    Raises:
        UserError: all of them cover less than a tenth of the range.
    """
    if field.kind != "image" or set(dtypes) != {"uint8"} or field.dtype == "uint8":
        return
    found = f"{place}: holds 8-bit numbers, where the dataset stores {field.dtype}"
    if field.valid_range is None:
        print(f"{found}: expect artefacts if it is a picture for the screen", file=sys.stderr)
        return
    low, high = (np.asarray(bound) for bound in field.bounds)
    share = (255 * abs(field.scale) / (high - low)).max()
    ends = sorted((field.offset, 255 * field.scale + field.offset))
    units = f" {field.units}" if field.units not in ("", "1") else ""
    found += f", and becomes {ends[0]:.4g} to {ends[1]:.4g}{units} of {low.min():g} to {high.max():g}{units}"
    if share < TINY:
        raise UserError(f"{found}, as a picture for the screen would; {advice}")
    if share < SMALL:
        print(f"{found}: expect artefacts if it is a picture for the screen", file=sys.stderr)
