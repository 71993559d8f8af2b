"""What an optical sensor does to a scene: point spread, sampling, shift, calibration, noise."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy import optimize, sparse

FWHM = 2 * math.sqrt(2 * math.log(2))
"""Full width at half maximum of a Gaussian in standard deviations."""
REACH = 4.0
"""A point spread function ends after so many standard deviations."""


@functools.lru_cache(maxsize=64)
def sampling(size: int, factor: int, fwhm: float | None, shift: float) -> sparse.csr_array:
    """Return the weights (output, input), float32, with which coarse pixels see fine ones along an axis; rows sum to 1.

    Args:
        size: fine pixels.
        factor: fine pixels a coarse one; divides the size.
        fwhm: width of the Gaussian point spread function in fine pixels; None: equal weights over the coarse pixel.
        shift: of the coarse grid in fine pixels.

    Raises:
        ValueError: the factor does not divide the size.
    """
    if size % factor:
        raise ValueError(f"factor {factor} does not divide {size} pixels")
    sigma = 0.0 if fwhm is None else fwhm / FWHM if factor > 1 else _sampled_at_pixels(fwhm / FWHM)
    centres = (np.arange(size // factor) + 0.5) * factor + shift
    # Where a shift leads so far out of the image that nothing is in reach, its border is seen.
    beyond = max(REACH * sigma - 1, 0.0)
    centres = np.clip(centres, -beyond, size + beyond)
    distance = np.abs(np.arange(size)[None] + 0.5 - centres[:, None])
    if fwhm is None:
        # The share of each fine pixel inside of the coarse one.
        weights = np.clip(factor / 2 + 0.5 - distance, 0, 1)
    else:
        weights = np.where(distance <= max(REACH * sigma, 0.5001), np.exp(-(distance**2) / (2 * sigma**2)), 0.0)
    return sparse.csr_array((weights / weights.sum(axis=1, keepdims=True)).astype(np.float32))


def _sampled_at_pixels(sigma: float) -> float:
    """Return the standard deviation of a Gaussian whose samples at whole pixels are spread by ``sigma``.

    Samples of a Gaussian that is narrower than a pixel are spread less than itself: by 12 % of the variance at the
    usual width of 1.2 pixels.
    """
    if sigma > 1:
        return sigma
    squares = np.arange(-8, 9) ** 2

    def excess(trial: float) -> float:
        weights = np.exp(-squares / (2 * trial**2))
        return float(weights @ squares / weights.sum() - sigma**2)

    return float(optimize.brentq(excess, sigma, sigma + 0.5))


def seen(
    image: np.ndarray, factor: int = 1, fwhm_px: float | None = None, shift_px: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Return what a sensor sees: point spread function, then one sample a pixel.

    Args:
        image: float32 (height, width, band); both sides are multiples of the factor.
        factor: fine pixels a coarse one.
        fwhm_px: full width at half maximum of the Gaussian point spread function in output pixels; None: the coarse
            pixel is the mean of its fine ones.
        shift_px: of the sensor's grid down and right, in output pixels.

    Returns:
        float32 (height / factor, width / factor, band); a linear function of the image that keeps constants.
    """
    fwhm = None if fwhm_px is None else fwhm_px * factor
    if factor == 1 and fwhm is None and shift_px == (0.0, 0.0):
        return image
    rows = sampling(image.shape[0], factor, fwhm, round(shift_px[0] * factor, 6))
    columns = sampling(image.shape[1], factor, fwhm, round(shift_px[1] * factor, 6))
    return _along(columns, _along(rows, image).transpose(1, 0, 2)).transpose(1, 0, 2)


def _along(weights: sparse.csr_array, image: np.ndarray) -> np.ndarray:
    """Apply weights along the first axis of (input, other side, band)."""
    size, other, bands = image.shape
    return (weights @ np.ascontiguousarray(image).reshape(size, -1)).reshape(-1, other, bands)


def block_mean_of_classes(labels: np.ndarray, factor: int, classes: int) -> np.ndarray:
    """Return the share of each class 1 to ``classes`` in every coarse pixel, float32 (height, width, classes)."""
    one_hot = (labels[..., None] == np.arange(1, classes + 1)).astype(np.float32)
    return seen(one_hot, factor)


def calibrated(image: np.ndarray, gain: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Return ``gain * image + offset`` band by band."""
    return image * gain.astype(np.float32) + offset.astype(np.float32)


def noisy(random: np.random.Generator, image: np.ndarray, sigma0: float, kappa: float) -> np.ndarray:
    """Return the image with Gaussian noise of variance ``sigma0**2 + kappa * image``, independent between bands."""
    deviation = np.sqrt(np.float32(sigma0**2) + np.float32(kappa) * np.maximum(image, 0))
    return image + deviation * random.standard_normal(image.shape, np.float32)


def with_impulses(random: np.random.Generator, image: np.ndarray, proportion: float) -> np.ndarray:
    """Return the image with a proportion of its pixels replaced by one Beta(1/2, 1/2) number in all bands."""
    hit = random.random(image.shape[:2]) < proportion
    values = random.beta(0.5, 0.5, image.shape[:2]).astype(np.float32)
    return np.where(hit[..., None], values[..., None], image)
