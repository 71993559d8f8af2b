"""Inference over a whole scene: a network predicts overlapping windows, which are joined to strips of the output."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from pix2earth.batches.preparation import physical, prepare_scene
from pix2earth.batches.time_steps import flat, unfold
from pix2earth.mapping import fields
from pix2earth.mapping.degrading import degraded_window
from pix2earth.mapping.scene import Scene, validity
from pix2earth.mapping.windows import Windows, crossfade, join
from pix2earth.plugins import contract
from pix2earth.plugins.failures import attributed_to
from pix2earth.records.manifest import Field
from pix2earth.scoring.scorer import PIXELS_A_BATCH

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.mapping.geometry import Geometry


class Network:
    """A plug-in's network as a function from windows as stored to predictions in physical units.

    Attributes:
        source: the input field of the dataset.
        target: the target field.
        further: the further fields that it reads, by name.
        geometry: sizes of windows and predictions.
    """

    def __init__(
        self, experiment: Experiment, gan: Any, plugin: Path, geometry: Geometry, further: Collection[str] = ()
    ) -> None:
        """Prepare to predict.

        Args:
            experiment: of the trained run.
            gan: the plug-in with restored weights.
            plugin: its file.
            geometry: sizes of windows and predictions.
            further: names of the fields that are given besides the input.

        Raises:
            UserError: the plug-in reads other fields than these.
        """
        self.experiment, self.gan, self.plugin, self.geometry = experiment, gan, plugin, geometry
        manifest = experiment.manifest
        self.source, self.target = manifest.fields[manifest.input], manifest.fields[manifest.target]
        parameters = contract.parameters(gan.predict) if hasattr(gan, "predict") else []
        read = fields.needed([*parameters, *fields.of_start(experiment)], manifest)
        fields.compare(further, read, manifest, plugin, fields.OPTION)
        self.further = {name: manifest.fields[name] for name in read}
        self._compute = tf.function(self._predict, autograph=False)

    def _predict(self, stored: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the predictions in physical units of a batch of fields as stored."""
        prepared = prepare_scene(stored, self.experiment)
        prediction = tf.cast(contract.forward(self.gan, self.plugin, prepared), tf.float32)
        return flat(physical(prediction, self.target, self.experiment))

    def predict(
        self, windows: list[np.ndarray], further: Mapping[str, list[np.ndarray]] = MappingProxyType({})
    ) -> list[np.ndarray]:
        """Return the predictions of a group of windows, computed in one batch.

        Groups should always have the same number of windows: another number would be compiled again.

        Args:
            windows: float32 ``(height, width, time step * band)`` as ``Scene.read`` returns them.
            further: the same of each further field, with its own pixels.

        Returns:
            float32 ``(height, width, band)`` of each, physical units, NaN where the input has no measurement.
        """
        steps, factor = self.source.time_steps or 1, self.geometry.factor
        valid = [validity(window, steps) for window in windows]
        shape = (*(side * factor for side in self.geometry.window), self.geometry.bands)
        if not any(mask.any() for mask in valid):
            return [np.full(shape, np.nan, np.float32) for _ in windows]
        if self.geometry.coarse is not None:
            windows = [degraded_window(window, self.geometry, self.source) for window in windows]
        stored = {self.experiment.manifest.input: _batch(windows, self.source)}
        stored |= {name: _batch(further[name], field) for name, field in self.further.items()}
        with attributed_to(self.plugin, "the prediction fails"):
            predictions = self._compute({name: tf.constant(array) for name, array in stored.items()}).numpy()
        contract.check_shape(self.gan, self.plugin, predictions, shape, "a window of the map")
        for prediction, mask in zip(predictions, valid, strict=True):
            prediction[~mask.repeat(factor, 0).repeat(factor, 1)] = np.nan
        return list(predictions)


def _batch(windows: list[np.ndarray], field: Field) -> np.ndarray:
    """Return windows as a batch of a field as the dataset stores it, ``(window, [time step,] height, width, band)``."""
    stored = np.stack(windows)
    if field.kind != "image":  # classes and masks: only a stored number can fill gaps
        stored = np.nan_to_num(stored, nan=field.nodata or 0.0)
    if field.time_steps:
        stored = unfold(stored, field.time_steps)
    return stored


def batch_size(count: int, pixels: int) -> int:
    """Return the batch size for a row of windows, chosen such that the last batch needs little padding.

    Args:
        count: number of windows in a row.
        pixels: of each of their predictions.
    """
    largest = max(1, min(16, PIXELS_A_BATCH // pixels))
    if count <= largest:
        return count
    return min(range(1 + largest // 2, largest + 1), key=lambda size: (-(-count // size) * size, -size))


class Plan:
    """The windows of a scene, and the strips of output to which their predictions are joined, from north to south.

    Attributes:
        rows: the windows along the height of the scene.
        columns: the windows along its width.
        batch: number of windows that are predicted at once.
    """

    def __init__(
        self,
        network: Network,
        scene: Scene,
        overlap: tuple[int, int],
        further: Mapping[str, Scene] = MappingProxyType({}),
    ) -> None:
        """Place the windows.

        Args:
            network: predicts the windows.
            scene: provides the input.
            overlap: of neighbouring windows along height and width, input pixels; less where windows would else begin
                within a pixel of a further field.
            further: the scenes of the further fields, of the same extent.
        """
        self.network, self.scene, self.further = network, scene, further
        (height, width), self.factor = network.geometry.window, network.geometry.factor
        blocks = fields.blocks(network.further, network.experiment.manifest, network.geometry)
        overlap = overlap[0] // blocks[0] * blocks[0], overlap[1] // blocks[1] * blocks[1]
        block = network.geometry.block
        self.rows = Windows(scene.size[0], height, overlap[0], self.factor, block)
        self.columns = Windows(scene.size[1], width, overlap[1], self.factor, block)
        self.batch = batch_size(len(self.columns), height * width * self.factor**2)

    def predictions(self, first: int) -> Iterator[np.ndarray]:
        """Yield the prediction of every window, row by row from row ``first`` of windows.

        A batch holds windows of one row only. Therefore batches do not depend on ``first``, and a resumed run gives the
        same result bit for bit.
        """
        size, starts = self.network.geometry.window, self.columns.starts
        for row in self.rows.starts[first:]:
            for position in range(0, len(starts), self.batch):
                places = [(row, column) for column in starts[position : position + self.batch]]
                group = self._padded([_window(self.scene, *place, size) for place in places])
                further = {name: self._padded(self._further(name, places)) for name in self.network.further}
                yield from self.network.predict(group, further)[: len(places)]

    def _padded(self, windows: list[np.ndarray]) -> list[np.ndarray]:
        return windows + [windows[-1]] * (self.batch - len(windows))

    def _further(self, name: str, places: list[tuple[int, int]]) -> list[np.ndarray]:
        """Read the windows of a further field at places of the input."""
        field, scene = self.network.further[name], self.further[name]
        return [_window(scene, *fields.place_in(field, self.network.geometry, *place), field.size) for place in places]

    def strips(
        self, predictions: Iterator[np.ndarray], first: int, carried: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Join predictions to strips of the output.

        Args:
            predictions: of the windows from row ``first``.
            first: the row of windows to start with.
            carried: the unfinished rows of output that the strip before has yielded.

        Yields:
            The next finished rows of output, float32 ``(rows, width, band)``, and the unfinished rows after them, which
            are blended with the next windows.
        """
        for index in range(first, len(self.rows)):
            strip = join(islice(predictions, len(self.columns)), self.columns, self.factor)
            start = self.rows.starts[index] * self.factor
            top, blended = (row - start for row in self.rows.fades[index])
            if index:
                strip[top:blended] = crossfade(carried, strip[top:blended], 0, self.rows.block)
            else:
                top = 0
            end, next_blended = (row - start for row in self.rows.next_fade(index))
            carried = strip[end:next_blended].copy()
            yield strip[top:end], carried


def _window(scene: Scene, row: int, column: int, size: tuple[int, int]) -> np.ndarray:
    """Read a window; where the scene is smaller than the window, it is padded with mirrored pixels."""
    height, width = min(size[0], scene.size[0] - row), min(size[1], scene.size[1] - column)
    values = scene.read(row, column, height, width)
    return np.pad(values, ((0, size[0] - height), (0, size[1] - width), (0, 0)), "symmetric")
