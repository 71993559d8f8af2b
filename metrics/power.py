"""Power spectra: whether a prediction has as much detail as the target, and up to which size its detail is right.

Each band is taken without its mean and multiplied by a Hann window (periodic, rows x columns). Rings are of equal
frequency, k / n cycles per pixel for k = 1, 2, ..., each 1 / n wide, where n is the smaller side. A masked pixel leaves
the spectrum of an image undefined.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf

from metrics import Scale
from metrics.correlation import varies

HALF = 0.5
"""Coherence below which detail is not right."""


def psd_ratio(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the power of the prediction over that of the target above the input's Nyquist frequency, in dB.

    10 log10 of the mean, over bands and over the rings from 0.5 scale.ratio to 0.5 cycles per pixel, of the ratio of
    the ring's mean powers. 0 is right, negative too smooth, positive too rough. Bands whose target is constant are left
    out.

    Args:
        target: (batch, height, width, band) in physical units, of known height and width.
        prediction: of the same shape and unit.
        mask: (batch, height, width), non-zero at valid pixels, or None.
        scale: its ratio is used.

    Returns:
        (batch,); NaN with a masked pixel, without a coarser input, and where the target is constant in all bands.
    """
    target = tf.convert_to_tensor(target)
    undefined = tf.fill([tf.shape(target)[0]], tf.cast(math.nan, target.dtype))
    if scale.ratio is None or scale.ratio >= 1:
        return undefined
    height, width = target.shape[1:3]
    made, wanted = _power(prediction), _power(target)
    frequencies = np.arange(1, min(height, width) // 2 + 1) / min(height, width)
    high = frequencies >= 0.5 * scale.ratio - 1e-9
    rings = tf.constant(_rings(height, width)[high], tf.float64)
    ratios = tf.einsum("rhw,nhwb->nrb", rings, made) / tf.einsum("rhw,nhwb->nrb", rings, wanted)
    counted = varies(target, None)[:, tf.newaxis]
    total = tf.reduce_sum(tf.where(counted, ratios, tf.zeros_like(ratios)), axis=(1, 2))
    number = tf.reduce_sum(tf.cast(counted, tf.float64), axis=(1, 2)) * int(high.sum())
    result = tf.cast(10 / math.log(10) * tf.math.log(total / number), target.dtype)
    return result if mask is None else tf.where(_complete(mask), result, undefined)


def coherence_sums(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return what `effective_gsd` needs of each image: means over each ring, added up over bands.

    Args:
        target: (batch, height, width, band) in physical units, of known height and width.
        prediction: of the same shape and unit.
        mask: (batch, height, width), non-zero at valid pixels, or None.
        scale: not used.

    Returns:
        float64 (batch, ring, 4): real and imaginary part of the cross spectrum, power of the prediction, of the target;
        NaN with a masked pixel.
    """
    rings = tf.constant(_rings(*target.shape[1:3]), tf.float64)
    made, wanted = _spectrum(prediction), _spectrum(target)
    cross = made * tf.math.conj(wanted)
    parts = tf.stack([tf.math.real(cross), tf.math.imag(cross), tf.abs(made) ** 2, tf.abs(wanted) ** 2], axis=-1)
    sums = tf.einsum("rhw,nhwbp->nrp", rings, parts)
    if mask is None:
        return sums
    return tf.where(_complete(mask)[:, tf.newaxis, tf.newaxis], sums, tf.cast(math.nan, tf.float64))


def effective_gsd(sums: np.ndarray, side: int, scale: Scale) -> float:
    """Return the size of the finest detail that is right, in metres: scale.gsd / (2 f50).

    f50 is the lowest frequency of a ring whose coherence, |mean cross spectrum|^2 over the product of both mean powers,
    is below 0.5; 0.5 where there is none. Means are over images, bands and the ring.

    Args:
        sums: (image, ring, 4) of `coherence_sums`; images that are not finite are left out.
        side: smaller side of the images in pixels.
        scale: its gsd is used.

    Returns:
        NaN without images, without a gsd, and where prediction or target are constant.
    """
    total = sums[np.isfinite(sums).all(axis=(1, 2))].sum(axis=0)
    if scale.gsd is None or not (total[:, 2:].sum(axis=0) > 0).all():
        return math.nan
    powers = total[:, 2] * total[:, 3]
    coherence = np.divide(total[:, 0] ** 2 + total[:, 1] ** 2, powers, out=np.zeros_like(powers), where=powers > 0)
    wrong = np.flatnonzero(coherence < HALF)
    f50 = (wrong[0] + 1) / side if len(wrong) else 0.5
    return float(scale.gsd / (2 * f50))


def _spectrum(image: tf.Tensor) -> tf.Tensor:
    """Return the Fourier transform of each band, complex128 (batch, height, width, band)."""
    image = tf.cast(image, tf.float64)
    image -= tf.reduce_mean(image, axis=(1, 2), keepdims=True)
    # That of tf.signal is not periodic for odd sides.
    rows, columns = (0.5 - 0.5 * np.cos(2 * math.pi * np.arange(side) / side) for side in image.shape[1:3])
    bands_first = tf.transpose(image, (0, 3, 1, 2)) * (rows[:, np.newaxis] * columns)
    return tf.transpose(tf.signal.fft2d(tf.cast(bands_first, tf.complex128)), (0, 2, 3, 1))


def _power(image: tf.Tensor) -> tf.Tensor:
    return tf.abs(_spectrum(image)) ** 2


def _rings(height: int, width: int) -> np.ndarray:
    """Return the weights of the mean over each ring from 1 / n to 0.5 cycles per pixel, (ring, height, width)."""
    side = min(height, width)
    frequency = np.hypot(np.fft.fftfreq(height)[:, np.newaxis], np.fft.fftfreq(width))
    ring = np.floor(frequency * side + 0.5).astype(int)
    chosen = ring == np.arange(1, side // 2 + 1)[:, np.newaxis, np.newaxis]
    return chosen / chosen.sum(axis=(1, 2), keepdims=True)


def _complete(mask: tf.Tensor) -> tf.Tensor:
    """Return whether images (batch,) have no masked pixel."""
    return tf.reduce_all(tf.cast(mask, tf.bool), axis=(1, 2))
