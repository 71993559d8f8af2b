"""Augmentation of tiles: random crop, rotation and mirroring, the same for all fields of a sample.

Rotation, mirroring and the upsampling of coarse fields only copy pixels, hence they are exact for any type. The random
resize interpolates: bilinear for images, nearest neighbour for masks and classes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf


class Augmentation(NamedTuple):
    """Which augmentations an experiment applies to its training tiles."""

    resize: float
    rotate: bool
    mirror: bool


NONE = Augmentation(1.0, rotate=False, mirror=False)
DRAWS = 4
COMPILED_FROM = 2**17
"""Numbers in a tile from which a compiled computation is worth the time that compiling takes."""


def draw(seed: int, counter: tf.Tensor) -> tf.Tensor:
    """Return the random numbers of a training sample, a pure function of seed and counter.

    Args:
        seed: of the experiment.
        counter: scalar int64, the number of the sample over the whole run.

    Returns:
        (4,) float32, uniform in [0, 1): for the row of the crop, its column, the rotation, and the mirroring.
    """
    return tf.random.stateless_uniform((DRAWS,), tf.stack([tf.constant(seed, tf.int64), counter]))


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
    quarters = _quarters(size, chance)
    by_180 = quarters >= 2
    rows, columns = tf.where(by_180, height - 1 - rows, rows), tf.where(by_180, width - 1 - columns, columns)
    if height != width:
        return rows, columns
    by_90 = quarters % 2 == 1
    return tf.where(by_90, columns, rows), tf.where(by_90, height - 1 - rows, columns)


def _quarters(size: tuple[int, int], chance: tf.Tensor) -> tf.Tensor:
    """Return by how many quarters of a turn tiles are rotated: 0 to 3, or 0 and 2 where they are not square."""
    return tf.floor(chance * 4) if size[0] == size[1] else tf.floor(chance * 2) * 2


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
    last = [_within(*each, side) for each, side in zip(ends, field.shape[1:3], strict=True)]
    boxes = tf.stack([ends[0][0], ends[1][0], *last], axis=1)
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


def _within(first: tf.Tensor, last: tf.Tensor, side: int) -> tf.Tensor:
    """Return the last position, a little less where the kernel, by rounding, leaves the tile and writes 0."""
    none = tf.zeros_like(first)
    boxes, ramp = tf.stack([first, none, last, none], axis=1), tf.range(side, dtype=tf.float32)[None, :, None, None]
    crops = tf.image.crop_and_resize(ramp, boxes, tf.zeros_like(first, tf.int32), (side, 1), extrapolation_value=-1)
    return tf.where(crops[:, -1, 0, 0] < 0, last - 1e-6, last)


Rounded = Callable[[tf.Tensor], tf.Tensor]
"""Returns float32 products, and keeps a compiler from adding to them before they are rounded."""


def augmented(
    field: tf.Tensor,
    size: tuple[int, int],
    draws: tf.Tensor,
    augmentation: Augmentation,
    convert: Callable[[tf.Tensor, Rounded], tf.Tensor],
    *,
    interpolate: bool,
) -> tf.Tensor:
    """Return ``cropped(convert(oriented(field)))`` in one pass over the pixels of a batch.

    XLA fuses the gathers of whole batches with their conversion and interpolation. GPUs and small tiles use the
    functions one by one. Both are equal bit for bit, except where rounding would have left the tile.

    Args:
        field: (batch, stored height, stored width, band), any type.
        size: (height, width) of the result.
        draws: (batch, 4) random numbers of ``draw``.
        augmentation: which augmentations to apply.
        convert: pixels as stored (..., band) and ``Rounded`` -> numbers of the same shape.
        interpolate: bilinear, else nearest neighbour.

    Returns:
        (batch, height, width, band), of the type that ``convert`` returns.
    """
    if tf.config.list_physical_devices("GPU") or size[0] * size[1] * field.shape[3] < COMPILED_FROM:
        values = convert(oriented(field, size, draws, augmentation), tf.identity)
        return (
            cropped(values, draws, augmentation.resize, interpolate=interpolate) if augmentation.resize > 1 else values
        )
    between = interpolate and augmentation.resize > 1
    positions = [_positions(side, draws[:, axis], augmentation.resize, between) for axis, side in enumerate(size)]
    stored = field.shape[1], field.shape[2]
    ends = [[tf.cast(end(each), tf.int32) for each in positions] for end in (tf.floor, tf.math.ceil)]
    sources = [_stored_pixels(rows, columns, size, stored, draws, augmentation) for rows, columns in ends]
    weights = [each - tf.floor(each) for each in positions]
    # Never 1, which no compiler knows.
    zero = tf.cast(draws[0, 0] < 0, tf.int32)

    def compute(field: tf.Tensor, sources: Any, weights: Any, zero: tf.Tensor) -> tf.Tensor:
        (top, left), (bottom, right) = sources
        flat = tf.reshape(field, (-1, stored[0] * stored[1], field.shape[3]))

        def rounded(product: tf.Tensor) -> tf.Tensor:
            return tf.bitcast(tf.bitwise.bitwise_xor(tf.bitcast(product, tf.int32), zero), tf.float32)

        def pixels(row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
            return convert(tf.gather(flat, row[:, :, None] + column[:, None, :], axis=1, batch_dims=1), rounded)

        def blend(first: tf.Tensor, second: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
            return first + rounded((second - first) * weight)

        if not between:
            return pixels(top, left)
        downwards, rightwards = weights[0][:, :, None, None], weights[1][:, None, :, None]
        upper = blend(pixels(top, left), pixels(top, right), rightwards)
        lower = blend(pixels(bottom, left), pixels(bottom, right), rightwards)
        return blend(upper, lower, downwards)

    # Compiling takes longer than a single call.
    compiled = compute if tf.executing_eagerly() else tf.function(compute, jit_compile=True, autograph=False)
    return compiled(field, sources, weights, zero)


def _positions(side: int, chance: tf.Tensor, resize: float, interpolate: bool) -> tf.Tensor:
    """Return the positions (batch, side) of the pixels of a crop along one axis, as ``cropped`` computes them."""
    pixels = tf.range(side, dtype=tf.float32)
    if resize <= 1:
        return tf.broadcast_to(pixels, (tf.shape(chance)[0], side))
    first, last = _ends(side, chance, resize)
    none = tf.zeros_like(first)
    boxes, of = tf.stack([first, none, last, none], axis=1), tf.zeros_like(first, tf.int32)
    method = "bilinear" if interpolate else "nearest"
    # The crop of a ramp. A last position that rounding moves beyond the tile is its last pixel.
    ramp = pixels[None, :, None, None]
    return tf.image.crop_and_resize(ramp, boxes, of, (side, 1), method, extrapolation_value=side - 1)[:, :, 0, 0]


def _stored_pixels(
    rows: tf.Tensor,
    columns: tf.Tensor,
    size: tuple[int, int],
    stored: tuple[int, int],
    draws: tf.Tensor,
    augmentation: Augmentation,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return what row and column of a pixel contribute to the number of its stored pixel, counted row by row.

    Args:
        rows: (batch, height) rows of the reoriented tile.
        columns: (batch, width) columns of it.
        size: (height, width) of the reoriented tile.
        stored: (height, width) as stored.
        draws: (batch, 4) random numbers of ``draw``.
        augmentation: whether to rotate and to mirror.

    Returns:
        (batch, height) and (batch, width); their sums are the numbers.
    """
    height, width = size

    def of_row(row: tf.Tensor) -> tf.Tensor:
        return (2 * row + 1) * stored[0] // (2 * height) * stored[1]

    def of_column(column: tf.Tensor) -> tf.Tensor:
        return (2 * column + 1) * stored[1] // (2 * width)

    if augmentation.mirror:
        columns = tf.where(draws[:, 3, None] < 0.5, width - 1 - columns, columns)
    if not augmentation.rotate:
        return of_row(rows), of_column(columns)
    quarters = _quarters(size, draws[:, 2, None])
    rows = tf.where(quarters >= 2, height - 1 - rows, rows)
    columns = tf.where(quarters >= 2, width - 1 - columns, columns)
    by_90 = quarters % 2 == 1
    from_rows = tf.where(by_90, of_column(height - 1 - rows), of_row(rows))
    from_columns = tf.where(by_90, of_row(columns), of_column(columns))
    return from_rows, from_columns
