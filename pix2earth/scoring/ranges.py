"""Values of samples compared with the valid range that the manifest states for them.

The range scales values for the network, and metrics are relative to it. Where none is stated, 0 to 1 is assumed, which
is wrong for digital numbers, temperatures and backscatter.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pix2earth.records.manifest import FILE, Field, Manifest

OUTSIDE = 0.05
"""Part of the values that may lie outside of a stated range: single bright clouds do."""


def remarks(batch: Mapping[str, Any], manifest: Manifest, folder: Path) -> list[str]:
    """Return a line for input and target if no range is stated, or if too many values lie outside of it.

    Args:
        batch: fields as stored, with a batch axis.
        manifest: describes them.
        folder: of the dataset.
    """
    lines = []
    for name in dict.fromkeys([manifest.input, manifest.target]):
        field = manifest.fields[name]
        if field.kind == "image" and name in batch and (problem := _problem(np.asarray(batch[name]), field)):
            lines.append(f"{folder / FILE}: fields.{name}.valid_range: {problem}")
    return lines


def _problem(stored: np.ndarray, field: Field) -> str | None:
    """Return what is wrong with the range of a field, or None.

    Args:
        stored: numbers (..., band) as stored.
        field: describes them.
    """
    values = stored.astype(np.float64) * field.scale + field.offset
    measured = np.isfinite(values)
    if field.nodata is not None:
        measured &= stored != field.nodata
    if not measured.any():
        return None
    low, high = (np.broadcast_to(bound, values.shape)[measured] for bound in field.bounds)
    values = values[measured]
    units = "" if field.units in ("", "1") else f" {field.units}"
    observed = f"values of the first samples lie between {values.min():.4g} and {values.max():.4g}{units}"
    outside = ((values < low) | (values > high)).mean()
    if field.valid_range is None:
        known = "" if outside > OUTSIDE else ", which fits them"
        return f"is not stated, and 0 to 1 is assumed{known}; {observed}; state the range that values can have"
    if outside > OUTSIDE:
        text = f"{100 * outside:.0f} % of the values lie outside of {_range(field)}"
        return f"{text}; {observed}; correct the range, or scale and offset"
    return None


def _range(field: Field) -> str:
    """Return the stated range of a field in words."""
    low, high = field.bounds
    units = "" if field.units in ("", "1") else f" {field.units}"
    return f"{min(low):g} to {max(high):g}{units}"
