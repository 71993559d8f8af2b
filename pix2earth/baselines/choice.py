"""Trivial baselines: what a user gets for nothing, computed from the input alone."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from pix2earth.records.manifest import Manifest

Baseline = Callable[[tf.Tensor], tf.Tensor]


def choose(manifest: Manifest) -> tuple[str, Baseline] | None:
    """Return name and function of the baseline that fits a dataset, or None where the input lacks the target's bands.

    The function maps the input in physical units, at its stored size, (batch, [date,] height, width, band), to the
    target's bands at the target's stored size: ``bicubic`` where the input is coarser, ``median`` over dates where
    there are several, ``copy`` of the input otherwise.
    """
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    bands = manifest.shared_bands
    if bands is None or target.time_steps or source.units != target.units:
        return None
    if source.time_steps:
        return "median", lambda values: _median(tf.gather(values, bands, axis=-1))
    height, width = target.size
    if manifest.ratio > 1 or source.size != target.size:
        coarse = tuple(
            min(stored, int(side / manifest.ratio + 1e-6))
            for stored, side in zip(source.size, target.size, strict=True)
        )
        return "bicubic", lambda values: _bicubic(tf.gather(values, bands, axis=-1), coarse, (height, width))
    return "copy", lambda values: tf.gather(values, bands, axis=-1)


def _median(values: tf.Tensor) -> tf.Tensor:
    """Return the median over axis 1 (the mean of the middle two of an even number)."""
    ordered = tf.sort(values, axis=1)
    dates = values.shape[1]
    return (ordered[:, (dates - 1) // 2] + ordered[:, dates // 2]) / 2


def _bicubic(values: tf.Tensor, coarse: tuple[int, ...], fine: tuple[int, int]) -> tf.Tensor:
    """Enlarge; an input that was stored enlarged is first averaged back to its own grid."""
    if tuple(values.shape[1:3]) != coarse:
        values = tf.image.resize(values, coarse, method="area")
    return tf.image.resize(values, fine, method="bicubic")
