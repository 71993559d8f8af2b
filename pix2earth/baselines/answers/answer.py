"""What all trivial answers have in common, and those that have weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import tensorflow as tf

from pix2earth.baselines.suitability import further_fields
from pix2earth.batches.time_steps import flat, fold, unfold
from pix2earth.records.manifest import Manifest

Further = Mapping[str, tf.Tensor]


class Answer(ABC):
    """A prediction of the target from fields in physical units on the grid of the network, which XLA compiles.

    Attributes:
        kind: its name, as ``start_from`` has it.
        fields: names of the fields besides the input that it reads.
        shapes: of its weights, which are fitted to the training split; none for most.
    """

    kind = ""
    shapes: tuple[tuple[int, ...], ...] = ()

    def __init__(self, manifest: Manifest, size: tuple[int, int]) -> None:
        """Prepare for the images of a dataset.

        Args:
            manifest: of the dataset, which ``suitability.check`` has accepted.
            size: height and width of the network's images.
        """
        self.manifest, self.size = manifest, size
        self.source, self.target = manifest.fields[manifest.input], manifest.fields[manifest.target]
        self.fields = further_fields(self.kind, manifest)

    def __call__(self, image: tf.Tensor, further: Further, weights: Sequence[tf.Tensor] = ()) -> tf.Tensor:
        """Return the prediction, float32, with time steps where ``image`` has them and folded where they are folded.

        Args:
            image: the input, (batch, [time step,] height, width, band); time steps may be folded into bands.
            further: the fields of ``fields`` by name, on the same grid, time steps as those of the image.
            weights: of ``shapes``.
        """
        folded = len(image.shape) == 4
        steps = self.source.time_steps
        if steps and folded:
            image = unfold(image, steps)
        fields = {name: self._with_steps(further[name], name) for name in self.fields}
        prediction = self.predict(image, fields, weights)
        if not self.target.time_steps:
            return prediction
        return flat(prediction) if folded else prediction

    def _with_steps(self, values: tf.Tensor, name: str) -> tf.Tensor:
        """Return a field with the time axis that it has in the manifest, as float32."""
        steps = self.manifest.fields[name].time_steps
        values = tf.cast(values, tf.float32)
        return unfold(values, steps) if steps and len(values.shape) == 4 else values

    @abstractmethod
    def predict(self, image: tf.Tensor, further: Further, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the prediction; arguments as of a call, time steps never folded."""


class FittedAnswer(Answer):
    """A linear combination of features of the input, whose weights are fitted to the training split."""

    @abstractmethod
    def features(self, image: tf.Tensor, further: Further) -> tf.Tensor:
        """Return the features (batch, height, width, feature) of which the weights make the target's bands."""

    def predict(self, image: tf.Tensor, further: Further, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the weighted sum of the features."""
        return self.with_time_steps(tf.matmul(self.features(image, further), weights[0]))

    def with_time_steps(self, image: tf.Tensor) -> tf.Tensor:
        """Return an image with folded time steps as one with the target's time axis."""
        steps = self.target.time_steps
        return unfold(image, steps) if steps else image


def without_time_axis(image: tf.Tensor) -> tf.Tensor:
    """Return (batch, height, width, band) of an image that may have a time axis."""
    return fold(image) if len(image.shape) == 5 else image
