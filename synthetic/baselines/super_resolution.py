"""Super-resolution without training: enlarging, with and without knowledge of the point spread function."""

from __future__ import annotations

import numpy as np

from pix2earth.settings.errors import UserError
from synthetic.baselines.predictor import Baselines
from synthetic.baselines.stored import Sample, Stored
from synthetic.observing import optics
from synthetic.presets.super_resolution import coarse_sensor
from synthetic.tables.sensors import sensor

ITERATIONS = 20
SAME_BAND_NM = 40.0
"""Bands of two sensors whose centres differ by no more see nearly the same."""


def baselines(source: Stored) -> Baselines:
    """Return the baselines, for the bands that input and target share.

    Raises:
        UserError: they share none.
    """
    pairs = shared_bands(source)
    if not pairs:
        raise UserError(f"{source.folder}: input and target share no band; only training can predict the target")
    wanted, factor = [position for _, position in pairs], source.configuration.factor
    fwhm = source.configuration.coarse.psf_fwhm_px
    known = {band: other for band, other in _names(source, pairs).items() if band != other}

    def coarse(sample: Sample) -> np.ndarray:
        return sample.fields["input_image"][..., [position for position, _ in pairs]]

    replaced = ", ".join(f"{other} for {band}" for band, other in known.items())
    return Baselines(
        {
            "bicubic": lambda sample: bicubic(coarse(sample), factor),
            "PSF-aware": lambda sample: back_projected(coarse(sample), factor, fwhm),
        },
        bands=wanted,
        notes=f"PSF-aware: {ITERATIONS} iterations of back-projection (Irani and Peleg 1991) from bicubic on, with the"
        " input's point spread function; its misregistration and calibration stay unknown."
        + (f" Bands of the input: {replaced}." if replaced else ""),
    )


def shared_bands(source: Stored) -> list[tuple[int, int]]:
    """Return (position in the input, position in the target) of the bands with nearly the same wavelength."""
    have = coarse_sensor(source.configuration).centres
    want = sensor("sentinel2", tuple(source.configuration.bands)).centres
    nearest = [int(np.abs(np.subtract(have, centre)).argmin()) for centre in want]
    pairs = list(enumerate(nearest))
    return [(at, position) for position, at in pairs if abs(have[at] - want[position]) <= SAME_BAND_NM]


def _names(source: Stored, pairs: list[tuple[int, int]]) -> dict[str, str]:
    have = source.manifest.fields[source.manifest.input].bands
    return {source.target.bands[position]: have[at] for at, position in pairs}


def bicubic(image: np.ndarray, factor: int) -> np.ndarray:
    """Return an image (height, width, band) enlarged by cubic convolution, as evaluations do."""
    import tensorflow as tf

    height, width, _ = image.shape
    return tf.image.resize(image, (height * factor, width * factor), method="bicubic").numpy()


def back_projected(image: np.ndarray, factor: int, fwhm_px: float | None) -> np.ndarray:
    """Return a fine image that the sensor would see as the coarse one.

    Args:
        image: float32 (height, width, band), what the sensor saw.
        factor: how much finer the result is.
        fwhm_px: width of the sensor's point spread function in its own pixels; None: the mean over each pixel.

    Returns:
        float32 (height * factor, width * factor, band). Source: Irani and Peleg 1991, "Improving resolution by image
        registration", doi:10.1016/1049-9652(91)90045-L.
    """
    fine = bicubic(image, factor)
    for _ in range(ITERATIONS):
        fine += bicubic(image - optics.seen(fine, factor, fwhm_px), factor)
    return fine
