"""Pixels of stored fields without a measurement, which figures show as missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pix2earth.records.manifest import Field, Manifest


def missing(stored: np.ndarray, field: Field) -> np.ndarray:
    """Return where any band is nodata or not finite, bool ([time step,] height, width)."""
    found = ~np.isfinite(stored.astype(np.float64))
    if field.nodata is not None:
        found |= stored == field.nodata
    return np.any(found, axis=-1)


def hidden_in_target(arrays: Mapping[str, np.ndarray], manifest: Manifest) -> np.ndarray | None:
    """Return which pixels of the target the manifest's mask hides.

    Args:
        arrays: fields of a sample as stored.
        manifest: of the dataset.

    Returns:
        Bool ([time step,] height, width) of the target's size; None where there is no mask, or the sample lacks it.
    """
    if manifest.mask is None or manifest.mask not in arrays:
        return None
    target = manifest.fields[manifest.target]
    hidden = (arrays[manifest.mask] == 0).any(axis=-1)
    if hidden.ndim == 3 and hidden.shape[0] != target.time_steps:
        hidden = hidden.any(axis=0)  # its time steps are not those of the target
    rows, columns = (
        (2 * np.arange(side) + 1) * stored // (2 * side)
        for side, stored in zip(target.size, hidden.shape[-2:], strict=True)
    )
    return hidden[..., rows, :][..., columns]
