"""A network with a state as a function of windows with all dates, which it reads in their order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from pix2earth.batches.pools import SEQUENCE_START
from pix2earth.batches.preparation import physical, prepare_scene
from pix2earth.batches.time_steps import flat
from pix2earth.mapping.inference import Batch, Network, stacked
from pix2earth.mapping.scene import validity
from pix2earth.mapping.strips.degrading import degraded_window
from pix2earth.plugins import contract

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.mapping.geometry import Geometry


class RecurrentNetwork(Network):
    """A plug-in that reads sequences: the bands of all dates in, those of all predictions out.

    Its state has as many images as a batch of the training; so many windows are predicted at once, date by date, before
    the next ones. A pixel of a date is predicted where that date has a measurement.
    """

    def __init__(self, experiment: Experiment, gan: Any, plugin: Path, geometry: Geometry, dates: int) -> None:
        """Prepare to predict.

        Args:
            experiment: of the trained run.
            gan: the plug-in with restored weights.
            plugin: its file.
            geometry: sizes of windows and predictions of one date.
            dates: number of dates of the scene.

        Raises:
            UserError: the plug-in reads further fields.
        """
        super().__init__(experiment, gan, plugin, geometry._replace(bands=geometry.bands * dates), (SEQUENCE_START,))
        self.time_steps, self.batch, self.bands_of_date = dates, experiment.BATCH_SIZE, geometry.bands

    def _is_ready(self, name: str) -> bool:
        """Return False: where a date has a measurement is told by its numbers."""
        return False

    def _predict(self, ready: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the predictions of one date, whose flag ``sequence_start`` is among the fields."""
        stored = {name: values for name, values in ready.items() if name != SEQUENCE_START}
        prepared = prepare_scene(stored, self.experiment) | {SEQUENCE_START: ready[SEQUENCE_START]}
        prediction = tf.cast(contract.forward(self.gan, self.plugin, prepared), tf.float32)
        return flat(physical(prediction, self.target, self.experiment))

    def predict(self, batch: Batch) -> list[np.ndarray]:
        """Return the predictions of all dates for the windows of a batch; see ``Network.predict``."""
        shape = (*(side * self.geometry.factor for side in self.geometry.window), self.geometry.bands)
        if not any(mask.any() for mask in batch.valid):
            return [np.full(shape, np.nan, np.float32) for _ in batch.windows]
        count, dates = len(self.source.bands), []
        for date in range(self.time_steps):
            windows = [window[..., date * count : (date + 1) * count] for window in batch.windows]
            valid = [validity(window, 1) for window in windows]
            if self.geometry.coarse is not None:
                windows = [degraded_window(window, self.geometry, self.source) for window in windows]
            start = np.full(len(windows), float(date == 0), np.float32)
            fields = {self.experiment.manifest.input: stacked(windows, self.source), SEQUENCE_START: start}
            dates.append(self.computed(fields, valid, self.bands_of_date))
        return [np.concatenate(of_window, axis=-1) for of_window in zip(*dates, strict=True)]
