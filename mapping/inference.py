"""A trained network over a whole scene."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from mapping.windows import Blender, starts, weights
from records.preparation import physical, prepare_input
from runs import plugins
from settings.mistakes import Mistake

if TYPE_CHECKING:
    from experiment import Experiment
    from mapping.scene import Scene

PIXELS_A_BATCH = 8 * 256 * 256


class Network:
    """A plug-in's network, from stored input windows to physical output windows."""

    def __init__(self, experiment: Experiment, gan: Any, plugin: Path) -> None:
        """Check that input and output windows fit one another.

        Raises:
            Mistake: values cannot be brought back to physical units, or the grids do not fit.
        """
        self.experiment, self.gan, self.plugin = experiment, gan, plugin
        manifest = experiment.manifest
        self.source, self.target = manifest.fields[manifest.input], manifest.fields[manifest.target]
        if experiment.NORMALIZE == "l2":
            raise Mistake(f"{experiment.file}: normalize: 'l2' cannot be undone, so that there is no map to make")
        size = (experiment.IMG_HEIGHT, experiment.IMG_WIDTH)
        if size != self.target.size:
            raise Mistake(
                f"{experiment.file}: img_height, img_width: the network works at {size[0]} x {size[1]} pixels and not on"
                f" the grid of its target, {self.target.size[0]} x {self.target.size[1]}"
            )
        factors = {out / into for out, into in zip(self.target.size, self.source.size, strict=True)}
        self.factor = round(min(factors))
        if factors != {self.factor} or self.source.size[0] != self.source.size[1]:
            raise Mistake(
                f"{experiment.file}: dataset: input tiles of {self.source.size} and target tiles of {self.target.size}"
                " pixels: only squares and whole factors can be put together"
            )
        self.side = self.source.size[0]
        self.batch = max(1, min(16, PIXELS_A_BATCH // (size[0] * size[1])))
        self._compute = tf.function(self._predict, autograph=False)

    @property
    def bands(self) -> list[str]:
        """Names of the bands of the output."""
        dates = self.target.dates or 1
        return (
            self.target.bands
            if dates == 1
            else [f"{band} {date + 1}" for date in range(dates) for band in self.target.bands]
        )

    def _predict(self, stored: tf.Tensor) -> tf.Tensor:
        fields = {"input_image": prepare_input(stored, self.experiment)}
        made = tf.cast(plugins.forward(self.gan, self.plugin, fields), tf.float32)
        values = physical(made, self.target, self.experiment)
        if len(values.shape) == 5:
            values = tf.reshape(tf.transpose(values, (0, 2, 3, 1, 4)), (-1, *self.target.size, len(self.bands)))
        return values

    def predict(self, windows: list[np.ndarray]) -> np.ndarray:
        """Return physical values ``(window, height, width, band)`` of windows as stored."""
        made = []
        for first in range(0, len(windows), self.batch):
            group = windows[first : first + self.batch]
            # Another batch size would be compiled anew.
            padded = group + [group[-1]] * (self.batch - len(group))
            with plugins.blaming(self.plugin, "the prediction fails"):
                made.append(self._compute(tf.constant(np.stack(padded))).numpy()[: len(group)])
        return np.concatenate(made)


def strips(network: Network, scene: Scene, overlap: int, done: int) -> Iterator[np.ndarray]:
    """Yield the output from north to south, float32 ``(rows, width, band)``, NaN where the input has nothing.

    Args:
        network: what predicts.
        scene: what it reads.
        overlap: of neighbouring windows, input pixels.
        done: output rows that are there already and are not yielded again.

    """
    (height, width), side, factor = scene.size, network.side, network.factor
    rows, columns = starts(height, side, overlap), starts(width, side, overlap)
    blender = Blender(height * factor, width * factor, len(network.bands))
    for number, row in enumerate(rows):
        until = height if number == len(rows) - 1 else rows[number + 1]
        following = rows[number + 2] if number + 2 < len(rows) else height
        if following * factor <= done:  # nor does any later row need these windows
            blender.top = until * factor
            yield np.zeros((0, width * factor, len(network.bands)), np.float32)
            continue
        there = _add_row(network, scene, blender, row, columns, overlap, (number == 0, number == len(rows) - 1))
        made = blender.take(until * factor)
        there = np.repeat(np.repeat(there[: until - row], factor, 0), factor, 1)
        made[~there] = np.nan
        yield made[max(0, done - row * factor) :].astype(np.float32)


def _add_row(
    network: Network,
    scene: Scene,
    blender: Blender,
    row: int,
    columns: list[int],
    overlap: int,
    edge: tuple[bool, bool],
) -> np.ndarray:
    """Predict the windows of one row; return where the scene has something, ``(side, width)``."""
    side, factor = network.side, network.factor
    read = [scene.read(row, column, side, side) for column in columns]
    there = np.zeros((side, max(scene.size[1], columns[-1] + side)), bool)
    for column, (_, valid) in zip(columns, read, strict=True):
        there[:, column : column + side] = valid
    wanted = [index for index, (_, valid) in enumerate(read) if valid.any()]
    made = dict(zip(wanted, network.predict([read[index][0] for index in wanted]), strict=True)) if wanted else {}
    nothing = np.zeros((side * factor, side * factor, len(network.bands)))
    down = weights(side * factor, overlap * factor, first=edge[0], last=edge[1])
    for index, column in enumerate(columns):
        across = weights(side * factor, overlap * factor, first=index == 0, last=index == len(columns) - 1)
        blender.add(row * factor, column * factor, made.get(index, nothing), np.outer(down, across))
    return there[:, : scene.size[1]]
