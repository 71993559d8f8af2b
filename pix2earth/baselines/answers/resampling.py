"""Bicubic interpolation, and back-projection after it, as products with the matrices of both axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from pix2earth.baselines.answers.answer import Answer, Further
from pix2earth.baselines.suitability import own_size
from pix2earth.baselines.upsampling import ITERATIONS
from pix2earth.records.degradation import area_weights
from pix2earth.records.manifest import Manifest

Axes = tuple[np.ndarray, np.ndarray]


class BicubicAnswer(Answer):
    """The shared bands in the input's own pixels, upsampled by cubic convolution as ``tf.image.resize`` does it."""

    kind = "bicubic"

    def __init__(self, manifest: Manifest, size: tuple[int, int]) -> None:
        """Compute the matrices of both axes."""
        super().__init__(manifest, size)
        self.own = own_size(manifest, size)
        self.to_own = averaging(size, self.own)
        self.upsampling = bicubic_weights(self.own, size)

    def predict(self, image: tf.Tensor, further: Further, weights: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return the upsampled image."""
        bands = tf.gather(image, self.manifest.shared_bands, axis=-1)
        return resampled(self.start(resampled(bands, self.to_own)), self.upsampling)

    def start(self, coarse: tf.Tensor) -> tf.Tensor:
        """Return what is upsampled, from the image in its own pixels."""
        return coarse


class BackProjectionAnswer(BicubicAnswer):
    """Bicubic interpolation, corrected until its averages are the input (Irani and Peleg 1991).

    All operations are linear. So the corrections are added up in the coarse pixels, and upsampled once: with the
    upsampling U and the degradation D, the image after n rounds is U (c + r1 + ... + rn), where r1 = c - D U c, and
    each further residual is that of the one before. Source: doi:10.1016/1049-9652(91)90045-L.
    """

    kind = "back_projection"

    def __init__(self, manifest: Manifest, size: tuple[int, int]) -> None:
        """Compute what a coarse image becomes when it is upsampled and degraded again."""
        super().__init__(manifest, size)
        assert manifest.degradation is not None
        coarse, fwhm = manifest.degradation.size(size), manifest.degradation.fwhm
        self.again = tuple(
            area_weights(fine, few, fwhm) * (few / fine) @ upsampling
            for fine, few, upsampling in zip(size, coarse, self.upsampling, strict=True)
        )

    def start(self, coarse: tf.Tensor) -> tf.Tensor:
        """Return the coarse image with all corrections."""
        total = residual = coarse
        for _ in range(ITERATIONS):
            residual -= resampled(residual, self.again)  # type: ignore[arg-type]
            total += residual
        return total


def bicubic_weights(own: tuple[int, int], size: tuple[int, int]) -> Axes:
    """Return for both axes the weights (fine, coarse) of cubic convolution."""

    def of_axis(coarse: int, fine: int) -> np.ndarray:
        identity = np.eye(coarse, dtype=np.float32)[None, :, :, None]
        return tf.image.resize(identity, (fine, coarse), method="bicubic").numpy()[0, :, :, 0].astype(np.float64)

    with tf.init_scope():
        return of_axis(own[0], size[0]), of_axis(own[1], size[1])


def averaging(size: tuple[int, int], own: tuple[int, int]) -> Axes:
    """Return for both axes the weights (coarse, fine) of the mean over the area of coarse pixels."""
    rows, columns = (area_weights(fine, few, None) * (few / fine) for fine, few in zip(size, own, strict=True))
    return rows, columns


def resampled(image: tf.Tensor, axes: Axes) -> tf.Tensor:
    """Return an image (batch, height, width, band) whose rows and columns are multiplied by matrices."""
    rows, columns = (tf.constant(each, tf.float32) for each in axes)
    return tf.einsum("ij,bjkc,lk->bilc", rows, image, columns)
