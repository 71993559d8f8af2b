"""Adversarial losses: functions of the discriminator output, for the generator and for the discriminator.

D_r is the discriminator output for (input, target), D_f the one for (input, generated). Both may have any shape; each
loss is a mean over all values, so every patch of a PatchGAN has the same weight.

========  ========================================================  ========================================
loss      the discriminator output is                               source
========  ========================================================  ========================================
bce       logits or probabilities, as `loss_object` takes them      Goodfellow et al. 2014 (non-saturating)
nll       logits or probabilities, as `loss_object` takes them      the same, as a formula
wstein    a score, unbounded                                        Arjovsky et al. 2017
lsgan     a score, 1 for target and 0 for generated                 Mao et al. 2017
hinge     a score                                                   Lim and Ye 2017; Miyato et al. 2018
========  ========================================================  ========================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

#: Added inside the logarithms of the nll terms.
NLL_EPSILON = 1e-8
#: Reductions of a Keras loss that return the mean of its values.
MEANS = ("sum_over_batch_size", "mean")


def gen_bce(disc_generated_output: Any, loss_object: Callable[[Any, Any], Any] | None) -> Any:
    """Return the cross-entropy of D_f against "real"."""
    return _cross_entropy(loss_object, ops.ones_like(disc_generated_output), disc_generated_output)


def disc_bce(
    disc_real_output: Any,
    disc_generated_output: Any,
    loss_object: Callable[[Any, Any], Any] | None,
    label_smoothing: float = 0.0,
) -> Any:
    """Return the cross-entropy of D_r against "real" plus that of D_f against "generated" (no factor 1/2).

    The label of "real" is 1 - label_smoothing, that of "generated" is 0 (one-sided: Salimans et al. 2016).
    """
    labels = (1.0 - label_smoothing) * ops.ones_like(disc_real_output)
    real = _cross_entropy(loss_object, labels, disc_real_output)
    generated = _cross_entropy(loss_object, ops.zeros_like(disc_generated_output), disc_generated_output)
    return real + generated


def gen_nll(disc_generated_output: Any, loss_object: Callable[[Any, Any], Any] | None) -> Any:
    """Return mean(-log D_f)."""
    return -ops.mean(ops.log(probability(disc_generated_output, loss_object) + NLL_EPSILON))


def disc_nll(disc_real_output: Any, disc_generated_output: Any, loss_object: Callable[[Any, Any], Any] | None) -> Any:
    """Return mean(-log D_r - log(1 - D_f))."""
    real = ops.log(probability(disc_real_output, loss_object) + NLL_EPSILON)
    generated = ops.log((1.0 - probability(disc_generated_output, loss_object)) + NLL_EPSILON)
    return -ops.mean(real + generated)


def probability(outputs: Any, loss_object: Callable[[Any, Any], Any] | None) -> Any:
    """Return the discriminator output as probabilities; logits (if the loss object takes them) pass through a sigmoid.

    The original ARISGAN code takes the logarithm of logits, which is NaN for all negative ones.
    """
    are_logits = loss_object is None or getattr(loss_object, "from_logits", False)
    return ops.sigmoid(outputs) if are_logits else outputs


def gen_wstein(disc_generated_output: Any) -> Any:
    """Return -mean D_f, the generator's part of the Wasserstein loss."""
    return -ops.mean(disc_generated_output)


def disc_wstein(disc_real_output: Any, disc_generated_output: Any) -> Any:
    """Return mean D_f - mean D_r, the discriminator's part of the Wasserstein loss.

    The loss does not make the discriminator Lipschitz continuous. Unless the network does (spectral normalisation,
    clipped weights), the loss has no lower bound and training diverges.
    """
    return ops.mean(disc_generated_output) - ops.mean(disc_real_output)


def gen_lsgan(disc_generated_output: Any) -> Any:
    """Return mean((D_f - 1)^2)."""
    return ops.mean(ops.square(disc_generated_output - 1.0))


def disc_lsgan(disc_real_output: Any, disc_generated_output: Any) -> Any:
    """Return (mean((D_r - 1)^2) + mean(D_f^2)) / 2."""
    real = ops.mean(ops.square(disc_real_output - 1.0))
    return 0.5 * (real + ops.mean(ops.square(disc_generated_output)))


def gen_hinge(disc_generated_output: Any) -> Any:
    """Return -mean D_f, the generator's part of the hinge loss (equal to `gen_wstein`)."""
    return -ops.mean(disc_generated_output)


def disc_hinge(disc_real_output: Any, disc_generated_output: Any) -> Any:
    """Return mean(relu(1 - D_r)) + mean(relu(1 + D_f))."""
    return ops.mean(ops.relu(1.0 - disc_real_output)) + ops.mean(ops.relu(1.0 + disc_generated_output))


def _cross_entropy(loss_object: Callable[[Any, Any], Any] | None, labels: Any, outputs: Any) -> Any:
    """Return the scalar of the loss object; without an object, binary cross-entropy of logits.

    Under a tf.distribute strategy, a Keras loss divides its mean by the number of replicas. This term would then have a
    smaller weight than the others on several devices; therefore the mean is computed here.
    """
    if loss_object is None:
        loss_object = keras.losses.BinaryCrossentropy(from_logits=True)
    if isinstance(loss_object, keras.losses.Loss) and loss_object.reduction in MEANS:
        return ops.mean(loss_object.call(labels, outputs))
    return loss_object(labels, outputs)
