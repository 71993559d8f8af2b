"""From a window of fine pixels to the coarse input that a network learnt from, as the datasets are made."""

from __future__ import annotations

import numpy as np

from pix2earth.mapping.geometry import Geometry
from pix2earth.records.degradation import area_mean
from pix2earth.records.manifest import Field


def degraded(window: np.ndarray, geometry: Geometry, field: Field) -> np.ndarray:
    """Average a window, and repeat the means where the dataset stores them repeated.

    Args:
        window: float32 ``(side, side, band)``, NaN where nothing was measured.
        geometry: with the number of coarse pixels.
        field: the input field; whole numbers are rounded.

    Returns:
        float32 ``(stored, stored, band)``.
    """
    assert geometry.coarse is not None
    means = area_mean(window, geometry.coarse)
    if "int" in field.dtype:
        means = np.rint(means)
    place = np.arange(geometry.stored) * geometry.coarse // geometry.stored
    return means[place][:, place].astype(np.float32)
