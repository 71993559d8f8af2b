"""The baseline that evaluations compute beside a network, chosen by the manifest."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from pix2earth.baselines.time_steps import median
from pix2earth.baselines.upsampling import bicubic
from pix2earth.records.manifest import Manifest

Baseline = Callable[[tf.Tensor], tf.Tensor]


def choose(manifest: Manifest) -> tuple[str, Baseline] | None:
    """Return name and function of the baseline that fits a dataset, or None where the input lacks the target's bands.

    The function maps a batch of inputs in physical units, (batch, [time step,] height, width, band) as stored, to the
    target's bands at the target's stored size: ``bicubic`` where the input is coarser, ``median`` over time steps
    where there are several, ``copy`` of the input otherwise.
    """
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    bands = manifest.shared_bands
    if bands is None or target.time_steps or source.units != target.units:
        return None
    if source.time_steps:
        return "median", lambda values: median(tf.gather(values, bands, axis=-1))
    if manifest.ratio > 1 or source.size != target.size:
        height, width = (
            min(stored, int(side / manifest.ratio + 1e-6))
            for stored, side in zip(source.size, target.size, strict=True)
        )
        return "bicubic", lambda values: bicubic(tf.gather(values, bands, axis=-1), target.size, (height, width))
    return "copy", lambda values: tf.gather(values, bands, axis=-1)
