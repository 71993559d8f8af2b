"""The module ``models.losses`` of the original ARISGAN code, for plug-ins written for it; this file is no model.

The terms, their order and their errors are those of the original code. A weight of 0 (or an absent one) still adds 0
times its term, so that the total is NaN if a term is, for example the nll terms of logits; gradients and weights remain
finite. The root of ``gen_rmse`` has an infinite gradient at 0. ``gen_ssim`` assumes a data range of 1.

The corrected losses are in the package ``losses``: with ``import losses`` instead of ``import models.losses as losses``
the same calls use them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

EPSILON = 1e-8
Terms = dict[str, tuple[float | None, Callable[[], Any]]]


def generator_loss(
    disc_generated_output: Any,
    gen_output: Any,
    target: Any,
    GEN_LOSS: Mapping[str, float | None],
    loss_object: Callable[[Any, Any], Any] | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Return the generator's total loss (None if no term is computed) and its unweighted terms.

    Args:
        disc_generated_output: discriminator output for (input, generated), of any shape.
        gen_output: generated images, ``(batch, height, width, band)``.
        target: target images of the same shape.
        GEN_LOSS: weights by name; None: not computed. Absent: 0, but None for ``gen_ssim``.
        loss_object: ``loss(labels, outputs)`` of ``gen_gan``.

    Raises:
        AssertionError: ``gen_gan`` is computed, but there is no loss object.
        ValueError: a weight for a loss that ARISGAN does not have.
    """
    fake, prediction, true = (tf.cast(tensor, tf.float32) for tensor in (disc_generated_output, gen_output, target))
    return _sum(
        GEN_LOSS,
        {
            "gen_gan": (0, lambda: _asked(loss_object, "gen_gan")(tf.ones_like(fake), fake)),
            "gen_nll": (0, lambda: tf.reduce_mean(-tf.math.log(fake + EPSILON))),
            "gen_ssim": (None, lambda: tf.reduce_mean(1 - tf.image.ssim(true, prediction, max_val=1.0))),
            "gen_l1": (0, lambda: tf.reduce_mean(tf.abs(true - prediction))),
            "gen_l2": (0, lambda: tf.reduce_mean(tf.square(true - prediction))),
            "gen_rmse": (0, lambda: tf.sqrt(tf.reduce_mean(tf.square(true - prediction)))),
            "gen_wstein": (0, lambda: -tf.reduce_mean(fake)),
        },
    )


def discriminator_loss(
    disc_real_output: Any,
    disc_generated_output: Any,
    DISC_LOSS: Mapping[str, float | None],
    loss_object: Callable[[Any, Any], Any] | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Return the discriminator's total loss (None if no term is computed) and its unweighted terms.

    Args:
        disc_real_output: discriminator output for (input, target), of any shape.
        disc_generated_output: discriminator output for (input, generated), of the same shape.
        DISC_LOSS: weights by name; None: not computed; absent: 0.
        loss_object: ``loss(labels, outputs)`` of ``disc_bce``.

    Raises:
        AssertionError: ``disc_bce`` is computed, but there is no loss object.
        ValueError: a weight for a loss that ARISGAN does not have.
    """
    real, fake = (tf.cast(tensor, tf.float32) for tensor in (disc_real_output, disc_generated_output))

    def bce() -> Any:
        loss = _asked(loss_object, "disc_bce")
        return loss(tf.ones_like(real), real) + loss(tf.zeros_like(fake), fake)

    def nll() -> Any:
        return tf.reduce_mean(-(tf.math.log(real + EPSILON) + tf.math.log(1 - fake + EPSILON)))

    return _sum(DISC_LOSS, {"disc_bce": (0, bce), "disc_nll": (0, nll)})


def _asked(loss_object: Callable[[Any, Any], Any] | None, name: str) -> Callable[[Any, Any], Any]:
    assert loss_object is not None, f"{name} needs a loss_object; give one, or set {name} to null"
    return loss_object


def _sum(weights: Mapping[str, float | None], terms: Terms) -> tuple[Any, dict[str, Any]]:
    """Compute the terms whose weight is not None, and sum them in the order of `terms`."""
    for name, weight in weights.items():
        if name not in terms and weight:
            raise ValueError(f"models.losses has no '{name}', but {', '.join(terms)}; see docs/add-a-model.md")
    total: Any = None
    values: dict[str, Any] = {}
    for name, (absent, term) in terms.items():
        weight = weights.get(name, absent)
        if weight is not None:
            values[name] = term()
            weighted = weight * values[name]
            total = weighted if total is None else total + weighted
    return total, values
