"""The baseline that evaluations compute beside a network, chosen by the manifest."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pix2earth.baselines.time_steps import median
from pix2earth.baselines.upsampling import bicubic
from pix2earth.records.degradation import area_weights
from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.manifest import Manifest


class Baseline(NamedTuple):
    """A prediction without a network.

    Attributes:
        name: ends the columns of its scores.
        predict: from batches of the fields in physical units, (batch, [time step,] height, width, band) as stored, to
            the target's bands at the target's stored size.
        fields: that ``predict`` takes.
    """

    name: str
    predict: Callable[..., tf.Tensor]
    fields: tuple[str, ...]


def choose(manifest: Manifest, weights: Callable[[], np.ndarray | None] | None = None) -> Baseline | None:
    """Return the baseline that fits a dataset, or None where the input lacks the target's bands.

    It is ``injection`` of the detail of a guide where there is one, ``bicubic`` where the input is coarser otherwise,
    ``median`` over time steps where there are several, ``copy`` of the input in all other cases.

    Args:
        manifest: of the dataset.
        weights: returns those of ``pix2earth.baselines.injection``, None where they are not known.
    """
    source, target = manifest.fields[manifest.input], manifest.fields[manifest.target]
    bands, inputs = manifest.shared_bands, (manifest.input,)
    if bands is None or target.time_steps or source.units != target.units:
        return None
    if source.time_steps:
        return Baseline("median", lambda values: median(tf.gather(values, bands, axis=-1)), inputs)
    if manifest.ratio > 1 or source.size != target.size:
        height, width = (
            min(stored, int(side / manifest.ratio + 1e-6))
            for stored, side in zip(source.size, target.size, strict=True)
        )

        def upsampled(values: tf.Tensor) -> tf.Tensor:
            return bicubic(tf.gather(values, bands, axis=-1), target.size, (height, width))

        known = weights() if weights and manifest.guide and manifest.degradation else None
        if known is None:
            return Baseline("bicubic", upsampled, inputs)
        assert manifest.guide is not None and manifest.degradation is not None
        added = _detail(target.size, manifest.degradation, known)
        return Baseline(
            "injection", lambda values, guide: upsampled(values) + added(guide), (manifest.input, manifest.guide)
        )
    return Baseline("copy", lambda values: tf.gather(values, bands, axis=-1), inputs)


def _detail(size: tuple[int, int], degradation: Degradation, weights: np.ndarray) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return the function from a batch of guides to their weighted detail, as ``injection`` computes it."""
    coarse = degradation.size(size)
    rows, columns = (
        tf.constant(area_weights(fine, few, degradation.fwhm) * few / fine, tf.float32)
        for fine, few in zip(size, coarse, strict=True)
    )

    def detail(guide: tf.Tensor) -> tf.Tensor:
        means = tf.einsum("ij,bjkc,lk->bilc", rows, guide, columns)
        return tf.matmul(guide - bicubic(means, size), tf.constant(weights, tf.float32))

    return detail
