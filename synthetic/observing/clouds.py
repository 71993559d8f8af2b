"""Clouds of a controlled cover, with soft edges and shadows."""

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
"""Opacity at the edge of a cloud; less is haze and counts as clear."""
STEPS = 255
"""Opacity is stored as whole numbers up to this."""
THIN, THICK, SHADOW = 1, 2, 3
"""Values of the cloud classes; 0 is clear."""
THICK_FROM = 0.5
RAMP, HAZE = 0.6, 0.3
"""Widths of a cloud's soft edge and of the haze around it, in standard deviations of the field."""
SHADOW_PIXELS, SHADOW_GSD = (8.0, 20.0), 10.0
"""How far shadows may fall, in pixels of this ground sampling distance (m)."""
SOFTNESS = 1.2
"""Smoothing of the field in such pixels: clouds have no edges as sharp as a house's."""
HEIGHTS = (600.0, 1800.0)
"""Of cloud bases above the ground (m)."""
SHADOW_SMOOTHING = 3.0
SHADOW_DEPTH = 0.5
SHADOW_FROM = 0.3
"""Opacity of the shadowing cloud from which a pixel counts as shadow."""
BRIGHTNESS = (0.65, 1.0)


class CloudLayer(NamedTuple):
    """Clouds of one date.

    Attributes:
        alpha: uint8 (height, width), opacity times 255.
        shadow: float32 (height, width), opacity of the clouds that shade a pixel.
        brightness: float32 (height, width), factor on the cloud's spectrum.
    """

    alpha: np.ndarray
    shadow: np.ndarray
    brightness: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """Return uint8 (height, width): 0 clear, 1 thin cloud, 2 thick cloud, 3 shadow."""
        return cloud_classes(self.alpha, self.shadow)


def hidden(alpha: np.ndarray) -> np.ndarray:
    """Return where stored opacity counts as cloud, bool."""
    return alpha > EDGE * STEPS


def cloud_classes(alpha: np.ndarray, shadow: np.ndarray) -> np.ndarray:
    """Return the classes of stored opacity and shadow, uint8."""
    classes = np.where(shadow > SHADOW_FROM, SHADOW, 0)
    classes = np.where(hidden(alpha), np.where(alpha >= THICK_FROM * STEPS, THICK, THIN), classes)
    return classes.astype(np.uint8)


def covers(random: np.random.Generator, count: int, settings: Clouds) -> np.ndarray:
    """Return the cover of each of ``count`` frames: a stratified Beta draw, whose mean is the asked one.

    Independent draws would miss the mean by several percent.
    """
    if settings.mean in (0.0, 1.0):
        return np.full(count, settings.mean)
    a, b = settings.mean * settings.concentration, (1 - settings.mean) * settings.concentration
    quantiles = (random.permutation(count) + random.random(count)) / count
    # The quantile function of Beta(a, b), as scipy.stats has it, which takes most of a second to import.
    return np.clip(special.betaincinv(a, b, quantiles), *settings.limits)


def cloud_layer(
    settings: Clouds, cover: float, shape: tuple[int, int], seed: int, scene: int, index: int,
    date: datetime, latitude: float, gsd: float,
) -> CloudLayer:  # fmt: skip
    """Return the clouds over a scene on a date.

    Args:
        settings: slope of the field, shadows or not.
        cover: share of the pixels that is hidden, exact to one pixel.
        shape: (height, width).
        seed: of the dataset.
        scene: number of the scene.
        index: number of the date.
        date: decides where the sun stands.
        latitude: degrees north.
        gsd: metres a pixel.
    """
    random = stream(seed, "clouds", scene, index)
    reach = min(math.ceil(SHADOW_PIXELS[1] * SHADOW_GSD / gsd) + 1, min(shape) // 2)
    margin = reach if settings.shadows else 0
    larger = shape[0] + 2 * margin, shape[1] + 2 * margin
    # Between popcorn and overcast: beyond this size clouds know nothing of each other.
    outer = float(min(shape) * math.exp(random.uniform(math.log(0.15), math.log(2.0))))
    whole = power_law_field(random, larger, settings.slope, outer_scale=outer)
    whole = ndimage.gaussian_filter(whole, SOFTNESS * SHADOW_GSD / gsd)
    here = slice(margin, margin + shape[0]), slice(margin, margin + shape[1])
    alpha = _opacity(whole, whole[here], cover)
    relief = power_law_field(random, shape, 2.0)
    brightness = np.float32(random.uniform(*BRIGHTNESS)) * (1 + np.float32(0.05) * relief)
    shadow = np.zeros(shape, np.float32)
    if settings.shadows and cover > 0:
        shadow = shadow_of(alpha, shadow_shift(random, date, latitude, gsd, margin), margin)
    return CloudLayer(alpha[here], np.where(hidden(alpha[here]), 0, shadow), np.clip(brightness, 0.5, 1.15))


def _opacity(field: np.ndarray, core: np.ndarray, cover: float) -> np.ndarray:
    """Return stored opacity (uint8) of a field, clouds where it is above the quantile that leaves ``cover``."""
    count = round(cover * core.size)
    if count == 0:
        return np.zeros(field.shape, np.uint8)
    ordered = np.partition(core.ravel(), core.size - count)
    threshold = ordered[core.size - count]
    above = (field - threshold) / np.float32(RAMP)
    cloud = EDGE + (1 - EDGE) * _smooth_step(above)
    haze = EDGE * _smooth_step(1 + (field - threshold) / np.float32(HAZE))
    # Rounding must not move a pixel over the edge.
    edge = math.floor(EDGE * STEPS)
    stored = np.where(
        field >= threshold, np.maximum(np.rint(cloud * STEPS), edge + 1), np.minimum(np.rint(haze * STEPS), edge)
    )
    return stored.astype(np.uint8)


def _smooth_step(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def shadow_shift(
    random: np.random.Generator, date: datetime, latitude: float, gsd: float, most: int
) -> tuple[int, int]:
    """Return by how many (rows, columns) shadows lie away from their clouds, away from the sun; y points down."""
    zenith, azimuth = season.sun(date, latitude)
    low, high = (pixels * SHADOW_GSD / gsd for pixels in SHADOW_PIXELS)
    length = min(float(np.clip(random.uniform(*HEIGHTS) * math.tan(zenith) / gsd, low, high)), most)
    return round(length * math.cos(azimuth)), round(-length * math.sin(azimuth))


def shadow_of(alpha: np.ndarray, shift: tuple[int, int], margin: int) -> np.ndarray:
    """Return the opacity (float32) of the clouds that shade each pixel of the core of a larger field of clouds.

    Args:
        alpha: stored opacity of the larger field.
        shift: (rows, columns) from a cloud to its shadow, at most the margin.
        margin: pixels around the core.
    """
    smooth = ndimage.gaussian_filter(alpha.astype(np.float32) / STEPS, SHADOW_SMOOTHING / 2)
    height, width = (side - 2 * margin for side in alpha.shape)
    row, column = margin - shift[0], margin - shift[1]
    return smooth[row : row + height, column : column + width]


def clouded(reflectance: np.ndarray, layer: CloudLayer, spectrum: np.ndarray) -> np.ndarray:
    """Return what a sensor sees through the clouds.

    Args:
        reflectance: float32 (height, width, band) of the ground.
        layer: the clouds.
        spectrum: reflectance (band,) of a thick cloud.

    Returns:
        The same shape: shaded ground, and cloud over it by its opacity.
    """
    shaded = reflectance * (1 - np.float32(SHADOW_DEPTH) * layer.shadow)[..., None]
    alpha = (layer.alpha.astype(np.float32) / STEPS)[..., None]
    return shaded + alpha * (layer.brightness[..., None] * spectrum.astype(np.float32) - shaded)
