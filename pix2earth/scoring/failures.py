"""Predictions that fail: values that are not finite, and constant images where the target is not constant.

They are failures of the model and not of a metric. Where scores of the other samples alone were averaged, a model that
fails on difficult samples would be better than one that does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tensorflow as tf

NON_FINITE = "non-finite predictions"
CONSTANT = "constant predictions"


def failures(target: tf.Tensor, prediction: tf.Tensor, valid: tf.Tensor | None) -> dict[str, tf.Tensor]:
    """Return for each kind of failure which samples fail so, bool (batch,).

    Masked pixels have no influence. A prediction is constant if every band is.

    Args:
        target: (batch, height, width, band).
        prediction: of the same shape.
        valid: bool (batch, height, width), or None where all pixels are valid.
    """
    import tensorflow as tf

    from metrics.correlation import varies

    keep = None if valid is None else valid[..., tf.newaxis]
    not_finite = ~tf.math.is_finite(prediction)
    if keep is not None:
        not_finite &= keep
    non_finite = tf.reduce_any(not_finite, [1, 2, 3])
    constant = ~tf.reduce_any(varies(prediction, keep), 1) & tf.reduce_any(varies(target, keep), 1)
    return {NON_FINITE: non_finite, CONSTANT: constant & ~non_finite}


def of_samples(
    target: tf.Tensor, prediction: tf.Tensor, valid: tf.Tensor | None, steps: int | None
) -> dict[str, tf.Tensor]:
    """Return which predictions fail at any time step, bool (batch,) by kind.

    Args:
        target: (batch, [time step,] height, width, band); time steps may be folded.
        prediction: of the same shape.
        valid: bool (batch, [time step,] height, width), or None where all pixels are valid.
        steps: number of time steps, or None.
    """
    import tensorflow as tf

    from pix2earth.batches.time_steps import flat, separate
    from pix2earth.scoring.regions import by_time_step, differs

    if not differs(valid):
        return failures(flat(target), flat(prediction), valid)
    found = failures(separate(target, steps), separate(prediction, steps), by_time_step(valid, steps))
    return {kind: tf.reduce_any(tf.reshape(values, (-1, steps)), axis=1) for kind, values in found.items()}


def in_words(counts: Mapping[str, int], total: int) -> str:
    """Return the numbers of failures in words, such as "3 of 12 predictions are not finite"; "" without a failure.

    Args:
        counts: number of samples by kind of failure.
        total: number of all samples.
    """
    phrases = {NON_FINITE: "not finite", CONSTANT: "constant"}
    parts = [f"{counts[kind]} of {total} predictions are {word}" for kind, word in phrases.items() if counts.get(kind)]
    return " and ".join(parts)
