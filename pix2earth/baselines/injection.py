"""High-pass injection: the detail of fine bands, weighted by least squares, added to bicubic interpolation.

The detail of an image is what remains after it is averaged to coarse pixels and upsampled again. For each band of the
target the weights of the guide's bands are fitted on the training split. It is the multi-band form of the injection
methods of pansharpening (Vivone et al. 2015, doi:10.1109/TGRS.2014.2361734).
"""

from __future__ import annotations

import numpy as np

from pix2earth.baselines.samples import PhysicalDataset
from pix2earth.baselines.upsampling import bicubic_image
from pix2earth.records.degradation import degraded
from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.listing import Listing
from pix2earth.settings.errors import UserError

MOST_SAMPLES = 400
"""Training samples that are fitted to, evenly drawn from all; pixels abound."""


def detail(image: np.ndarray, degradation: Degradation) -> np.ndarray:
    """Return what remains of a fine image (height, width, band) without its coarse pixels, NaN where it is unknown."""
    factor = degradation.factor
    return image - bicubic_image(degraded(image, degradation).astype(np.float32), factor)


def injected(image: np.ndarray, guide: np.ndarray, weights: np.ndarray, degradation: Degradation) -> np.ndarray:
    """Return a coarse image, upsampled, with the weighted detail of its guide.

    Args:
        image: float32 (height, width, band), physical values.
        guide: float32 (height * factor, width * factor, guide band).
        weights: (guide band, band) as ``fitted`` returns them.
        degradation: from fine to coarse pixels.

    Returns:
        float32 (height * factor, width * factor, band).
    """
    return (bicubic_image(image, degradation.factor) + detail(guide, degradation) @ weights).astype(np.float32)


def fitted(listing: Listing) -> np.ndarray | None:
    """Return the weights (guide band, band) that explain the detail of targets best, or None without training split.

    Args:
        listing: of a dataset with a guide and a known degradation.

    Raises:
        UserError: a record is damaged, or no training pixel is valid.
    """
    from pix2earth.console.progress import tracked

    manifest = listing.manifest
    names = listing.names("train")
    if not names:
        return None
    assert manifest.guide is not None and manifest.degradation is not None
    chosen = names[:: -(-len(names) // MOST_SAMPLES)]
    fields = [manifest.input, manifest.guide, manifest.target]
    squares, products = np.zeros((1, 1)), np.zeros((1, 1))
    samples = PhysicalDataset(listing).named("train", chosen, fields)
    for sample in tracked(samples, "fit injection", len(chosen), "samples"):
        source, guide, target = (sample.fields[name] for name in fields)
        known = detail(guide, manifest.degradation)
        sought = target - bicubic_image(source, manifest.degradation.factor)
        valid = np.isfinite(known).all(-1) & np.isfinite(sought).all(-1)
        rows, wanted = known[valid].astype(np.float64), sought[valid].astype(np.float64)
        squares, products = squares + rows.T @ rows, products + rows.T @ wanted
    if not squares.any():
        raise UserError(f"{listing.folder}: no training pixel of target and {manifest.guide} is valid in both")
    return np.linalg.lstsq(squares, products, rcond=None)[0]
