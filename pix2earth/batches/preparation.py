"""From stored numbers to what the network sees, and back to physical units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from pix2earth.batches import augmentation
from pix2earth.records.manifest import Field

if TYPE_CHECKING:
    from experiment import Experiment


def prepare(batch: dict[str, tf.Tensor], experiment: Experiment) -> dict[str, tf.Tensor]:
    """Turn fields as stored into network values; ``Dataset.prepare`` documents it."""
    manifest = experiment.manifest
    draws = batch.get("draws")
    prepared = {name: _prepare_field(batch[name], field, experiment, draws) for name, field in manifest.fields.items()}
    return prepared | {"input_image": prepared[manifest.input], "target": prepared[manifest.target]}


def prepare_input(stored: tf.Tensor, experiment: Experiment) -> tf.Tensor:
    """Turn a batch of the input field as stored into network values, without anything else of the samples."""
    manifest = experiment.manifest
    return _prepare_field(stored, manifest.fields[manifest.input], experiment, None)


def _prepare_field(stored: tf.Tensor, field: Field, experiment: Experiment, draws: tf.Tensor | None) -> tf.Tensor:
    size = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    chosen = augmentation.Augmentation(experiment.RANDOM_RESIZE, experiment.RANDOM_ROTATE, experiment.RANDOM_MIRROR)
    image = field.kind == "image"
    values = augmentation.oriented(_folded(stored, field), size, draws, chosen)
    if image:
        values = scaled(values, field, experiment)
    if draws is not None and chosen.resize > 1:
        values = augmentation.cropped(values, draws, chosen.resize, interpolate=image)
    values = tf.cast(values, tf.int32 if field.kind == "classes" else tf.float32)
    if image and experiment.NORMALIZE == "l2":
        values = tf.nn.l2_normalize(values, axis=(1, 2, 3))
    if field.time_steps and not experiment.FOLD_DATES:
        values = tf.reshape(values, (-1, *size, field.time_steps, len(field.bands)))
        values = tf.transpose(values, (0, 3, 1, 2, 4))
    return values


def _folded(stored: tf.Tensor, field: Field) -> tf.Tensor:
    """Fold (batch, date, height, width, band) into (batch, height, width, date * band)."""
    if not field.time_steps:
        return stored
    stored = tf.transpose(stored, (0, 2, 3, 1, 4))
    return tf.reshape(stored, (-1, *field.size, field.time_steps * len(field.bands)))


def scaled(stored: tf.Tensor, field: Field, experiment: Experiment) -> tf.Tensor:
    """Scale stored numbers (..., band) for the network; nodata and NaN become the lower end of the valid range."""
    gain, shift = _gain_and_shift(field, experiment.NORMALIZE)
    dates = stored.shape[-1] // len(field.bands)
    lowest = np.tile(np.asarray(field.bounds[0]) * gain + shift, dates)
    # stored -> physical -> network in one multiplication and one addition
    factor, summand = np.tile(field.scale * gain, dates), np.tile(field.offset * gain + shift, dates)
    network = tf.cast(stored, tf.float32) * tf.constant(factor, tf.float32) + tf.constant(summand, tf.float32)
    missing = []
    if stored.dtype.is_floating:
        missing.append(~tf.math.is_finite(stored))
    # Often the scaling alone takes nodata (0) to the lower end (0), and a pass over the pixels is saved.
    if field.nodata is not None and not np.allclose(field.nodata * factor + summand, lowest):
        missing.append(tf.equal(stored, tf.cast(field.nodata, stored.dtype)))
    for where in missing:
        network = tf.where(where, tf.constant(lowest, tf.float32), network)
    return network


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
    size = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    valid = None
    for condition, field in conditions:
        whole = tf.reduce_all(condition, axis=(1, -1) if field.time_steps else -1)[..., None]
        here = augmentation.oriented(whole, size, None, augmentation.Augmentation(1.0, rotate=False, mirror=False))[
            ..., 0
        ]
        valid = here if valid is None else valid & here
    return valid
