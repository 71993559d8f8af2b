"""Metrics as three benchmarks of cloud removal compute them, for comparisons with their published numbers.

All take target and prediction (batch, height, width, band), reflectance as 0 to 1, mask (batch, height, width) or None,
and return (batch,). Digital numbers of the protocols are reflectance x 10000.

Sen2_MTC and UnCRtainTS know no masks: an image with a masked pixel scores NaN. AllClear counts the valid pixels alone.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import tensorflow as tf

from metrics import Scale, pixelwise, spectral, structural
from metrics.masking import apply_mask

Metric = Callable[[tf.Tensor, tf.Tensor, "tf.Tensor | None", Scale], tf.Tensor]

BRIGHTEST = 0.2
"""Reflectance at which Sen2_MTC clips, 2000 digital numbers."""


def _of_stretched(metric: Metric) -> Metric:
    """Return a metric of the images that `stretched` makes of the bands scale.rgb, with the range 255."""

    def stretched_metric(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
        target = tf.convert_to_tensor(target)
        first, second = (
            stretched(tf.gather(image, scale.rgb, axis=-1)) for image in (target, tf.cast(prediction, target.dtype))
        )
        return _complete(mask, metric(first, second, None, dataclasses.replace(scale, data_range=255.0, low=0.0)))

    return stretched_metric


def stretched(image: tf.Tensor) -> tf.Tensor:
    """Return an image clipped to 0 to 0.2 and stretched by itself to whole numbers from 0 to 255; constant: NaN."""
    clipped = _clipped(image, BRIGHTEST)
    clipped -= tf.reduce_min(clipped, axis=(1, 2, 3), keepdims=True)
    return tf.floor(clipped / tf.reduce_max(clipped, axis=(1, 2, 3), keepdims=True) * 255)


def _clipped(image: tf.Tensor, highest: float) -> tf.Tensor:
    """Return an image cut off at 0 and at a value; what is not finite becomes NaN, not one of the two."""
    return tf.where(tf.math.is_finite(image), tf.clip_by_value(image, 0.0, highest), tf.cast(math.nan, image.dtype))


def _of_reflectance(metric: Metric, *, masked: bool) -> Metric:
    """Return a metric of both images clipped to 0 to 1, with the range 1; of valid pixels where `masked`."""

    def clipped_metric(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
        target, prediction, _ = apply_mask(target, prediction, mask)
        first, second = (_clipped(image, 1.0) for image in (target, prediction))
        scores = metric(first, second, mask if masked else None, dataclasses.replace(scale, data_range=1.0, low=0.0))
        return scores if masked else _complete(mask, scores)

    return clipped_metric


def _degrees(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the spectral angle in degrees."""
    return spectral.spectral_angle(target, prediction, mask, scale) * (180 / math.pi)


def _complete(mask: tf.Tensor | None, scores: tf.Tensor) -> tf.Tensor:
    """Return scores (batch,), NaN where a pixel is masked."""
    if mask is None:
        return scores
    complete = tf.reduce_all(tf.cast(mask, tf.bool), axis=(1, 2))
    return tf.where(complete, scores, tf.cast(math.nan, scores.dtype))


sen2mtc_psnr, sen2mtc_ssim = map(_of_stretched, (pixelwise.psnr, structural.ssim))
uncrtaints_psnr, uncrtaints_mae, uncrtaints_rmse, uncrtaints_ssim, uncrtaints_sam = (
    _of_reflectance(metric, masked=False)
    for metric in (pixelwise.psnr, pixelwise.mae, pixelwise.rmse, structural.ssim, _degrees)
)
allclear_psnr, allclear_mae, allclear_rmse, allclear_ssim, allclear_sam = (
    _of_reflectance(metric, masked=True)
    for metric in (pixelwise.psnr, pixelwise.mae, pixelwise.rmse, structural.ssim, _degrees)
)
