"""A trained network over a whole scene."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from pix2earth.batches.preparation import physical, prepare_input
from pix2earth.mapping.degrading import degraded
from pix2earth.mapping.scene import Scene, present
from pix2earth.mapping.windows import Windows, crossfade, join
from pix2earth.plugins import contract
from pix2earth.plugins.failures import blaming
from pix2earth.scoring.scorer import PIXELS_A_BATCH, flat
from pix2earth.settings.errors import UserError

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.mapping.geometry import Geometry


class Network:
    """A plug-in's network, from windows as stored to windows in physical units."""

    def __init__(self, experiment: Experiment, gan: Any, plugin: Path, geometry: Geometry) -> None:
        """Keep a restored plug-in, its file, and how its windows lie on a scene.

        Raises:
            UserError: the plug-in wants more than the input.
        """
        self.experiment, self.gan, self.plugin, self.geometry = experiment, gan, plugin, geometry
        manifest = experiment.manifest
        self.source, self.target = manifest.fields[manifest.input], manifest.fields[manifest.target]
        given = ("input_image", manifest.input)
        asked = contract.parameters(gan.predict) if hasattr(gan, "predict") else []
        others = [name for name in asked if name not in given]
        if others:
            wanted = ", ".join(others)
            raise UserError(f"{plugin}: predict() asks for {wanted}, which no scene has; --input takes a dataset")
        self._compute = tf.function(self._predict, autograph=False)

    def _predict(self, stored: tf.Tensor) -> tf.Tensor:
        prepared = prepare_input(stored, self.experiment)
        fields = {self.experiment.manifest.input: prepared, "input_image": prepared}
        made = tf.cast(contract.forward(self.gan, self.plugin, fields), tf.float32)
        return flat(physical(made, self.target, self.experiment))

    def predict(self, windows: list[np.ndarray]) -> list[np.ndarray]:
        """Predict a group of windows in one batch; always of the same number, for another would be compiled anew.

        Args:
            windows: float32 ``(side, side, date * band)`` as ``Scene.read`` returns them.

        Returns:
            float32 ``(height, width, band)`` of each, physical units, NaN where the input has nothing.
        """
        dates, side, factor = self.source.time_steps or 1, self.geometry.side, self.geometry.factor
        there = [present(window, dates) for window in windows]
        shape = (side * factor, side * factor, self.geometry.bands)
        if not any(mask.any() for mask in there):
            return [np.full(shape, np.nan, np.float32) for _ in windows]
        if self.geometry.coarse is not None:
            windows = [degraded(window, self.geometry, self.source) for window in windows]
        stored = np.stack(windows)
        if self.source.kind != "image":  # these are no quantities: nothing fills them but what is stored
            stored = np.nan_to_num(stored, nan=self.source.nodata or 0.0)
        if self.source.time_steps:
            stored = np.moveaxis(stored.reshape(*stored.shape[:3], dates, -1), 3, 1)
        with blaming(self.plugin, "the prediction fails"):
            made = self._compute(tf.constant(stored)).numpy()
        for values, mask in zip(made, there, strict=True):
            values[~mask.repeat(factor, 0).repeat(factor, 1)] = np.nan
        return list(made)


def batch_size(count: int, side: int) -> int:
    """Return into batches of how many a row of windows is cut, such that the last batch wants the fewest more.

    Args:
        count: windows in a row.
        side: of their predictions, pixels.
    """
    most = max(1, min(16, PIXELS_A_BATCH // side**2))
    if count <= most:
        return count
    return min(range(1 + most // 2, most + 1), key=lambda size: (-(-count // size) * size, -size))


class Plan:
    """The windows of a scene and the strips of output to which they are joined, from north to south."""

    def __init__(self, network: Network, scene: Scene, overlap: int) -> None:
        """Place the windows.

        Args:
            network: what predicts.
            scene: what it reads.
            overlap: of neighbouring windows, input pixels.
        """
        self.network, self.scene = network, scene
        side, self.factor = network.geometry.side, network.geometry.factor
        self.rows, self.columns = (Windows(length, side, overlap, self.factor) for length in scene.size)
        self.batch = batch_size(len(self.columns), side * self.factor)

    def predictions(self, first: int) -> Iterator[np.ndarray]:
        """Yield the prediction of every window, row by row from row ``first`` of windows.

        Batches never reach over the end of a row. So a batch holds the same windows wherever the work began, and the
        result is the same bit for bit.
        """
        side, starts = self.network.geometry.side, self.columns.starts
        for row in self.rows.starts[first:]:
            for begin in range(0, len(starts), self.batch):
                group = [_window(self.scene, row, column, side) for column in starts[begin : begin + self.batch]]
                filled = group + [group[-1]] * (self.batch - len(group))
                yield from self.network.predict(filled)[: len(group)]

    def strips(
        self, predictions: Iterator[np.ndarray], first: int, carried: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Join predictions to strips of the output.

        Args:
            predictions: of the windows from row ``first``.
            first: row of windows to begin with.
            carried: what the row before has left, as it was yielded.

        Yields:
            The next finished rows of output, float32 ``(rows, width, band)``, and the rows after them, which the
            next windows fade out.
        """
        for index in range(first, len(self.rows)):
            strip = join(islice(predictions, len(self.columns)), self.columns, self.factor)
            start = self.rows.starts[index] * self.factor
            top, faded = (row - start for row in self.rows.fades[index])
            if index:
                strip[top:faded] = crossfade(carried, strip[top:faded], 0)
            else:
                top = 0
            until, after = (row - start for row in self.rows.next_fade(index))
            carried = strip[until:after].copy()
            yield strip[top:until], carried


def _window(scene: Scene, row: int, column: int, side: int) -> np.ndarray:
    """Read a window; what reaches beyond a scene smaller than it is mirrored, as if the ground went on."""
    height, width = (min(side, length - start) for length, start in zip(scene.size, (row, column), strict=True))
    values = scene.read(row, column, height, width)
    return np.pad(values, ((0, side - height), (0, side - width), (0, 0)), "symmetric")
