"""Where each pixel that the network sees comes from: resizing, random crop, rotation and mirroring in one step.

Everything is a map from output pixels to stored pixels, so that all fields of a sample take the same draw whatever
their stored size, and nothing is resampled twice.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Augmentation(NamedTuple):
    """What may be done to a training tile."""

    resize: float
    rotate: bool
    mirror: bool


NOTHING = Augmentation(resize=1.0, rotate=False, mirror=False)
DRAWS = 4


def draw(seed: int, counter: tf.Tensor) -> tf.Tensor:
    """Return the (4,) uniform numbers in [0, 1) that belong to a sample counter: a pure function of both."""
    return tf.random.stateless_uniform((DRAWS,), tf.stack([tf.cast(seed, tf.int64), counter]))


def source_coordinates(
    size: tuple[int, int], draws: tf.Tensor, augmentation: Augmentation
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return for every output pixel the (row, column) that it shows of the unaugmented tile.

    Args:
        size: (height, width) of what the network sees.
        draws: (batch, 4) uniform numbers: crop row, crop column, rotation, mirroring.
        augmentation: what to do with them.

    Returns:
        Two float tensors (batch, height, width) in pixels, from 0 to height - 1 and width - 1.
    """
    height, width = size
    rows = tf.range(height, dtype=tf.float32)[None, :, None] + tf.zeros((tf.shape(draws)[0], 1, width))
    columns = tf.range(width, dtype=tf.float32)[None, None, :] + tf.zeros((tf.shape(draws)[0], height, 1))
    draws = draws[:, :, None, None]
    if augmentation.mirror:
        columns = tf.where(draws[:, 3] < 0.5, width - 1 - columns, columns)
    if augmentation.rotate:
        rows, columns = _rotated(rows, columns, size, draws[:, 2])
    if augmentation.resize > 1:
        rows = _cropped(rows, height, augmentation.resize, draws[:, 0])
        columns = _cropped(columns, width, augmentation.resize, draws[:, 1])
    return rows, columns


def _rotated(
    rows: tf.Tensor, columns: tf.Tensor, size: tuple[int, int], chance: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Rotate by 0, 90, 180 or 270 degrees (0 or 180 where the tile is not square)."""
    height, width = size
    quarters = tf.floor(chance * 4) if height == width else tf.floor(chance * 2) * 2
    flipped = quarters >= 2
    rows, columns = tf.where(flipped, height - 1 - rows, rows), tf.where(flipped, width - 1 - columns, columns)
    if height != width:
        return rows, columns
    turned = quarters % 2 == 1
    return tf.where(turned, columns, rows), tf.where(turned, height - 1 - rows, columns)


def _cropped(coordinate: tf.Tensor, side: int, resize: float, chance: tf.Tensor) -> tf.Tensor:
    """Map coordinates in a random crop of the enlarged tile back to the tile itself (pixel centres, clamped)."""
    enlarged = int(side * resize)
    first = tf.floor(chance * (enlarged - side + 1))
    inner = (coordinate + first + 0.5) * (side / enlarged) - 0.5
    return tf.clip_by_value(inner, 0.0, side - 1.0)


def sample_nearest(field: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Take the nearest stored pixels.

    Args:
        field: (batch, stored height, stored width, band), any type.
        rows: (batch, height, width) coordinates in the grid of ``size``.
        columns: likewise.
        size: (height, width) of the grid that rows and columns count in.

    Returns:
        (batch, height, width, band).
    """
    row = _stored(tf.cast(tf.floor(rows + 0.5), tf.int32), size[0], tf.shape(field)[1])
    column = _stored(tf.cast(tf.floor(columns + 0.5), tf.int32), size[1], tf.shape(field)[2])
    return _take(field, row, column)


def sample_bilinear(field: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor, size: tuple[int, int]) -> tf.Tensor:
    """Interpolate between the four neighbours; arguments as of ``sample_nearest``, floating-point fields only."""
    top, left = tf.floor(rows), tf.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    stored = []
    for row in (top, tf.minimum(top + 1, size[0] - 1.0)):
        for column in (left, tf.minimum(left + 1, size[1] - 1.0)):
            stored.append(sample_nearest(field, row, column, size))
    upper = stored[0] + (stored[1] - stored[0]) * right
    lower = stored[2] + (stored[3] - stored[2]) * right
    return upper + (lower - upper) * down


def _stored(index: tf.Tensor, side: int, stored_side: tf.Tensor) -> tf.Tensor:
    """Turn an index in the grid that the network sees into the index of the stored pixel that covers it."""
    return index * stored_side // side


def _take(field: tf.Tensor, row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
    batch, height, width = (tf.shape(field)[axis] for axis in range(3))
    first = tf.range(batch)[:, None, None] * (height * width)
    flat = tf.reshape(field, (batch * height * width, field.shape[3]))
    return tf.gather(flat, first + row * width + column)
