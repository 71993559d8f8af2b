"""Standardised bands for a generator that adds to a trivial answer: mean 0 and standard deviation 1.

Bands of reflectance cover a small part of their valid range: in the network's values they are a constant with little
around it. Without batch normalisation, a network spends hundreds of steps on the constant, or its ReLUs die.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from pix2earth.batches.preparation import VALIDITY, measured_input
from pix2earth.console.progress import tracked

if TYPE_CHECKING:
    from pix2earth.batches.dataset import Dataset

MOST_SAMPLES = 400
"""Training samples that are measured, evenly drawn from all."""
BATCH = 16
LAYER = "standardized"


class Moments(NamedTuple):
    """Of each channel: mean and standard deviation, float32; the deviation is 1 where a channel is constant."""

    mean: np.ndarray
    deviation: np.ndarray


class BandStatistics(NamedTuple):
    """Moments of the network's values of input and target over the measured pixels of training samples."""

    input: Moments
    target: Moments
    samples: int


class Standardized(keras.layers.Layer):
    """Subtracts a mean from every channel of an image and divides by a standard deviation, in float32.

    Both are variables that are not trained, 0 and 1 at first, so that checkpoints hold them.
    """

    def __init__(self) -> None:
        """Name the layer."""
        super().__init__(name=LAYER, dtype="float32")

    def build(self, input_shape: Sequence[Any]) -> None:
        """Create mean and deviation."""
        shape = (input_shape[-1],)
        self.mean = self.add_weight(shape=shape, initializer="zeros", trainable=False, name="mean")
        self.deviation = self.add_weight(shape=shape, initializer="ones", trainable=False, name="deviation")

    def call(self, image: tf.Tensor) -> tf.Tensor:
        """Return the image, ``(batch, [time step,] height, width, channel)``, standardised."""
        return (image - self.mean) / self.deviation

    def compute_output_shape(self, input_shape: Sequence[Any]) -> Any:
        """Return the shape of the image."""
        return input_shape


def measure(dataset: Dataset, names: Sequence[str]) -> BandStatistics:
    """Return mean and standard deviation of each channel of input and target, in the network's values.

    Pixels without a measurement are left out; where a channel has none, its moments are 0 and 1.

    Args:
        dataset: of the run.
        names: of its training samples; at most 400, evenly drawn, are read, without augmentation.

    Raises:
        UserError: a record is damaged.
    """
    chosen = list(names[:: -(-len(names) // MOST_SAMPLES)])
    experiment = dataset.experiment
    sums: dict[str, np.ndarray] = {}
    batches = dataset.batches("train", chosen, BATCH)
    for batch in tracked(batches, "measure bands", -(-len(chosen) // BATCH), "batches"):
        prepared = dataset.prepare(batch)
        validity = prepared.get(VALIDITY)
        measured = {
            "input_image": measured_input(batch, experiment), "target": None if validity is None else validity > 0
        }  # fmt: skip
        for role, where in measured.items():
            values = np.asarray(prepared[role], np.float64)
            sums[role] = sums.get(role, 0.0) + _sums(values, None if where is None else _of_channels(where, values))
    return BandStatistics(_moments(sums["input_image"]), _moments(sums["target"]), len(chosen))


def _of_channels(where: tf.Tensor, values: np.ndarray) -> np.ndarray:
    """Return a mask in the shape of an image, whose time steps may be folded into its channels."""
    mask, rank = np.asarray(where), values.ndim
    if mask.ndim == rank - 1:
        mask = mask[..., None]
    elif mask.shape[1:3] != values.shape[1:3]:
        mask = np.moveaxis(mask, 1, -1)  # (batch, time step, height, width), of an image with folded time steps
    return np.repeat(mask, values.shape[-1] // mask.shape[-1], axis=-1)


def _sums(values: np.ndarray, where: np.ndarray | None) -> np.ndarray:
    """Return number, sum and sum of squares of the values of each channel, (3, channel)."""
    axes = tuple(range(values.ndim - 1))
    counted = np.ones_like(values) if where is None else where.astype(np.float64)
    return np.stack([np.sum(counted * values**power, axis=axes) for power in range(3)])


def _moments(sums: np.ndarray) -> Moments:
    count, total, squares = sums
    mean = total / np.maximum(count, 1)
    variance = np.maximum(squares / np.maximum(count, 1) - mean**2, 0)
    deviation = np.where(variance > 1e-12, np.sqrt(variance), 1.0)
    return Moments(mean.astype(np.float32), deviation.astype(np.float32))
