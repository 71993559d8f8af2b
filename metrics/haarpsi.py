"""HaarPSI: perceptual similarity computed from six Haar wavelet responses.

Source: Reisenhofer, Bosse, Kutyniok and Wiegand 2018, doi:10.1016/j.image.2017.11.001, arXiv 1607.06140.
"""

from __future__ import annotations

import math

import tensorflow as tf

from metrics import Scale
from metrics.fused import fused
from metrics.masking import apply_mask, mean, whole_windows

C, ALPHA = 30.0, 4.2
YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))
SUPPORT = 16  # side of the image part that one position depends on: the 8 x 8 filter after downsampling by 2


def haarpsi(target: tf.Tensor, prediction: tf.Tensor, mask: tf.Tensor | None, scale: Scale) -> tf.Tensor:
    """Return the Haar wavelet-based perceptual similarity index, 0 to 1; identical images score 1.

    Values become (value - low) 255 / data_range, so that the valid range corresponds to 8-bit grey values. The bands
    scale.rgb are the colours, and a single band is grey. Two bands are neither, and score NaN.

    Outside of the image are zeros, as in the paper, that is the lower end of the range. With a mask, only positions are
    used whose support of 16 x 16 pixels has no masked pixel; a mask without masked pixels gives the same result as no
    mask. Images with fewer than 16 pixels a side score NaN.

    Args:
        target: (batch, height, width, band) in physical units.
        prediction: of the same shape and unit.
        mask: (batch, height, width), non-zero at valid pixels, or None.
        scale: its data_range, low and rgb are used.

    Returns:
        (batch,); NaN where no position has a response, for example for two images of zeros.

    Raises:
        ValueError: scale.rgb names a band that the images do not have.
    """
    target = tf.convert_to_tensor(target)
    low = tf.cast(scale.low, target.dtype)
    target, prediction, keep = apply_mask(target - low, tf.cast(prediction, target.dtype) - low, mask)
    if target.shape[-1] == 2:
        return tf.fill([tf.shape(target)[0]], tf.cast(math.nan, target.dtype))
    bands = scale.rgb if target.shape[-1] >= 3 else scale.rgb[:1]
    if max(bands) >= target.shape[-1]:
        raise ValueError(f"scale.rgb names band {max(bands)}, but the images have {target.shape[-1]}")
    result = similarity_index(target, prediction, bands, 255 / float(scale.data_range), whole_supports(keep))
    large_enough = tf.reduce_min(tf.shape(target)[1:3]) >= SUPPORT
    return tf.where(large_enough, result, tf.cast(math.nan, result.dtype))


def similarity_index(
    target: tf.Tensor,
    prediction: tf.Tensor,
    bands: tuple[int, ...],
    gain: float,
    positions: tf.Tensor | None = None,
) -> tf.Tensor:
    """Return the index (batch,) of images of any size, over the valid positions of the downsampled image.

    Args:
        target: (batch, height, width, band).
        prediction: of the same shape.
        bands: indices of red, green and blue, or of one grey band.
        gain: factor from the data to the scale 0..255.
        positions: (batch, ceil(height / 2), ceil(width / 2)) booleans, True where valid, or None if all are valid.
    """
    weighted, weights = weighted_similarity(target, prediction, bands, gain)
    z = mean(weighted, positions, [1, 2]) / mean(weights, positions, [1, 2])
    return tf.square(tf.math.log(z / (1 - z)) / ALPHA)


@fused
def weighted_similarity(
    target: tf.Tensor, prediction: tf.Tensor, bands: tuple[int, ...], gain: float
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the weighted similarity and the weight of each position, summed over orientations and colour.

    Args:
        target: (batch, height, width, band).
        prediction: of the same shape.
        bands: indices of red, green and blue, or of one grey band.
        gain: factor from the data to the scale 0..255.

    Returns:
        Two tensors (batch, ceil(height / 2), ceil(width / 2)).
    """
    target_luma, target_chroma = luma_and_chroma(target, bands, gain)
    prediction_luma, prediction_chroma = luma_and_chroma(prediction, bands, gain)
    maps, weights = [], []
    for t, p in zip(haar_responses(target_luma), haar_responses(prediction_luma), strict=True):
        maps.append((similarity(t[0], p[0]) + similarity(t[1], p[1])) / 2)
        weights.append(tf.maximum(t[2], p[2]))
    if target_chroma:
        pairs = zip(target_chroma, prediction_chroma, strict=True)
        maps.append(sum(similarity(t, p) for t, p in pairs) / len(target_chroma))
        weights.append((weights[0] + weights[1]) / 2)
    weighted = sum(tf.sigmoid(ALPHA * s) * w for s, w in zip(maps, weights, strict=True))
    return weighted, sum(weights)


def similarity(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Return the similarity of two arrays of magnitudes at each position, 0 to 1."""
    return (2 * first * second + C) / (first * first + second * second + C)


def luma_and_chroma(image: tf.Tensor, bands: tuple[int, ...], gain: float) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Return the luma of the downsampled image and the magnitudes of its two chromas (none for one band).

    All are (batch, ceil(height / 2), ceil(width / 2)), on the scale 0..255.
    """
    channels = [downsampled(image[..., band] * gain) for band in bands]
    if len(channels) < 3:
        return channels[0], []
    luma, *chromas = [r * channels[0] + g * channels[1] + b * channels[2] for r, g, b in YIQ]
    return luma, [tf.abs(block_means(chroma)) for chroma in chromas]


def downsampled(channel: tf.Tensor) -> tf.Tensor:
    """Return means of 2 x 2 blocks of (batch, height, width); an odd height or width is padded with zeros."""
    rows, columns = tf.shape(channel)[1], tf.shape(channel)[2]
    channel = tf.pad(channel, [[0, 0], [0, rows % 2], [0, columns % 2]])
    rows_summed = channel[:, ::2] + channel[:, 1::2]
    return (rows_summed[:, :, ::2] + rows_summed[:, :, 1::2]) / 4


def block_means(channel: tf.Tensor) -> tf.Tensor:
    """Return the mean of each pixel, its right, lower and lower right neighbours, with zeros outside of the image."""
    channel = tf.pad(channel, [[0, 0], [0, 1], [0, 1]])
    rows_summed = channel[:, :-1] + channel[:, 1:]
    return (rows_summed[:, :, :-1] + rows_summed[:, :, 1:]) / 4


def haar_responses(luma: tf.Tensor) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
    """Return the magnitudes of the Haar responses of sides 2, 4 and 8, to horizontal and to vertical edges.

    A filter of side n is the difference of two boxes of n/2 x n, divided by n. The boxes of a scale are sums of
    neighbouring boxes of the scale before. Position (i, j) depends on rows i - (n/2 - 1) to i + n/2 and on the same
    range of columns.

    Args:
        luma: (batch, height, width); outside of it are zeros.

    Returns:
        Two lists of three tensors (batch, height, width).
    """
    rows, columns = tf.shape(luma)[1], tf.shape(luma)[2]
    box = tf.pad(luma, [[0, 0], [3, 4], [3, 4]])
    across: list[tf.Tensor] = []
    down: list[tf.Tensor] = []
    for half in (1, 2, 4):
        first = 4 - half  # row and column of position (0, 0) of this scale in the padded image
        wide = box[:, :, :-half] + box[:, :, half:]
        tall = box[:, :-half] + box[:, half:]
        horizontal = (wide[:, half:] - wide[:, :-half])[:, first : first + rows, first : first + columns]
        vertical = (tall[:, :, half:] - tall[:, :, :-half])[:, first : first + rows, first : first + columns]
        across.append(tf.abs(horizontal) / (2 * half))
        down.append(tf.abs(vertical) / (2 * half))
        box = wide[:, :-half] + wide[:, half:]
    return across, down


def whole_supports(keep: tf.Tensor | None) -> tf.Tensor | None:
    """Return for each position of the downsampled image whether its support has no masked pixel.

    Args:
        keep: (batch, height, width, 1) booleans, True at valid pixels, or None.

    Returns:
        (batch, ceil(height / 2), ceil(width / 2)) booleans, or None for None.
    """
    if keep is None:
        return None
    rows, columns = tf.shape(keep)[1], tf.shape(keep)[2]
    padding = [[0, 0], [6, 8 + rows % 2], [6, 8 + columns % 2], [0, 0]]
    return whole_windows(tf.pad(keep, padding, constant_values=True), SUPPORT)[:, ::2, ::2, 0]
