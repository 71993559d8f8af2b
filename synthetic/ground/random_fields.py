"""Random fields by the fast Fourier transform, for texture, clouds and cell borders."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy import fft

MIN_PERIODIC_SIZE = 16
"""Minimum side of a periodic grid in pixels."""


def power_law_field(
    random: np.random.Generator, shape: tuple[int, int], slope: float, *, outer_scale: float | None = None
) -> np.ndarray:
    """Return a Gaussian field whose power falls with frequency to the minus ``slope``.

    It is drawn on a periodic grid of twice the size and cropped, so that opposite borders are not correlated.

    Args:
        random: source of random numbers.
        shape: (height, width).
        slope: of the power spectrum in two dimensions; 3 resembles cloud cover, 0 is white noise.
        outer_scale: wavelength in pixels beyond which the spectrum is flat; None: it falls over all wavelengths.

    Returns:
        float32 (height, width), mean 0 and standard deviation 1 over the field.
    """
    size = periodic_size(shape)
    field = _real_field(random, size, _power_law(size, slope, outer_scale))[: shape[0], : shape[1]]
    return normalised(field)


def normalised(field: np.ndarray) -> np.ndarray:
    """Return a field with mean 0 and standard deviation 1."""
    centred = field - field.mean(dtype=np.float64)
    return (centred / max(float(centred.std(dtype=np.float64)), 1e-12)).astype(np.float32)


def periodic_size(shape: tuple[int, int]) -> tuple[int, int]:
    """Return the sides of a periodic grid: at least twice those of a field, of a length that transforms fast."""
    height, width = (fft.next_fast_len(max(2 * side, MIN_PERIODIC_SIZE), real=True) for side in shape)
    return height, width


@functools.lru_cache(maxsize=8)
def _frequency(size: tuple[int, int]) -> np.ndarray:
    """Return the radial frequency (cycles per pixel) of the half plane of a real transform."""
    return np.hypot(fft.fftfreq(size[0])[:, None], fft.rfftfreq(size[1])[None]).astype(np.float32)


@functools.lru_cache(maxsize=8)
def _power_law(size: tuple[int, int], slope: float, outer_scale: float | None) -> np.ndarray:
    """Return the amplitude at each frequency; 0 at frequency 0."""
    squared = _frequency(size) ** 2 + (1.0 / outer_scale**2 if outer_scale else 0.0)
    squared[0, 0] = 1.0
    amplitude = squared ** np.float32(-slope / 4)
    amplitude[0, 0] = 0.0
    # These columns are their own mirror images: a real transform uses half of their noise.
    own_mirrors = [0, -1] if size[1] % 2 == 0 else [0]
    amplitude[:, own_mirrors] *= np.float32(math.sqrt(2))
    return amplitude


def _real_field(random: np.random.Generator, size: tuple[int, int], amplitude: np.ndarray) -> np.ndarray:
    """Return white noise filtered by an amplitude spectrum, float32 of the size."""
    noise = random.standard_normal((*amplitude.shape, 2), np.float32)
    spectrum = noise.view(np.complex64)[..., 0] * amplitude
    return fft.irfft2(spectrum, s=size, overwrite_x=True)


def covariance_field(random: np.random.Generator, shape: tuple[int, int], kernel: np.ndarray) -> np.ndarray:
    """Return a Gaussian field of a stated separable covariance, by circulant embedding.

    Args:
        random: source of random numbers.
        shape: (height, width).
        kernel: correlation at the distances 0, 1, 2, ... pixels along an axis, as many as the longer side or more.

    Returns:
        float32 (height, width), mean 0 and variance ``kernel[0] ** 2``.

    Raises:
        ValueError: the kernel does not fall off within the grid, and is no covariance on it.
    """
    spectra = []
    sides = [2 * side for side in shape]
    for side in sides:
        distances = np.minimum(np.arange(side), side - np.arange(side))
        spectrum = np.real(fft.fft(kernel[distances]))
        if spectrum.min() < -0.01 * spectrum.max():
            raise ValueError("the correlation does not fall off within the image; use a shorter length scale")
        spectra.append(np.sqrt(np.clip(spectrum, 0, None)))
    white = random.standard_normal(sides, np.float32)
    coloured = fft.fft2(white) * spectra[0][:, None] * spectra[1][None]
    return np.real(fft.ifft2(coloured)).astype(np.float32)[: shape[0], : shape[1]]


def kernel_correlation(name: str, distances: np.ndarray, **parameters: float) -> np.ndarray:
    """Return the correlation of a kernel at distances in pixels.

    Args:
        name: "rbf" (``length_scale``), "rational_quadratic" (``length_scale``, ``alpha``), "sin_squared"
            (``length_scale``, ``periodicity``) or "constant" (``constant_value``), as scikit-learn defines them.
        distances: in pixels.
        parameters: those of the kernel.

    Raises:
        KeyError: a parameter is missing, or there is no such kernel.
    """
    if name == "constant":
        return np.full(distances.shape, parameters["constant_value"])
    scale = parameters["length_scale"]
    if name == "rbf":
        return np.exp(-(distances**2) / (2 * scale**2))
    if name == "rational_quadratic":
        alpha = parameters["alpha"]
        return (1 + distances**2 / (2 * alpha * scale**2)) ** -alpha
    if name == "sin_squared":
        return np.exp(-2 * (np.sin(math.pi * distances / parameters["periodicity"]) / scale) ** 2)
    raise KeyError(name)
