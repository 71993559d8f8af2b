"""Consistency, synthesis and correctness of super-resolution.

All functions are metrics: target, prediction (batch, height, width, band), mask (batch, height, width) or None, scale,
and the input in its own pixels `coarse_input` (batch, height / s, width / s, band), in the bands and unit of the
target; s is a whole number. They return (batch,). NaN where a valid pixel of the three images is not finite, and where
the mask leaves nothing.

The border is BORDER // s pixels of the input, which are s (BORDER // s) of the target, so that both grids stay aligned.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import tensorflow as tf

from metrics import Scale
from metrics.masking import mean
from metrics.spectral import angles
from metrics.superresolution.matching import matched
from metrics.superresolution.registration import shift

BORDER = 16
"""Pixels of the target that are cut off at each side."""
QUANTILE, STEEPNESS, TEMPERATURE = 0.75, 0.05, 0.25
WHOLE = 0.999
"""A coarse pixel is valid from this share of valid fine pixels on: less than 1 because of rounding."""


class Images(NamedTuple):
    """The images without the border.

    Attributes:
        coarse: the input, (batch, height / s, width / s, band).
        fine: the prediction, (batch, height, width, band); 0 at masked pixels.
        target: of the same shape; 0 at masked pixels.
        keep: (batch, height, width, 1), True at valid pixels.
        sound: (batch,), False where a valid pixel is not finite.
    """

    coarse: tf.Tensor
    fine: tf.Tensor
    target: tf.Tensor
    keep: tf.Tensor
    sound: tf.Tensor

    @classmethod
    def of(
        cls, target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, coarse: tf.Tensor, border: int = BORDER
    ) -> Images:
        """Return the three images of a metric.

        Raises:
            ValueError: the target has not a whole number of pixels to a pixel of the input, or only its border.
        """
        target = tf.convert_to_tensor(target)
        coarse, prediction = tf.cast(coarse, target.dtype), tf.cast(prediction, target.dtype)
        (height, width), (rows, columns) = target.shape[1:3], coarse.shape[1:3]
        factor = height // rows
        if (rows * factor, columns * factor) != (height, width):
            raise ValueError(f"{height} x {width} pixels are no whole multiple of the input's {rows} x {columns}")
        few = border // factor
        many = few * factor
        if min(rows, columns) <= 2 * few:
            raise ValueError(f"{height} x {width} pixels have nothing left without the border of {many} pixels")
        keep = tf.ones_like(target[..., :1], tf.bool) if mask is None else tf.cast(mask, tf.bool)[..., tf.newaxis]
        coarse = coarse[:, few : rows - few, few : columns - few]
        fine, target, keep = (
            image[:, many : height - many, many : width - many] for image in (prediction, target, keep)
        )
        fine, target = (tf.where(keep, image, tf.zeros([], image.dtype)) for image in (fine, target))
        finite = [tf.reduce_all(tf.math.is_finite(image), axis=(1, 2, 3)) for image in (coarse, fine, target)]
        return cls(coarse, fine, target, keep, tf.reduce_all(finite, axis=0))

    def defined(self, score: tf.Tensor) -> tf.Tensor:
        """Return a score (batch,), NaN where a pixel is not finite."""
        return tf.where(self.sound, score, tf.cast(math.nan, score.dtype))

    @property
    def reduced(self) -> tf.Tensor:
        """The prediction in the pixels of the input, by a triangle filter of twice their width."""
        return _resized(self.fine, self.coarse, antialias=True)

    @property
    def keep_coarse(self) -> tf.Tensor:
        """Pixels of the input (batch, height / s, width / s, 1) whose filter meets no masked pixel."""
        return _resized(tf.cast(self.keep, self.fine.dtype), self.coarse, antialias=True) > WHOLE

    @property
    def enlarged(self) -> tf.Tensor:
        """The input in the pixels of the target, by bilinear interpolation."""
        return _resized(self.coarse, self.fine, antialias=False)

    @property
    def harmonised(self) -> tf.Tensor:
        """The prediction with the histograms of the target."""
        return matched(self.fine, self.target, self.keep)


def _resized(image: tf.Tensor, like: tf.Tensor, antialias: bool) -> tf.Tensor:
    resized = tf.image.resize(image, like.shape[1:3], "bilinear", antialias=antialias)
    return tf.cast(resized, image.dtype)


def reflectance(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, coarse_input: tf.Tensor
) -> tf.Tensor:
    """Return the mean absolute difference of the input and the prediction in its pixels, in units of the data."""
    images = Images.of(target, prediction, mask, coarse_input)
    return images.defined(mean(tf.abs(images.coarse - images.reduced), images.keep_coarse, [1, 2, 3]))


def spectral(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, coarse_input: tf.Tensor
) -> tf.Tensor:
    """Return the mean angle between the spectra of the input and of the prediction in its pixels, in degrees.

    Pixels where either spectrum is zero are left out. A single band has no spectra: NaN.
    """
    images = Images.of(target, prediction, mask, coarse_input)
    if images.coarse.shape[-1] == 1:
        return tf.fill([tf.shape(images.coarse)[0]], tf.cast(math.nan, images.coarse.dtype))
    angle, has_spectra = angles(images.coarse, images.reduced)
    return images.defined(mean(angle, has_spectra & images.keep_coarse, [1, 2, 3]) * (180 / math.pi))


def spatial(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, coarse_input: tf.Tensor
) -> tf.Tensor:
    """Return the length of the shift between the input and the prediction in its pixels, in pixels of the input.

    It is that of the means over bands, in steps of a tenth of a pixel. NaN where a pixel is masked, because the edge of
    the mask does not move, and where an image does not vary.
    """
    images = Images.of(target, prediction, mask, coarse_input)
    first, second = (tf.reduce_mean(image, -1) for image in (images.coarse, images.reduced))
    defined = tf.reduce_all(images.keep, axis=(1, 2, 3))
    for image in (first, second):
        defined &= tf.reduce_max(image, axis=(1, 2)) != tf.reduce_min(image, axis=(1, 2))
    length = tf.cast(tf.norm(shift(first, second), axis=1), first.dtype)
    return images.defined(tf.where(defined, length, tf.cast(math.nan, length.dtype)))


def synthesis(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, coarse_input: tf.Tensor
) -> tf.Tensor:
    """Return the mean absolute difference of the enlarged input and the harmonised prediction, in units of the data."""
    images = Images.of(target, prediction, mask, coarse_input)
    return synthesis_of(images, images.harmonised)


def synthesis_of(images: Images, fine: tf.Tensor) -> tf.Tensor:
    """Return the synthesis (batch,) of a prediction, harmonised or not."""
    return images.defined(mean(tf.abs(images.enlarged - fine), images.keep, [1, 2, 3]))


def improvement(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, coarse_input: tf.Tensor
) -> tf.Tensor:
    """Return the mean share of improvement, 0 to 1: the prediction left the enlarged input towards the target."""
    images = Images.of(target, prediction, mask, coarse_input)
    return shares(images, images.harmonised)[0]


def omission(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, coarse_input: tf.Tensor
) -> tf.Tensor:
    """Return the mean share of omission, 0 to 1: the prediction stayed at the enlarged input."""
    images = Images.of(target, prediction, mask, coarse_input)
    return shares(images, images.harmonised)[1]


def hallucination(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, coarse_input: tf.Tensor
) -> tf.Tensor:
    """Return the mean share of hallucination, 0 to 1: the prediction is far from the target and from the input."""
    images = Images.of(target, prediction, mask, coarse_input)
    return shares(images, images.harmonised)[2]


def without_reference(
    target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale, coarse_input: tf.Tensor
) -> tf.Tensor:
    """Return how many valid pixels the three shares leave out because target and enlarged input are equal, in %."""
    images = Images.of(target, prediction, mask, coarse_input)
    equal = distance(images.enlarged, images.target) == 0
    return images.defined(100 * mean(tf.cast(equal, images.fine.dtype), images.keep[..., 0], [1, 2]))


def shares(images: Images, fine: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return improvement, omission and hallucination (batch,) of a prediction, harmonised or not; they add up to 1.

    Pixels whose three distances (of each two of target, prediction and enlarged input) are at most the quantile of
    those of target and input are left out: nothing was to be done there. So are pixels where target and input are
    equal, because distances are in relation to theirs. NaN where no pixel is left.
    """
    keep, enlarged = images.keep[..., 0], images.enlarged
    reference, error, added = (
        distance(*pair) for pair in ((enlarged, images.target), (fine, images.target), (fine, enlarged))
    )
    threshold = _quantile(reference, keep)
    small = (reference <= threshold) & (error <= threshold) & (added <= threshold)
    a, o = error / reference, added / reference
    decay = tf.exp(-STEEPNESS * (a + o - 1))
    terms = tf.stack([a + o * (1 - decay), o + a * (1 - decay), tf.exp(-STEEPNESS * a * o)], axis=-1)
    parts = tf.nn.softmax(-terms / TEMPERATURE, axis=-1)
    judged = keep & ~small & (reference != 0) & tf.reduce_all(tf.math.is_finite(parts), axis=-1)
    improved, omitted, invented = (images.defined(mean(part, judged, [1, 2])) for part in tf.unstack(parts, axis=-1))
    return improved, omitted, invented


def distance(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Return the mean over bands of |x - y| / |x + y + 1e-8|, (batch, height, width)."""
    return tf.reduce_mean(tf.abs(first - second) / tf.abs(first + second + 1e-8), axis=-1)


def _quantile(values: tf.Tensor, keep: tf.Tensor) -> tf.Tensor:
    """Return the value of rank int(QUANTILE n), counted from 1, of the n valid ones, (batch, 1, 1)."""
    counted = tf.where(keep, values, tf.cast(math.inf, values.dtype))
    rows = tf.reshape(counted, (tf.shape(values)[0], values.shape[1] * values.shape[2]))
    count = tf.math.count_nonzero(keep, axis=(1, 2), dtype=tf.int32)
    rank = tf.maximum(count * int(QUANTILE * 100) // 100, 1)
    found = tf.gather(tf.sort(rows, axis=1), rank - 1, batch_dims=1)
    return found[:, tf.newaxis, tf.newaxis]
