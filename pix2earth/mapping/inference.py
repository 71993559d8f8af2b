"""Inference over a whole scene: a network predicts overlapping windows, which are joined to strips of the output."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorflow as tf

from pix2earth.batches.pools import SEQUENCE_START
from pix2earth.batches.preparation import physical, prepare_scene, scaled
from pix2earth.batches.time_steps import flat, unfold
from pix2earth.mapping import fields
from pix2earth.mapping.scene import Scene
from pix2earth.mapping.strips.ahead import ahead
from pix2earth.mapping.strips.degrading import degraded_window
from pix2earth.mapping.strips.order import AT_ONCE, has_no_state
from pix2earth.mapping.strips.reading import Strip, strips
from pix2earth.mapping.strips.windows import Windows, crossfade, join
from pix2earth.plugins import contract
from pix2earth.plugins.failures import attributed_to
from pix2earth.records.manifest import Field
from pix2earth.scoring.scorer import PIXELS_A_BATCH
from pix2earth.settings.at_once import at_once

if TYPE_CHECKING:
    from experiment import Experiment
    from pix2earth.mapping.geometry import Geometry


class Batch(NamedTuple):
    """Windows of one row that are predicted at once; the last ones repeat the one before where the row ends.

    Attributes:
        windows: float32 ``(height, width, time step * band)``, each as of ``Network.ready``.
        valid: bool ``(height, width)`` of each, where it has a measurement.
        further: the windows of each further field.
        used: number of windows that are not repeated.
    """

    windows: list[np.ndarray]
    valid: list[np.ndarray]
    further: dict[str, list[np.ndarray]]
    used: int


class Network:
    """A plug-in's network as a function from windows as stored to predictions in physical units.

    Attributes:
        source: the input field of the dataset.
        target: the target field.
        further: the further fields that it reads, by name.
        geometry: sizes of windows and predictions.
        time_steps: of the scene.
        batch: number of windows that are predicted at once, 0 where any is.
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
        self.further = {name: manifest.fields[name] for name in read if name != SEQUENCE_START}
        self.time_steps, self.batch = self.source.time_steps or 1, 0
        self._compute = tf.function(self._predict, autograph=False)
        self._in_any_order: bool | None = None  # known after the first batch
        self._scale = {name: self._scaling(name) for name in (manifest.input, *self.further) if self._is_ready(name)}

    def _is_ready(self, name: str) -> bool:
        """Return whether a field is scaled before it is cut into windows: overlapping windows then share the work.

        That needs an image whose numbers the network gets pixel by pixel: not averaged, and not hidden by a mask.
        """
        manifest = self.experiment.manifest
        averaged = name == manifest.input and self.geometry.coarse is not None
        return manifest.fields[name].kind == "image" and not averaged and manifest.occlusion is None

    def _scaling(self, name: str) -> Callable[[tf.Tensor], tf.Tensor]:
        field = self.experiment.manifest.fields[name]
        channels = len(field.bands) * (field.time_steps or 1)
        return tf.function(
            lambda stored: scaled(stored, field, self.experiment),
            input_signature=[tf.TensorSpec((None, None, channels), tf.float32)],
            autograph=False,
        )

    def ready(self, name: str, stored: np.ndarray) -> np.ndarray:
        """Return pixels of a field as ``predict`` takes them: network values where they are scaled before, else stored.

        Args:
            name: of the field.
            stored: float32 ``(height, width, time step * band)`` of any size, as ``Scene.read`` returns them.
        """
        return np.asarray(self._scale[name](tf.constant(stored))) if name in self._scale else stored

    def at_once(self) -> int:
        """Return how many batches may be computed at once."""
        return AT_ONCE if self._in_any_order else 1

    def _predict(self, ready: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the predictions in physical units of a batch of fields as of ``ready``."""
        prepared = prepare_scene(ready, self.experiment, self._scale)
        prediction = tf.cast(contract.forward(self.gan, self.plugin, prepared), tf.float32)
        return flat(physical(prediction, self.target, self.experiment))

    def predict(self, batch: Batch) -> list[np.ndarray]:
        """Return the predictions of the windows of a batch, also of those that are repeated.

        Batches should always have the same number of windows: another number would be compiled again.

        Returns:
            float32 ``(height, width, band)`` of each, physical units, NaN where the input has no measurement.
        """
        windows = batch.windows
        shape = (*(side * self.geometry.factor for side in self.geometry.window), self.geometry.bands)
        if not any(mask.any() for mask in batch.valid):
            return [np.full(shape, np.nan, np.float32) for _ in windows]
        if self.geometry.coarse is not None:
            windows = [degraded_window(window, self.geometry, self.source) for window in windows]
        ready = {self.experiment.manifest.input: stacked(windows, self.source)}
        ready |= {name: stacked(batch.further[name], field) for name, field in self.further.items()}
        return self.computed(ready, batch.valid, self.geometry.bands)

    def computed(self, ready: Mapping[str, np.ndarray], valid: Sequence[np.ndarray], bands: int) -> list[np.ndarray]:
        """Return what the network computes for a batch, NaN where the input has no measurement.

        Args:
            ready: the fields, with a batch axis, as of ``ready``.
            valid: bool ``(height, width)`` of each window.
            bands: of the prediction.
        """
        factor = self.geometry.factor
        shape = (*(side * factor for side in self.geometry.window), bands)
        tensors = {name: tf.constant(array) for name, array in ready.items()}
        with attributed_to(self.plugin, "the prediction fails"):
            predictions = self._compute(tensors).numpy()
        if self._in_any_order is None:
            self._in_any_order = has_no_state(self._compute.get_concrete_function(tensors))
        contract.check_shape(self.gan, self.plugin, predictions, shape, "a window of the map")
        for prediction, mask in zip(predictions, valid, strict=True):
            if not mask.all():
                prediction[~mask.repeat(factor, 0).repeat(factor, 1)] = np.nan
        return list(predictions)


def stacked(windows: Sequence[np.ndarray], field: Field) -> np.ndarray:
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
        self.batch = network.batch or batch_size(len(self.columns), height * width * self.factor**2)

    def predictions(self, first: int) -> Iterator[np.ndarray]:
        """Yield the prediction of every window, row by row from row ``first`` of windows.

        A batch holds windows of one row only. Therefore batches do not depend on ``first``, and a resumed run gives the
        same result bit for bit. The last batch of a row is filled with its last window. Pixels are read in a thread
        while the network computes, two batches at once where their order does not matter.
        """

        def predict(batch: Batch) -> list[np.ndarray]:
            return self.network.predict(batch)[: batch.used]

        with ahead(self._batches(first)) as batches:
            for predictions in at_once(predict, batches, self.network.at_once):
                yield from predictions

    def _batches(self, first: int) -> Iterator[Batch]:
        """Yield the batches of windows."""
        network, starts = self.network, self.columns.starts
        rows, size = self.rows.starts[first:], network.geometry.window
        fields_read = [self._further_strips(name, rows) for name in network.further]
        convert = partial(network.ready, network.experiment.manifest.input)
        of_input = strips(self.scene, rows, size, network.time_steps, convert)
        for strip, *others in zip(of_input, *fields_read, strict=True):
            for position in range(0, len(starts), self.batch):
                columns = starts[position : position + self.batch]
                further = {
                    name: self._padded(_cut(other.values, self._columns_of(field, columns), field.size[1]))
                    for (name, field), other in zip(network.further.items(), others, strict=True)
                }
                windows, valid = (self._padded(_cut(pixels, columns, size[1])) for pixels in strip)
                yield Batch(windows, valid, further, len(columns))

    def _padded(self, windows: list[np.ndarray]) -> list[np.ndarray]:
        return windows + [windows[-1]] * (self.batch - len(windows))

    def _further_strips(self, name: str, rows: Sequence[int]) -> Iterator[Strip]:
        """Return the strips of a further field at rows of the input."""
        field = self.network.further[name]
        places = [fields.place_in(field, self.network.geometry, row, 0)[0] for row in rows]
        convert = partial(self.network.ready, name)
        return strips(self.further[name], places, field.size, field.time_steps or 1, convert)

    def _columns_of(self, field: Field, columns: Sequence[int]) -> list[int]:
        """Return the columns in a further field where those of the input are."""
        return [fields.place_in(field, self.network.geometry, 0, column)[1] for column in columns]

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
            start = self.rows.starts[index] * self.factor
            top, blended = (row - start for row in self.rows.fades[index])
            end, next_blended = (row - start for row in self.rows.next_fade(index))
            used = (window[top:next_blended] for window in islice(predictions, len(self.columns)))
            strip = join(used, self.columns, self.factor)
            if index:
                strip[: blended - top] = crossfade(carried, strip[: blended - top], 0, self.rows.block)
            carried = strip[end - top : next_blended - top].copy()
            yield strip[: end - top], carried


def _cut(pixels: np.ndarray, columns: Sequence[int], width: int) -> list[np.ndarray]:
    """Return the windows of a strip that begin at some columns."""
    return [pixels[:, column : column + width] for column in columns]
