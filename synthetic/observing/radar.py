"""Radar observation: speckle, and backscatter in decibels."""

from __future__ import annotations

import numpy as np

DECIBELS = (-25.0, 0.0)
"""Range of stored backscatter (dB), as is usual for Sentinel-1."""


def speckled(random: np.random.Generator, power: np.ndarray, looks: float) -> np.ndarray:
    """Return backscatter with fully developed speckle of ``looks`` looks.

    Args:
        random: source of random numbers.
        power: sigma nought as power, float32 (height, width, polarisation).
        looks: equivalent number of looks; the speckle is Gamma(looks, 1 / looks): mean 1, variance 1 / looks,
            independent between pixels and polarisations (Ulaby et al. 1986).
    """
    return power * (random.standard_gamma(looks, power.shape, np.float32) / np.float32(looks))


def decibels(power: np.ndarray) -> np.ndarray:
    """Return power in dB, clipped to ``DECIBELS``, float32."""
    return np.clip(10 * np.log10(np.maximum(power, 1e-6)), *DECIBELS).astype(np.float32)
