"""Answers that are fitted to the training split: a linear map of all input bands, and a regression of radar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations_with_replacement

import tensorflow as tf

from pix2earth.baselines.answers.answer import FittedAnswer, Further, without_time_axis
from pix2earth.baselines.answers.resampling import averaging, bicubic_weights, resampled
from pix2earth.baselines.radar_regression import CENTRE_DB, DEGREE, SPREAD_DB, WINDOW, YEAR
from pix2earth.baselines.suitability import DATES, coarser, own_size
from pix2earth.records.manifest import Manifest

NEIGHBOURHOOD = 3
"""Side in the input's own pixels of the neighbourhood of the linear map."""


class LinearFit(FittedAnswer):
    """A least-squares map from all input bands and their neighbourhood to each band of the target.

    It is computed in the input's own pixels; where those are coarser than the target's, the result is upsampled by
    cubic convolution. The first weights are those of the bands, neighbour by neighbour, the last one is a constant.
    """

    kind = "linear_fit"

    def __init__(self, manifest: Manifest, size: tuple[int, int]) -> None:
        """Compute the matrices of the upsampling, and the shape of the weights."""
        super().__init__(manifest, size)
        self.own = own_size(manifest, size)
        self.to_own, self.upsampling = averaging(size, self.own), bicubic_weights(self.own, size)
        self.resampled = coarser(manifest) and self.own != size
        inputs, outputs = (len(field.bands) * (field.time_steps or 1) for field in (self.source, self.target))
        self.shapes = ((NEIGHBOURHOOD**2 * inputs + 1, outputs),)

    def features(self, image: tf.Tensor, further: Further) -> tf.Tensor:
        """Return all bands of all neighbours, upsampled, and 1."""
        neighbours = self._neighbours(image)
        return resampled(neighbours, self.upsampling) if self.resampled else neighbours

    def predict(self, image: tf.Tensor, further: Further, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the map of the bands; few bands are upsampled, not all neighbours."""
        fitted = tf.matmul(self._neighbours(image), weights[0])
        return self.with_time_steps(resampled(fitted, self.upsampling) if self.resampled else fitted)

    def _neighbours(self, image: tf.Tensor) -> tf.Tensor:
        image = without_time_axis(image)
        image = resampled(image, self.to_own) if self.resampled else image
        reach, (height, width) = NEIGHBOURHOOD // 2, image.shape[1:3]
        padded = tf.pad(image, [(0, 0), (reach, reach), (reach, reach), (0, 0)], mode="SYMMETRIC")
        offsets = [(row, column) for row in range(NEIGHBOURHOOD) for column in range(NEIGHBOURHOOD)]
        parts = [padded[:, row : row + height, column : column + width] for row, column in offsets]
        return tf.concat([*parts, tf.ones_like(image[..., :1])], axis=-1)


class RadarRegression(FittedAnswer):
    """A polynomial of VV and VH, averaged as power over 5 x 5 pixels, and of the season (``radar_regression``)."""

    kind = "regression"

    def __init__(self, manifest: Manifest, size: tuple[int, int]) -> None:
        """Choose the products of variables: VV, VH, and sine and cosine of the day of the year where it is known."""
        super().__init__(manifest, size)
        variables = range(4 if self.fields else 2)
        products = [
            chosen for degree in range(1, DEGREE + 1) for chosen in combinations_with_replacement(variables, degree)
        ]
        # The square of the cosine follows from that of the sine.
        self.products = [chosen for chosen in products if chosen.count(3) < 2]
        self.shapes = ((len(self.products) + 1, len(self.target.bands)),)

    def features(self, image: tf.Tensor, further: Further) -> tf.Tensor:
        """Return all products, and 1 before them."""
        reach = WINDOW // 2
        power = tf.exp(image * (math.log(10.0) / 10))
        padded = tf.pad(power, [(0, 0), (reach, reach), (reach, reach), (0, 0)], mode="SYMMETRIC")
        mean = tf.nn.avg_pool2d(padded, WINDOW, 1, "VALID")
        decibels = tf.math.log(mean) * (10 / math.log(10.0))
        variables = [(decibels[..., band] - CENTRE_DB) / SPREAD_DB for band in range(2)]
        if DATES in self.fields:
            angle = further[DATES][..., 0] * (2 * math.pi / YEAR)
            variables += [tf.sin(angle), tf.cos(angle)]
        columns = [tf.ones_like(variables[0])]
        for chosen in self.products:
            column = variables[chosen[0]]
            for variable in chosen[1:]:
                column = column * variables[variable]
            columns.append(column)
        return tf.stack(columns, axis=-1)
