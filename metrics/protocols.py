"""Metrics as five benchmarks of cloud removal compute them, for comparisons with their published numbers.

All take target and prediction (batch, height, width, band), reflectance as 0 to 1, mask (batch, height, width) or None,
and return (batch,). Digital numbers of the protocols are reflectance x 10000.

Sen2_MTC, UnCRtainTS and the RSGAN study know no masks: an image with a masked pixel scores NaN. AllClear counts the
valid pixels alone. Gap filling counts the pixels that are hidden in the input.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import tensorflow as tf

from metrics import Scale, arisgan, pixelwise, spectral, structural
from metrics.masking import apply_mask

Metric = Callable[[tf.Tensor, tf.Tensor, "tf.Tensor | None", Scale], tf.Tensor]

BRIGHTEST = 0.2
"""Reflectance at which Sen2_MTC clips, 2000 digital numbers."""
SMALLEST_SQUARE = 2.0**-10
"""Below which the RSGAN study takes the squared length of a spectrum for this, the resolution of half precision."""


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
    """Return an image clipped to 0 to 0.2 and stretched by itself to whole numbers from 0 to 255; constant: NaN.

    Reflectance is rounded to digital numbers first; of these the stretch is exact, as published, in float64.
    """
    numbers = tf.floor(tf.cast(_clipped(image, BRIGHTEST), tf.float64) * 10000 + 0.5)
    numbers -= tf.reduce_min(numbers, axis=(1, 2, 3), keepdims=True)
    largest = tf.reduce_max(numbers, axis=(1, 2, 3), keepdims=True)
    return tf.cast(tf.floor(255 * (numbers / largest)), image.dtype)


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


def _of_network_values(formula: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]) -> Metric:
    """Return a metric from a formula of both images in float64, as networks see them: 0 to 1 becomes -1 to 1."""

    def network_metric(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
        target = tf.convert_to_tensor(target)
        first, second = (2 * tf.cast(image, tf.float64) - 1 for image in (target, prediction))
        undefined = tf.cast(math.nan, tf.float64)
        first, second = (tf.where(tf.math.is_finite(image), image, undefined) for image in (first, second))
        return _complete(mask, tf.cast(formula(first, second), target.dtype))

    return network_metric


def _bands_to_one(target: tf.Tensor, prediction: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return both images cut off at 0, each band divided by the larger maximum of both; NaN where that is 0."""
    target, prediction = tf.maximum(target, 0), tf.maximum(prediction, 0)
    largest = tf.reduce_max(tf.maximum(target, prediction), axis=(1, 2), keepdims=True)
    return target / largest, prediction / largest


def _psnr_of_bands(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return the mean over bands of the PSNR with range 1 in dB, infinite where a band is equal."""
    errors = tf.reduce_mean(tf.math.squared_difference(*_bands_to_one(target, prediction)), axis=(1, 2))
    return tf.reduce_mean(-10 / math.log(10) * tf.math.log(errors), axis=-1)


def _ssim_of_bands(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return SSIM in windows of 7 x 7 pixels of equal weight, with range 2 although values are from 0 to 1."""
    return arisgan.uniform_ssim(*_bands_to_one(target, prediction), 2.0)


def _angle_of_half_turns(target: tf.Tensor, prediction: tf.Tensor) -> tf.Tensor:
    """Return the mean angle of spectra that are cut off at 0, over pi; 0.5 for a pixel that is 0 in one image."""
    target, prediction = tf.maximum(target, 0), tf.maximum(prediction, 0)
    product = tf.reduce_sum(target * prediction, axis=-1)
    lengths = [tf.maximum(tf.reduce_sum(image * image, axis=-1), SMALLEST_SQUARE) for image in (target, prediction)]
    cosine = tf.clip_by_value(product / tf.sqrt(lengths[0] * lengths[1]), -1, 1)
    return tf.reduce_mean(tf.acos(cosine), axis=(1, 2)) / math.pi


rsgan_mae = _of_network_values(lambda target, prediction: tf.reduce_mean(tf.abs(target - prediction), axis=(1, 2, 3)))
rsgan_mse = _of_network_values(
    lambda target, prediction: tf.reduce_mean(tf.math.squared_difference(target, prediction), axis=(1, 2, 3))
)
rsgan_psnr, rsgan_ssim, rsgan_sam = map(_of_network_values, (_psnr_of_bands, _ssim_of_bands, _angle_of_half_turns))


def _of_hidden(metric: Metric) -> Callable[..., tf.Tensor]:
    """Return a metric of the pixels that are hidden in the input and valid in the target."""

    def hidden_metric(
        target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, hidden: tf.Tensor
    ) -> tf.Tensor:
        return metric(target, prediction, _counted(hidden, mask), scale)

    return hidden_metric


def _counted(hidden: tf.Tensor, mask: tf.Tensor | None) -> tf.Tensor:
    """Return which pixels are hidden and valid, bool (batch, height, width).

    Args:
        hidden: (batch, height, width, 1), not 0 where the input is hidden.
        mask: (batch, height, width), non-zero at valid pixels, or None.
    """
    chosen = hidden[..., 0] > 0
    return chosen if mask is None else chosen & tf.cast(mask, tf.bool)


def _mean_square_error(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    return pixelwise.mean_square_error(target, prediction, mask)


gapfill_mse, gapfill_mae = map(_of_hidden, (_mean_square_error, pixelwise.mae))


def gapfill_ssim(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, hidden: tf.Tensor
) -> tf.Tensor:
    """Return SSIM with range 1 of whole images that are 0 where nothing was hidden; 1 where nothing is hidden."""
    target, prediction, _ = apply_mask(target, prediction, _counted(hidden, mask))
    return structural.ssim(target, prediction, None, dataclasses.replace(scale, data_range=1.0, low=0.0))


def gapfill_maskratio(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, hidden: tf.Tensor
) -> tf.Tensor:
    """Return the share of pixels that are hidden in the input and valid in the target, 0 to 1."""
    target = tf.convert_to_tensor(target)
    return tf.reduce_mean(tf.cast(_counted(hidden, mask), target.dtype), axis=(1, 2))
