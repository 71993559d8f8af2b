"""Augmentation of tiles: random crop, rotation and mirroring, the same for all fields of a sample.

Rotation, mirroring and the upsampling of coarse fields only copy pixels, hence they are exact for any type. The random
resize interpolates: bilinear for images, nearest neighbour for masks and classes.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Augmentation(NamedTuple):
    """Which augmentations an experiment applies to its training tiles."""

    resize: float
    rotate: bool
    mirror: bool


NONE = Augmentation(1.0, rotate=False, mirror=False)
DRAWS = 4


def draw(seed: int, counter: tf.Tensor) -> tf.Tensor:
    """Return the random numbers of a training sample, a pure function of seed and counter.

    Args:
        seed: of the experiment.
        counter: scalar int64, the number of the sample over the whole run.

    Returns:
        (4,) float32, uniform in [0, 1): for the row of the crop, its column, the rotation, and the mirroring.
    """
    return tf.random.stateless_uniform((DRAWS,), tf.stack([tf.cast(seed, tf.int64), counter]))


def oriented(field: tf.Tensor, size: tuple[int, int], draws: tf.Tensor | None, augmentation: Augmentation) -> tf.Tensor:
    """Resize a field to the network's size by nearest neighbour, and rotate and mirror it.

    Args:
        field: (batch, stored height, stored width, band), any type.
        size: (height, width) of the result.
        draws: (batch, 4) random numbers of ``draw``, or None for no change of orientation.
        augmentation: whether to rotate and to mirror. Tiles that are not square are rotated by 0 or 180 degrees.

    Returns:
        (batch, height, width, band), the same type.
    """
    reoriented = draws is not None and (augmentation.rotate or augmentation.mirror)
    if not reoriented and tuple(field.shape[1:3]) == size:
        return field
    height, width = size
    batch = tf.shape(field)[0]
    rows = tf.broadcast_to(tf.range(height)[None, :, None], (batch, height, width))
    columns = tf.broadcast_to(tf.range(width)[None, None, :], (batch, height, width))
    if draws is not None and augmentation.mirror:
        columns = tf.where(draws[:, 3, None, None] < 0.5, width - 1 - columns, columns)
    if draws is not None and augmentation.rotate:
        rows, columns = _rotated(rows, columns, size, draws[:, 2, None, None])
    return _take(
        field, (2 * rows + 1) * field.shape[1] // (2 * height), (2 * columns + 1) * field.shape[2] // (2 * width)
    )


def _rotated(
    rows: tf.Tensor, columns: tf.Tensor, size: tuple[int, int], chance: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the source row and column of each pixel when tiles are rotated by 0, 90, 180 or 270 degrees."""
    height, width = size
    quarters = tf.floor(chance * 4) if height == width else tf.floor(chance * 2) * 2
    by_180 = quarters >= 2
    rows, columns = tf.where(by_180, height - 1 - rows, rows), tf.where(by_180, width - 1 - columns, columns)
    if height != width:
        return rows, columns
    by_90 = quarters % 2 == 1
    return tf.where(by_90, columns, rows), tf.where(by_90, height - 1 - rows, columns)


def _take(field: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Return the pixels of a field at rows and columns, each (batch, height, width)."""
    height, width, bands = field.shape[1:]
    first = tf.range(tf.shape(field)[0])[:, None, None] * (height * width)
    return tf.gather(tf.reshape(field, (-1, bands)), first + rows * width + columns)


def cropped(field: tf.Tensor, draws: tf.Tensor, resize: float, *, interpolate: bool) -> tf.Tensor:
    """Upsample tiles by a factor and crop them at random to their former size.

    Args:
        field: (batch, height, width, band), numbers.
        draws: (batch, 4) random numbers of ``draw``.
        resize: the factor, at least 1.
        interpolate: bilinear, else nearest neighbour.

    Returns:
        (batch, height, width, band) float32.
    """
    ends = [_ends(side, draws[:, axis], resize) for axis, side in enumerate(field.shape[1:3])]
    boxes = tf.stack([ends[0][0], ends[1][0], ends[0][1], ends[1][1]], axis=1)
    method = "bilinear" if interpolate else "nearest"
    return tf.image.crop_and_resize(field, boxes, tf.range(tf.shape(field)[0]), field.shape[1:3], method)


def _ends(side: int, chance: tf.Tensor, resize: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the positions of the first and the last pixel of a crop along one axis.

    Args:
        side: pixels of the tile along the axis.
        chance: (batch,) random numbers in [0, 1).
        resize: factor of the upsampling.

    Returns:
        Two (batch,) positions of pixel centres, from 0 (first pixel of the tile) to 1 (last pixel).
    """
    upsampled = int(side * resize)
    start = tf.floor(chance * (upsampled - side + 1))
    scale = side / upsampled
    first, last = (tf.clip_by_value((start + pixel + 0.5) * scale - 0.5, 0.0, side - 1.0) for pixel in (0, side - 1))
    return first / (side - 1), last / (side - 1)
