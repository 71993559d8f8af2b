"""Contrast: how physical values become colours, fixed by the quantity where the bands are known.

All images of one figure that show the same bands in one unit have the same contrast, so that they can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import matplotlib
import numpy as np

from pix2earth.figures.panels.shown_bands import shown_bands
from pix2earth.records.field import Field
from sensors import lexicon

STRETCH_PERCENTILES = (1.0, 99.0)
"""The values shown as black and white where the quantity does not fix them."""
MISSING = 0.85
"""The grey of pixels without a value: lighter than most images, and distinct from black and white."""
VISIBLE, WITH_INFRARED = (0.0, 0.3), (0.0, 0.5)
"""Reflectance shown as black and white, of visible light and where a band of longer waves is shown."""
LONGEST_VISIBLE = 700.0
"""Wavelength in nm."""
GAMMA = 1.4
INDEX, INDEX_COLORS = (0.0, 1.0), "YlGn"
"""Values of an index such as NDVI at the ends of its colours, as matplotlib names them; snow and water are below."""
LARGEST = 2.5
"""Reflectance, above which even clouds are rare."""


class Contrast(NamedTuple):
    """How values become colours.

    Attributes:
        low: the value that is black.
        high: the value that is white.
        gamma: shares of the range are raised to 1 / gamma.
        words: for the reader.
        colormap: of images of one band, as matplotlib names it; "": grey.
    """

    low: float
    high: float
    gamma: float
    words: str
    colormap: str = ""


def stretch(reference: np.ndarray) -> tuple[float, float]:
    """Return the values that are shown as black and white: the 1st and the 99th percentile of all bands together.

    Args:
        reference: of any shape; values that are not finite are ignored.

    Returns:
        Two values, at least slightly apart; 0 and 1 where no value is finite.
    """
    finite = reference[np.isfinite(reference)]
    low, high = np.percentile(finite, STRETCH_PERCENTILES).tolist() if finite.size else (0.0, 1.0)
    return low, high if high > low else low + 1.0


def contrast_of(field: Field, values: np.ndarray, *, physical: bool = True) -> Contrast:
    """Return the contrast of the images of a field.

    Args:
        field: of the images.
        values: physical values of shown bands, of any shape, from which it is computed where the quantity does not fix
            it.
        physical: whether the values are physical ones, not those of images of unit norm.
    """
    indices = shown_bands(field)
    known = lexicon.described(field.bands)
    if physical and field.units in ("", "1") and (fixed := of_reflectance([known[index] for index in indices], values)):
        return fixed
    if physical and field.units in ("", "1") and len(set(indices)) == 1 and lexicon.is_index(field.bands):
        low, high = INDEX
        return Contrast(low, high, 1.0, f"{field.bands[indices[0]]} {low:g} to {high:g}", INDEX_COLORS)
    if physical and field.dtype == "uint8" and len(set(indices)) == 3:
        return Contrast(field.offset, field.offset + 255 * field.scale, 1.0, "8 bits as stored")
    return of_values(values, field.units)


def of_reflectance(bands: Sequence[lexicon.Band | None], values: np.ndarray) -> Contrast | None:
    """Return the contrast of reflectance, or None where not all bands are known to be that.

    Values of which half are above ``LARGEST`` are none: numbers of a sensor that nobody has converted.
    """
    finite = values[np.isfinite(values)]
    if not all(band and band.quantity == "reflectance" for band in bands) or (
        finite.size and np.median(finite) > LARGEST
    ):
        return None
    visible = all(band and band.wavelength and band.wavelength < LONGEST_VISIBLE for band in bands)
    low, high = VISIBLE if visible else WITH_INFRARED
    return Contrast(low, high, GAMMA, f"reflectance {low:g} to {high:g}, gamma {GAMMA:g}")


def of_values(values: np.ndarray, units: str = "") -> Contrast:
    """Return the contrast between percentiles of values of any shape, the same for all bands."""
    low, high = stretch(values)
    unit = "" if units in ("", "1") else f" {units}"
    return Contrast(low, high, 1.0, f"{rounded(low)} to {rounded(high)}{unit}")


def alike(one: Field, other: Field) -> bool:
    """Return whether two fields show the same bands in the same unit, so that their images share a contrast."""
    names = [[field.bands[index] for index in shown_bands(field)] for field in (one, other)]
    return names[0] == names[1] and one.units == other.units


def in_words(contrasts: dict[str, Contrast]) -> str:
    """Return the contrasts of a figure's fields for its caption, each once."""
    words: dict[str, list[str]] = {}
    for name, contrast in contrasts.items():
        words.setdefault(contrast.words, []).append(name)
    if len(words) == 1:
        return next(iter(words))
    return "; ".join(f"{', '.join(names)}: {text}" for text, names in words.items())


def coloured(values: np.ndarray, contrast: Contrast) -> np.ndarray:
    """Return an image as colours, uint8 (height, width, 3); grey where any band has no value.

    Args:
        values: (height, width, 3).
        contrast: of the image.
    """
    shares = np.clip((values - contrast.low) / (contrast.high - contrast.low), 0, 1) ** (1 / contrast.gamma)
    has_value, shares = np.isfinite(values).all(axis=-1, keepdims=True), np.nan_to_num(shares)
    if contrast.colormap:
        shares = matplotlib.colormaps[contrast.colormap](shares[..., 0])[..., :3]
    return np.rint(255 * np.where(has_value, shares, MISSING)).astype(np.uint8)


def rounded(value: float) -> str:
    """Return a number with three digits that count, as people write it: 1400, not 1.4e+03."""
    return f"{float(f'{value:.3g}'):g}"
