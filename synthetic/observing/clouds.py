"""Clouds of a controlled cover, with soft edges, haze and shadows."""

from __future__ import annotations

import math
from datetime import datetime
from typing import NamedTuple

import numpy as np
from scipy import ndimage, special

from synthetic.ground import season
from synthetic.ground.random_fields import power_law_field
from synthetic.schema.derivation import Clouds
from synthetic.streams import stream

EDGE = 0.1
"""Opacity at the edge of a cloud; pixels of less opacity are classified as clear."""
STEPS = 255
"""Opacity 1 is stored as this integer."""
THIN, THICK, SHADOW = 1, 2, 3
"""Values of the cloud classes; 0 is clear."""
THICK_FROM = 0.5
"""Opacity from which a cloud is thick."""
RAMP, HAZE = 0.6, 0.3
"""Widths of a cloud's soft edge and of the haze around it, in standard deviations of the field."""
SHADOW_PIXELS, SHADOW_GSD = (8.0, 20.0), 10.0
"""Minimum and maximum distance of shadows from their clouds, in pixels of this ground sampling distance (m)."""
SOFTNESS = 1.2
"""Standard deviation of the smoothing of the cloud field, in pixels of ``SHADOW_GSD``."""
HEIGHTS = (600.0, 1800.0)
"""Range of the heights of cloud bases above the ground (m)."""
SHADOW_SMOOTHING = 3.0
"""Twice the standard deviation of the smoothing of shadows, in pixels."""
SHADOW_DEPTH = 0.5
"""Share of the light that a cloud of opacity 1 takes from its shadow."""
SHADOW_FROM = 0.3
"""Opacity of the shading cloud from which a pixel is classified as shadow."""
BRIGHTNESS = (0.65, 1.0)
"""Range of the factor on the spectrum of a cloud."""


class CloudLayer(NamedTuple):
    """Clouds of one acquisition.

    Attributes:
        alpha: uint8 (height, width), opacity times 255.
        shadow: float32 (height, width), opacity of the clouds that shade a pixel.
        brightness: float32 (height, width), factor on the spectrum of clouds.
    """

    alpha: np.ndarray
    shadow: np.ndarray
    brightness: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """Cloud class of each pixel, uint8 (height, width): 0 clear, 1 thin cloud, 2 thick cloud, 3 shadow."""
        return cloud_classes(self.alpha, self.shadow)


def is_cloud(alpha: np.ndarray) -> np.ndarray:
    """Return where stored opacity is that of a thin or thick cloud, bool."""
    return alpha > EDGE * STEPS


def cloud_classes(alpha: np.ndarray, shadow: np.ndarray) -> np.ndarray:
    """Return the cloud classes (uint8) of stored opacity and of the opacity of the shading clouds."""
    classes = np.where(shadow > SHADOW_FROM, SHADOW, 0)
    classes = np.where(is_cloud(alpha), np.where(alpha >= THICK_FROM * STEPS, THICK, THIN), classes)
    return classes.astype(np.uint8)


def cloud_covers(random: np.random.Generator, count: int, settings: Clouds) -> np.ndarray:
    """Return the cloud cover (0 to 1) of each of ``count`` frames: stratified draws of a Beta distribution.

    Independent draws would differ from the requested mean by several percent.
    """
    if settings.mean in (0.0, 1.0):
        return np.full(count, settings.mean)
    a, b = settings.mean * settings.concentration, (1 - settings.mean) * settings.concentration
    quantiles = (random.permutation(count) + random.random(count)) / count
    # The quantile function of Beta(a, b); scipy.stats has it too, but takes most of a second to import.
    return np.clip(special.betaincinv(a, b, quantiles), *settings.limits)


def cloud_layer(
    settings: Clouds, cover: float, shape: tuple[int, int], seed: int, scene: int, time_step: int,
    date: datetime, latitude: float, gsd: float,
) -> CloudLayer:  # fmt: skip
    """Return the clouds over a scene at one acquisition.

    Args:
        settings: slope of the field's power spectrum, with or without shadows.
        cover: share of the pixels under clouds, exact to one pixel.
        shape: (height, width).
        seed: seed of the dataset.
        scene: number of the scene.
        time_step: number of the acquisition.
        date: date of the acquisition, for the position of the sun.
        latitude: degrees north.
        gsd: ground sampling distance (m).
    """
    random = stream(seed, "clouds", scene, time_step)
    reach = min(math.ceil(SHADOW_PIXELS[1] * SHADOW_GSD / gsd) + 1, min(shape) // 2)
    margin = reach if settings.shadows else 0
    larger = shape[0] + 2 * margin, shape[1] + 2 * margin
    # From many small clouds to a few large ones: structures larger than this are not correlated.
    outer = float(min(shape) * math.exp(random.uniform(math.log(0.15), math.log(2.0))))
    whole = power_law_field(random, larger, settings.slope, outer_scale=outer)
    whole = ndimage.gaussian_filter(whole, SOFTNESS * SHADOW_GSD / gsd)
    core = slice(margin, margin + shape[0]), slice(margin, margin + shape[1])
    alpha = _opacity(whole, whole[core], cover)
    relief = power_law_field(random, shape, 2.0)
    brightness = np.float32(random.uniform(*BRIGHTNESS)) * (1 + np.float32(0.05) * relief)
    shadow = np.zeros(shape, np.float32)
    if settings.shadows and cover > 0:
        shadow = shadow_opacity(alpha, shadow_shift(random, date, latitude, gsd, margin), margin)
    return CloudLayer(alpha[core], np.where(is_cloud(alpha[core]), 0, shadow), np.clip(brightness, 0.5, 1.15))


def _opacity(field: np.ndarray, core: np.ndarray, cover: float) -> np.ndarray:
    """Return the stored opacity (uint8) of a field; clouds are where it exceeds the quantile that gives ``cover``."""
    count = round(cover * core.size)
    if count == 0:
        return np.zeros(field.shape, np.uint8)
    ordered = np.partition(core.ravel(), core.size - count)
    threshold = ordered[core.size - count]
    above = (field - threshold) / np.float32(RAMP)
    cloud = EDGE + (1 - EDGE) * _smooth_step(above)
    haze = EDGE * _smooth_step(1 + (field - threshold) / np.float32(HAZE))
    # Rounding must not turn clear pixels into cloud or cloud into clear.
    edge = math.floor(EDGE * STEPS)
    stored = np.where(
        field >= threshold, np.maximum(np.rint(cloud * STEPS), edge + 1), np.minimum(np.rint(haze * STEPS), edge)
    )
    return stored.astype(np.uint8)


def _smooth_step(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def shadow_shift(
    random: np.random.Generator, date: datetime, latitude: float, gsd: float, longest: int
) -> tuple[int, int]:
    """Return the shift (rows, columns) from clouds to their shadows, away from the sun, at most ``longest`` pixels."""
    zenith, azimuth = season.sun(date, latitude)
    low, high = (pixels * SHADOW_GSD / gsd for pixels in SHADOW_PIXELS)
    length = min(float(np.clip(random.uniform(*HEIGHTS) * math.tan(zenith) / gsd, low, high)), longest)
    return round(length * math.cos(azimuth)), round(-length * math.sin(azimuth))


def shadow_opacity(alpha: np.ndarray, shift: tuple[int, int], margin: int) -> np.ndarray:
    """Return the opacity (float32) of the clouds that shade each pixel of the core of a larger cloud field.

    Args:
        alpha: stored opacity of the larger field (height + 2 margin, width + 2 margin).
        shift: (rows, columns) from a cloud to its shadow, at most the margin.
        margin: width of the border around the core in pixels.
    """
    smooth = ndimage.gaussian_filter(alpha.astype(np.float32) / STEPS, SHADOW_SMOOTHING / 2)
    height, width = (side - 2 * margin for side in alpha.shape)
    row, column = margin - shift[0], margin - shift[1]
    return smooth[row : row + height, column : column + width]


def clouded(reflectance: np.ndarray, layer: CloudLayer, spectrum: np.ndarray) -> np.ndarray:
    """Return the reflectance of the ground with clouds and shadows over it.

    Args:
        reflectance: float32 (height, width, band) of the ground without clouds.
        layer: the clouds.
        spectrum: reflectance (band,) of a thick cloud.

    Returns:
        float32 (height, width, band): shaded ground, mixed with the cloud by its opacity.
    """
    shaded = reflectance * (1 - np.float32(SHADOW_DEPTH) * layer.shadow)[..., None]
    alpha = (layer.alpha.astype(np.float32) / STEPS)[..., None]
    return shaded + alpha * (layer.brightness[..., None] * spectrum.astype(np.float32) - shaded)
