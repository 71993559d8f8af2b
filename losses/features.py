"""Losses of the discriminator's features: those of generated images are to be like those of targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops


def gen_fm(
    disc_real_features: Sequence[Sequence[Any]],
    disc_generated_features: Sequence[Sequence[Any]],
    fm_accumulated: bool = False,
) -> Any:
    """Return the feature matching loss: mean absolute differences, summed over layers, averaged over scales.

    Wang et al. 2018 (pix2pixHD). Features of targets get no gradient.

    Args:
        disc_real_features: for each scale of the discriminator the features of its layers, of any shape.
        disc_generated_features: the same of generated images.
        fm_accumulated: add the differences of a scale again at every further scale, as Pix2PixCC was published: of n
            scales, the first is counted n times, the last once.
    """
    scales = [
        sum(_difference(real, generated) for real, generated in zip(true, false, strict=True))
        for true, false in zip(disc_real_features, disc_generated_features, strict=True)
    ]
    counts = [len(scales) - number if fm_accumulated else 1 for number in range(len(scales))]
    return sum(count * value for count, value in zip(counts, scales, strict=True)) / len(scales)


def _difference(real: Any, generated: Any) -> Any:
    """Return the mean absolute difference in float32."""
    return ops.mean(ops.abs(ops.cast(generated, "float32") - ops.stop_gradient(ops.cast(real, "float32"))))
