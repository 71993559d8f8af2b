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

from pix2earth.batches.evaluation_reading import read_in_order
from pix2earth.batches.preparation import VALIDITY, measured_input
from pix2earth.console.progress import tracked

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.batches.dataset import Dataset

MOST_SAMPLES = 400
"""Training samples that are measured, evenly drawn from all."""
BATCH = 16
SMALLEST_VARIANCE = 1e-12
"""Of a channel that is not constant, as a share of its mean square."""
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
    batches = read_in_order(dataset, "train", chosen, BATCH)
    for batch in tracked(batches, "measure bands", -(-len(chosen) // BATCH), "batches"):
        prepared = dataset.prepare(batch)
        measured = {"input_image": _measured_input(batch, experiment), "target": prepared.get(VALIDITY)}
        for role, where in measured.items():
            values = np.asarray(prepared[role])
            sums[role] = sums.get(role, 0.0) + _sums(values, _of_channels(where, values.shape[-1]))
    return BandStatistics(_moments(sums["input_image"]), _moments(sums["target"]), len(chosen))


def _measured_input(batch: dict[str, tf.Tensor], experiment: Experiment) -> tf.Tensor | None:
    """Return where the input is measured, (batch, [time step,] height, width, 1 or time step); None: everywhere."""
    where = measured_input(batch, experiment)
    if where is not None and experiment.FOLD_DATES and len(where.shape) == 4:
        return tf.transpose(where, (0, 2, 3, 1))
    return None if where is None else where[..., None]


def _of_channels(where: tf.Tensor | None, channels: int) -> np.ndarray:
    """Return a mask (..., 1 or channel): where one channel stands for a time step, it is repeated for all its bands."""
    mask = np.asarray(True if where is None else where)
    if mask.ndim == 0 or mask.shape[-1] == 1:
        return mask > 0
    return np.repeat(mask > 0, channels // mask.shape[-1], axis=-1)


def _sums(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return number, sum and sum of squares of the values of each channel, (3, channel), float64."""
    axes = tuple(range(values.ndim - 1))
    counted = np.broadcast_to(where, values.shape)
    number = np.sum(counted, axis=axes, dtype=np.float64)
    powers = (values, np.square(values, dtype=np.float64))
    return np.stack([number, *(np.sum(each, axis=axes, dtype=np.float64, where=counted) for each in powers)])


def _moments(sums: np.ndarray) -> Moments:
    mean, squares = sums[1:] / np.maximum(sums[0], 1)
    variance = squares - mean**2
    # Of float32 values, a smaller one is rounding. It is relative: values without normalisation have any unit.
    varies = variance > SMALLEST_VARIANCE * squares
    deviation = np.where(varies, np.sqrt(np.where(varies, variance, 1.0)), 1.0)
    return Moments(mean.astype(np.float32), deviation.astype(np.float32))
