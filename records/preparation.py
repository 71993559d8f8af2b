"""From stored numbers to what the network sees, and back to physical units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from records import geometry
from records.manifest import Field

if TYPE_CHECKING:
    from experiment import Experiment


def prepare(batch: dict[str, tf.Tensor], experiment: Experiment) -> dict[str, tf.Tensor]:
    """Turn fields as stored into network values; ``Dataset.prepare`` documents it."""
    manifest = experiment.manifest
    size = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    draws = batch.get("draws")
    coordinates = None
    if draws is not None:
        augmentation = geometry.Augmentation(
            experiment.RANDOM_RESIZE, experiment.RANDOM_ROTATE, experiment.RANDOM_MIRROR
        )
        if augmentation != geometry.NOTHING:
            coordinates = geometry.source_coordinates(size, draws, augmentation)
    prepared = {
        name: _prepare_field(batch[name], field, experiment, coordinates) for name, field in manifest.fields.items()
    }
    return prepared | {"input_image": prepared[manifest.input], "target": prepared[manifest.target]}


def _prepare_field(
    stored: tf.Tensor, field: Field, experiment: Experiment, coordinates: tuple[tf.Tensor, tf.Tensor] | None
) -> tf.Tensor:
    if field.dates:
        stored = tf.transpose(stored, (0, 2, 3, 1, 4))
        stored = tf.reshape(stored, (-1, *field.size, field.dates * len(field.bands)))
    if field.kind == "image":
        values = scaled(stored, field, experiment)
    else:
        values = tf.cast(stored, tf.int32 if field.kind == "classes" else tf.float32)
    values = _resampled(values, field, experiment, coordinates)
    if field.kind == "image" and experiment.NORMALIZE == "l2":
        values = tf.nn.l2_normalize(values, axis=(1, 2, 3))
    if field.dates and not experiment.FOLD_DATES:
        height, width = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
        values = tf.reshape(values, (-1, height, width, field.dates, len(field.bands)))
        values = tf.transpose(values, (0, 3, 1, 2, 4))
    return values


def _resampled(
    values: tf.Tensor, field: Field, experiment: Experiment, coordinates: tuple[tf.Tensor, tf.Tensor] | None
) -> tf.Tensor:
    """Bring a field (batch, height, width, band) to the network's size, augmented where coordinates are given."""
    size = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    interpolate = coordinates is not None and field.kind == "image" and experiment.RANDOM_RESIZE > 1
    if coordinates is None:
        if field.size == size:
            return values
        draws = tf.zeros((tf.shape(values)[0], geometry.DRAWS))
        coordinates = geometry.source_coordinates(size, draws, geometry.NOTHING)
    sample = geometry.sample_bilinear if interpolate else geometry.sample_nearest
    sampled = sample(values, *coordinates, size)
    return tf.ensure_shape(sampled, (None, *size, values.shape[3]))


def scaled(stored: tf.Tensor, field: Field, experiment: Experiment) -> tf.Tensor:
    """Scale stored numbers (..., band) for the network; nodata becomes the lower end of the valid range."""
    gain, shift = _gain_and_shift(field, experiment.NORMALIZE)
    dates = stored.shape[-1] // len(field.bands)
    gain, shift = np.tile(gain, dates), np.tile(shift, dates)
    values = tf.cast(stored, tf.float32)
    missing = ~tf.math.is_finite(values)
    if field.nodata is not None:
        missing |= tf.equal(stored, tf.cast(field.nodata, stored.dtype))
    # stored -> physical -> network in one multiplication and addition
    low = np.tile(np.asarray(field.bounds[0], np.float64), dates)
    network = values * tf.constant(field.scale * gain, tf.float32) + tf.constant(
        field.offset * gain + shift, tf.float32
    )
    return tf.where(missing, tf.constant(low * gain + shift, tf.float32), network)


def physical(values: tf.Tensor, field: Field, experiment: Experiment) -> tf.Tensor:
    """Undo ``scaled`` down to physical units; values (..., band), folded dates included."""
    gain, shift = _gain_and_shift(field, experiment.NORMALIZE)
    dates = values.shape[-1] // len(field.bands)
    gain, shift = np.tile(gain, dates), np.tile(shift, dates)
    return (values - tf.constant(shift, tf.float32)) * tf.constant(1 / gain, tf.float32)


def _gain_and_shift(field: Field, normalize: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (gain, shift) per band with network = physical * gain + shift."""
    low, high = (np.asarray(bound, np.float64) for bound in field.bounds)
    if normalize in ("none", "l2"):
        return np.ones_like(low), np.zeros_like(low)
    width = 2.0 if normalize == "symmetric" else 1.0
    gain = width / (high - low)
    return gain, -low * gain - (width - 1.0)


def valid_pixels(batch: dict[str, tf.Tensor], experiment: Experiment) -> tf.Tensor | None:
    """Return (batch, height, width), True where a target pixel counts in metrics, or None where all do.

    A pixel counts where no band of the target is nodata or not finite, and where the manifest's mask is not 0.
    """
    manifest = experiment.manifest
    target = manifest.fields[manifest.target]
    conditions = []
    if target.nodata is not None or target.dtype.startswith("float"):
        stored = batch[manifest.target]
        missing = ~tf.math.is_finite(tf.cast(stored, tf.float32))
        if target.nodata is not None:
            missing |= tf.equal(stored, tf.cast(target.nodata, stored.dtype))
        conditions.append((~missing, target))
    if manifest.mask is not None:
        conditions.append((batch[manifest.mask] != 0, manifest.fields[manifest.mask]))
    valid = None
    for condition, field in conditions:
        over_dates = tf.reduce_all(condition, axis=(1, -1) if field.dates else -1)
        flat = Field(dtype="uint8", shape=[*field.size, 1], kind="mask", bands=["valid"])
        here = _resampled(tf.cast(over_dates, tf.float32)[..., None], flat, experiment, None)[..., 0] > 0
        valid = here if valid is None else valid & here
    return valid
