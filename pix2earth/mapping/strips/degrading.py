"""Degradation of windows: from fine pixels to the coarse input of a network, as its dataset was made."""

from __future__ import annotations

import numpy as np

from pix2earth.mapping.geometry import Geometry
from pix2earth.records.degradation import area_mean, degraded
from pix2earth.records.manifest import Field


def degraded_window(window: np.ndarray, geometry: Geometry, field: Field) -> np.ndarray:
    """Return a window in coarse pixels, which are repeated where the dataset stores them repeated.

    Args:
        window: float32 ``(height, width, band)`` as stored, NaN where nothing was measured.
        geometry: with the numbers of coarse pixels, and the degradation where the dataset states it; else means.
        field: the input field; where it stores integers, the means are rounded.

    Returns:
        float32 ``(stored height, stored width, band)``.
    """
    assert geometry.coarse is not None
    if geometry.degradation is None:
        means = area_mean(window, geometry.coarse)
    else:
        means = degraded(window, geometry.degradation)
    if "int" in field.dtype:
        means = np.rint(means)
    rows, columns = (
        np.arange(stored) * coarse // stored for stored, coarse in zip(geometry.stored, geometry.coarse, strict=True)
    )
    return means[rows][:, columns].astype(np.float32)
