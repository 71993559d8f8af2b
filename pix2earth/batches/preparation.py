"""Conversion of stored numbers to the network's values, and back to physical units."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from pix2earth.batches import augmentation, time_steps
from pix2earth.batches.pools import SEQUENCE_START
from pix2earth.records.manifest import Field, Manifest
from sensors import lexicon

if TYPE_CHECKING:
    from experiment import Experiment

Convert = Callable[[tf.Tensor, augmentation.Rounded], tf.Tensor]

VALIDITY = "validity"
"""Name by which training steps, losses and metrics ask for the valid pixels of the target."""
WHOLE = 0.999
"""An interpolated pixel is valid from this share of valid pixels on: less than 1 because of rounding."""


def prepare(batch: dict[str, tf.Tensor], experiment: Experiment) -> dict[str, tf.Tensor]:
    """Turn fields as stored into the network's values; ``Dataset.prepare`` documents it."""
    manifest = experiment.manifest
    prepared = {
        name: _prepare_field(batch[name], field, experiment, draws_of(batch, name))
        for name, field in manifest.fields.items()
    }
    prepared |= {"input_image": prepared[manifest.input], "target": prepared[manifest.target]}
    prepared |= {"input_mask": prepared[manifest.hidden_field]} if manifest.hidden_field else {}
    prepared |= {name: batch[name] for name in (SEQUENCE_START,) if name in batch}
    valid = validity(batch, experiment)
    return prepared if valid is None else {**prepared, VALIDITY: valid}


def draws_of(batch: dict[str, tf.Tensor], field: str) -> tf.Tensor | None:
    """Return the random numbers with which a field of a batch is augmented, or None where it is not."""
    return batch.get(f"draws:{field}", batch.get("draws"))


def prepare_scene(
    batch: dict[str, tf.Tensor], experiment: Experiment, ready: Collection[str] = ()
) -> dict[str, tf.Tensor]:
    """Turn fields of a scene as stored (float32) into the network's values; others of the dataset are not needed.

    Args:
        batch: fields as stored.
        experiment: its manifest describes them.
        ready: names of the images that are ``scaled`` already.
    """
    manifest, fields = experiment.manifest, experiment.manifest.fields
    if manifest.occlusion and manifest.input_mask in batch:
        # In training, nothing was to be seen there.
        visible = batch[manifest.input_mask] == 0
        batch = {**batch, manifest.input: tf.where(visible, batch[manifest.input], np.float32(np.nan))}
    prepared = {
        name: _prepare_field(stored, fields[name], experiment, None, ready=name in ready)
        for name, stored in batch.items()
    }
    roles = {"input_image": manifest.input, "target": manifest.target}
    roles |= {"input_mask": manifest.hidden_field} if manifest.hidden_field else {}
    return prepared | {role: prepared[name] for role, name in roles.items() if name in prepared}


def _prepare_field(
    stored: tf.Tensor, field: Field, experiment: Experiment, draws: tf.Tensor | None, *, ready: bool = False
) -> tf.Tensor:
    is_image = field.kind == "image"

    def convert(pixels: tf.Tensor, rounded: augmentation.Rounded = tf.identity) -> tf.Tensor:
        return scaled(pixels, field, experiment, rounded) if is_image and not ready else pixels

    folded = time_steps.fold(stored) if field.time_steps else stored
    values = _augmented(folded, experiment, draws, convert, interpolate=is_image)
    values = tf.cast(values, tf.int32 if field.kind == "classes" else tf.float32)
    if is_image and experiment.NORMALIZE == "l2":
        values = tf.nn.l2_normalize(values, axis=(1, 2, 3))
    return time_steps.unfold(values, field.time_steps) if field.time_steps and not experiment.FOLD_DATES else values


def _augmented(
    folded: tf.Tensor, experiment: Experiment, draws: tf.Tensor | None, convert: Convert, *, interpolate: bool
) -> tf.Tensor:
    """Return stored pixels (batch, height, width, channel) at the network's size, augmented and converted."""
    size = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    settings = augmentation.Augmentation(experiment.RANDOM_RESIZE, experiment.RANDOM_ROTATE, experiment.RANDOM_MIRROR)
    if draws is None or settings == augmentation.NONE:
        return convert(augmentation.oriented(folded, size, None, settings), tf.identity)
    return augmentation.augmented(folded, size, draws, settings, convert, interpolate=interpolate)


def validity(batch: dict[str, tf.Tensor], experiment: Experiment) -> tf.Tensor | None:
    """Return where the target of a batch is a measurement, at the network's size and augmented as the target is.

    A pixel is valid where no band of the target is nodata or not finite, and where the manifest's mask is not 0; of
    interpolated pixels, all that contribute must be valid.

    Args:
        batch: fields as stored, with ``draws`` where tiles are augmented.
        experiment: its manifest describes them.

    Returns:
        float32, 1 where valid, else 0: (batch, [time step,] height, width, 1), with time steps that are folded (batch,
        height, width, time step). None where all pixels of the dataset are valid.
    """
    valid = _valid_channels(batch, experiment)
    if valid is None:
        return None
    valid = tf.cast(valid, tf.float32)
    steps = experiment.manifest.fields[experiment.manifest.target].time_steps
    if not steps:
        return valid
    valid = tf.repeat(valid, steps, axis=-1) if valid.shape[-1] == 1 else valid
    return valid if experiment.FOLD_DATES else time_steps.unfold(valid, steps)


def all_valid(target: tf.Tensor, experiment: Experiment) -> tf.Tensor:
    """Return the ``validity`` of a target that has no missing pixel, all 1.

    Args:
        target: network values, (batch, [time step,] height, width, channel).
        experiment: its manifest describes the target.
    """
    steps = experiment.manifest.fields[experiment.manifest.target].time_steps
    return tf.ones_like(target[..., : steps if steps and experiment.FOLD_DATES else 1])


def valid_pixels(batch: dict[str, tf.Tensor], experiment: Experiment) -> tf.Tensor | None:
    """Return the valid pixels of the target, over which metrics are computed, as ``validity`` defines them.

    Args:
        batch: fields as stored.
        experiment: its manifest describes them.

    Returns:
        Boolean (batch, height, width); where time steps of the target can differ, (batch, time step, height, width).
        None where all pixels of the dataset are valid.
    """
    valid = _valid_channels(batch, experiment)
    if valid is None:
        return None
    return valid[..., 0] if valid.shape[-1] == 1 else time_steps.unfold(valid, valid.shape[-1])[..., 0]


def _valid_channels(batch: dict[str, tf.Tensor], experiment: Experiment) -> tf.Tensor | None:
    """Return the valid pixels, bool (batch, height, width, time step), with one channel where all steps are equal."""
    draws, valid = draws_of(batch, experiment.manifest.target), None
    for condition in valid_conditions(batch, experiment.manifest):
        folded = time_steps.fold(condition) if len(condition.shape) == 5 else condition
        share = _augmented(folded, experiment, draws, lambda pixels, _: tf.cast(pixels, tf.float32), interpolate=True)
        valid = share > WHOLE if valid is None else valid & (share > WHOLE)
    return valid


def valid_conditions(batch: dict[str, tf.Tensor], manifest: Manifest) -> list[tf.Tensor]:
    """Return what makes a pixel of the target valid, each bool (batch, [time step of it,] height, width, 1)."""
    target, conditions = manifest.fields[manifest.target], []
    measured = _measured(batch[manifest.target], target)
    if measured is not None:
        conditions.append(measured)
    if manifest.mask is not None:
        mask = tf.reduce_all(batch[manifest.mask] != 0, axis=-1, keepdims=True)
        if len(mask.shape) == 5 and mask.shape[1] != target.time_steps:
            mask = tf.reduce_all(mask, axis=1)  # its time steps are not those of the target
        conditions.append(mask)
    return conditions


def _measured(stored: tf.Tensor, field: Field) -> tf.Tensor | None:
    """Return where no band is nodata or not finite, bool (..., 1); None where that is so by the manifest."""
    if field.nodata is None and not field.dtype.startswith("float"):
        return None
    missing = ~tf.math.is_finite(tf.cast(stored, tf.float32))
    if field.nodata is not None:
        missing |= tf.equal(stored, tf.cast(field.nodata, stored.dtype))
    return ~tf.reduce_any(missing, axis=-1, keepdims=True)


def measured_input(batch: dict[str, tf.Tensor], experiment: Experiment) -> tf.Tensor | None:
    """Return where the input of a batch without augmentation has a measurement in every band.

    In indices such as NDVI, what the manifest's ``input_mask`` hides is none: it does not look like a cloud.

    Args:
        batch: fields as stored.
        experiment: its manifest describes them.

    Returns:
        Boolean (batch, [time step,] height, width) of the network's size; None where all pixels of the dataset have.
    """
    manifest = experiment.manifest
    field = manifest.fields[manifest.input]
    measured = _measured(batch[manifest.input], field)
    if manifest.occlusion or _hidden_in_index(manifest):
        shown = batch[str(manifest.input_mask)] == 0
        measured = shown if measured is None else measured & shown
    if measured is None:
        return None
    size = experiment.IMG_HEIGHT, experiment.IMG_WIDTH
    folded = time_steps.fold(measured) if field.time_steps else measured
    oriented = augmentation.oriented(folded, size, None, augmentation.NONE)
    return time_steps.unfold(oriented, field.time_steps)[..., 0] if field.time_steps else oriented[..., 0]


def _hidden_in_index(manifest: Manifest) -> bool:
    """Return whether the input is an index, and a mask says what is hidden in each of its time steps."""
    field = manifest.fields[manifest.input]
    if manifest.input_mask is None or not lexicon.is_index(field.bands):
        return False
    return manifest.fields[manifest.input_mask].shape[:-1] == field.shape[:-1]


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
    if field.transform:
        return _transformed(stored, field, experiment, rounded)
    gain, shift = _gain_and_shift(field, experiment.NORMALIZE)
    # stored -> physical -> network in one multiplication and one addition
    constants = np.asarray(field.bounds[0]) * gain + shift, field.scale * gain, field.offset * gain + shift
    lowest, factor, summand = (time_steps.for_channels(each, stored.shape[-1], field.time_steps) for each in constants)
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
    constants = (gain, shift, *map(np.asarray, field.bounds))
    gain, shift, low, high = (time_steps.for_channels(each, values.shape[-1], field.time_steps) for each in constants)
    values = (values - tf.constant(shift, tf.float32)) * tf.constant(1 / gain, tf.float32)
    if not field.transform:
        return values
    if field.transform.kind == "log10":
        values = tf.exp(values * np.float32(np.log(10.0)))
    elif field.transform.kind == "asinh":
        values = tf.sinh(values) * field.transform.softening
    if field.transform.saturate:
        values = tf.clip_by_value(values, low.astype(np.float32), high.astype(np.float32))
    return values


def _transformed(stored: tf.Tensor, field: Field, experiment: Experiment, rounded: augmentation.Rounded) -> tf.Tensor:
    """Transform stored numbers and scale them for the network; arguments as of ``scaled``."""
    transform = field.transform
    assert transform is not None
    gain, shift = _gain_and_shift(field, experiment.NORMALIZE)
    bands = np.ones(len(field.bands))
    constants = (gain, shift, *map(np.asarray, field.bounds), field.scale * bands, field.offset * bands)
    gain, shift, low, high, scale, offset = (
        tf.constant(time_steps.for_channels(each, stored.shape[-1], field.time_steps), tf.float32) for each in constants
    )
    values = rounded(tf.cast(stored, tf.float32) * scale) + offset
    missing = ~tf.math.is_finite(values)
    if field.nodata is not None:
        missing |= tf.equal(stored, tf.cast(field.nodata, stored.dtype))
    values = tf.where(missing, low if transform.missing is None else tf.fill(tf.shape(low), transform.missing), values)
    if transform.saturate:
        values = tf.clip_by_value(values, low, high)
    if transform.kind == "log10":
        values = tf.math.log(tf.maximum(values, low)) * np.float32(1 / np.log(10.0))
    elif transform.kind == "asinh":
        values = tf.asinh(values / transform.softening)
    return rounded(values * gain) + shift


def _gain_and_shift(field: Field, normalize: str) -> tuple[np.ndarray, np.ndarray]:
    """Return gain and shift per band: network value = physical value (transformed, where stated) * gain + shift."""
    low, high = (np.asarray(bound, np.float64) for bound in field.transformed_bounds)
    if normalize in ("none", "l2"):
        return np.ones_like(low), np.zeros_like(low)
    width = 2.0 if normalize == "symmetric" else 1.0
    gain = width / (high - low)
    return gain, -low * gain - (width - 1.0)
