"""Resizing, random crop, rotation and mirroring of tiles: the same draw for all fields of a sample.

Orientation and the enlargement of coarse fields only move pixels, hence they work on any type, exactly. The random
resize interpolates: bilinear for images, nearest neighbour for masks and classes.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Augmentation(NamedTuple):
    """What may be done to a training tile."""

    resize: float
    rotate: bool
    mirror: bool


DRAWS = 4


def draw(seed: int, counter: tf.Tensor) -> tf.Tensor:
    """Return the (4,) uniform numbers in [0, 1) that belong to a sample counter: a pure function of both.

    They decide, in this order, the row and the column of the crop, the rotation, and the mirroring.
    """
    return tf.random.stateless_uniform((DRAWS,), tf.stack([tf.cast(seed, tf.int64), counter]))


def oriented(field: tf.Tensor, size: tuple[int, int], draws: tf.Tensor | None, augmentation: Augmentation) -> tf.Tensor:
    """Bring a field to the size that the network sees, by repeating or leaving out pixels, rotated and mirrored.

    Args:
        field: (batch, stored height, stored width, band), any type.
        size: (height, width) to make.
        draws: (batch, 4) uniform numbers, or None for no change of orientation.
        augmentation: what to do with them. Tiles that are not square rotate by 0 or 180 degrees.

    Returns:
        (batch, height, width, band), the same type.
    """
    turning = draws is not None and (augmentation.rotate or augmentation.mirror)
    if not turning and tuple(field.shape[1:3]) == size:
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
    """Return where each pixel comes from when tiles turn by 0, 90, 180 or 270 degrees."""
    height, width = size
    quarters = tf.floor(chance * 4) if height == width else tf.floor(chance * 2) * 2
    halfway = quarters >= 2
    rows, columns = tf.where(halfway, height - 1 - rows, rows), tf.where(halfway, width - 1 - columns, columns)
    if height != width:
        return rows, columns
    turned = quarters % 2 == 1
    return tf.where(turned, columns, rows), tf.where(turned, height - 1 - rows, columns)


def _take(field: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """Return the pixels at (batch, height, width) rows and columns."""
    height, width, bands = field.shape[1:]
    first = tf.range(tf.shape(field)[0])[:, None, None] * (height * width)
    return tf.gather(tf.reshape(field, (-1, bands)), first + rows * width + columns)


def cropped(field: tf.Tensor, draws: tf.Tensor, resize: float, *, interpolate: bool) -> tf.Tensor:
    """Enlarge tiles by a factor and crop them at random to their own size again.

    Args:
        field: (batch, height, width, band), numbers.
        draws: (batch, 4) uniform numbers.
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
    """Return where the first and the last pixel of the crop lie in the tile, from 0 to 1 (pixel centres)."""
    upsampled = int(side * resize)
    start = tf.floor(chance * (upsampled - side + 1))
    scale = side / upsampled
    first, last = (tf.clip_by_value((start + at + 0.5) * scale - 0.5, 0.0, side - 1.0) for at in (0, side - 1))
    return first / (side - 1), last / (side - 1)
