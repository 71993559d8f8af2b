"""Conversion of stored numbers to the network's values, and back to physical units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from pix2earth.batches import augmentation
from pix2earth.records.manifest import Field

if TYPE_CHECKING:
    from experiment import Experiment


def prepare(batch: dict[str, tf.Tensor], experiment: Experiment) -> dict[str, tf.Tensor]:
    """Turn fields as stored into the network's values; ``Dataset.prepare`` documents it."""
    manifest = experiment.manifest
    draws = batch.get("draws")
    prepared = {name: _prepare_field(batch[name], field, experiment, draws) for name, field in manifest.fields.items()}
    return prepared | {"input_image": prepared[manifest.input], "target": prepared[manifest.target]}


def prepare_scene(batch: dict[str, tf.Tensor], experiment: Experiment) -> dict[str, tf.Tensor]:
    """Turn the fields of a scene as stored into the network's values; others of the dataset are not needed."""
    fields = experiment.manifest.fields
    prepared = {name: _prepare_field(stored, fields[name], experiment, None) for name, stored in batch.items()}
    roles = {"input_image": experiment.manifest.input, "target": experiment.manifest.target}
    return prepared | {role: prepared[name] for role, name in roles.items() if name in prepared}


def _prepare_field(stored: tf.Tensor, field: Field, experiment: Experiment, draws: tf.Tensor | None) -> tf.Tensor:
    size = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    settings = augmentation.Augmentation(experiment.RANDOM_RESIZE, experiment.RANDOM_ROTATE, experiment.RANDOM_MIRROR)
    is_image = field.kind == "image"

    def convert(pixels: tf.Tensor, rounded: augmentation.Rounded = tf.identity) -> tf.Tensor:
        return scaled(pixels, field, experiment, rounded) if is_image else pixels

    folded = _folded(stored, field)
    if draws is None or settings == augmentation.NONE:
        values = convert(augmentation.oriented(folded, size, None, settings))
    else:
        values = augmentation.augmented(folded, size, draws, settings, convert, interpolate=is_image)
    values = tf.cast(values, tf.int32 if field.kind == "classes" else tf.float32)
    if is_image and experiment.NORMALIZE == "l2":
        values = tf.nn.l2_normalize(values, axis=(1, 2, 3))
    if field.time_steps and not experiment.FOLD_DATES:
        values = tf.reshape(values, (-1, *size, field.time_steps, len(field.bands)))
        values = tf.transpose(values, (0, 3, 1, 2, 4))
    return values


def _folded(stored: tf.Tensor, field: Field) -> tf.Tensor:
    """Fold (batch, time, height, width, band) into (batch, height, width, time * band)."""
    if not field.time_steps:
        return stored
    stored = tf.transpose(stored, (0, 2, 3, 1, 4))
    return tf.reshape(stored, (-1, *field.size, field.time_steps * len(field.bands)))


def scaled(
    stored: tf.Tensor, field: Field, experiment: Experiment, rounded: augmentation.Rounded = tf.identity
) -> tf.Tensor:
    """Scale stored numbers for the network; nodata and NaN become the lower end of the valid range.

    Args:
        stored: (..., band), or (..., time * band) where time steps are folded.
        field: the manifest's description of the field.
        experiment: its ``NORMALIZE`` states the scaling.
        rounded: of ``augmentation.augmented``, where the function is compiled.

    Returns:
        float32 of the same shape.
    """
    gain, shift = _gain_and_shift(field, experiment.NORMALIZE)
    time_steps = stored.shape[-1] // len(field.bands)
    lowest = np.tile(np.asarray(field.bounds[0]) * gain + shift, time_steps)
    # stored -> physical -> network in one multiplication and one addition
    factor, summand = np.tile(field.scale * gain, time_steps), np.tile(field.offset * gain + shift, time_steps)
    network = rounded(tf.cast(stored, tf.float32) * tf.constant(factor, tf.float32))
    network = network + tf.constant(summand, tf.float32)
    missing = []
    if stored.dtype.is_floating:
        missing.append(~tf.math.is_finite(stored))
    # Often the scaling alone maps nodata (0) to the lower end (0), and a pass over the pixels is saved.
    if field.nodata is not None and not np.allclose(field.nodata * factor + summand, lowest):
        missing.append(tf.equal(stored, tf.cast(field.nodata, stored.dtype)))
    for is_missing in missing:
        network = tf.where(is_missing, tf.constant(lowest, tf.float32), network)
    return network


def physical(values: tf.Tensor, field: Field, experiment: Experiment) -> tf.Tensor:
    """Convert network values (..., band) or (..., time * band) to physical units, the inverse of ``scaled``."""
    gain, shift = _gain_and_shift(field, experiment.NORMALIZE)
    time_steps = values.shape[-1] // len(field.bands)
    gain, shift = np.tile(gain, time_steps), np.tile(shift, time_steps)
    return (values - tf.constant(shift, tf.float32)) * tf.constant(1 / gain, tf.float32)


def _gain_and_shift(field: Field, normalize: str) -> tuple[np.ndarray, np.ndarray]:
    """Return gain and shift per band: network value = physical value * gain + shift."""
    low, high = (np.asarray(bound, np.float64) for bound in field.bounds)
    if normalize in ("none", "l2"):
        return np.ones_like(low), np.zeros_like(low)
    width = 2.0 if normalize == "symmetric" else 1.0
    gain = width / (high - low)
    return gain, -low * gain - (width - 1.0)


def valid_pixels(batch: dict[str, tf.Tensor], experiment: Experiment) -> tf.Tensor | None:
    """Return the valid pixels of the target, over which metrics are computed.

    A pixel is valid where no band of the target is nodata or not finite, and where the manifest's mask is not 0.

    Args:
        batch: fields as stored.
        experiment: its manifest describes them.

    Returns:
        Boolean (batch, height, width), or None where all pixels are valid.
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
    size = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    valid = None
    for condition, field in conditions:
        in_all_bands = tf.reduce_all(condition, axis=(1, -1) if field.time_steps else -1)[..., None]
        resized = augmentation.oriented(in_all_bands, size, None, augmentation.NONE)[..., 0]
        valid = resized if valid is None else valid & resized
    return valid
