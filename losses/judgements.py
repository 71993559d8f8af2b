"""Shares of patches that a discriminator takes for real, above a probability of 0.5: logged beside losses, not learnt.

They have no gradient, so that their weight can only be 0, and no meaning for discriminators of least squares or of
Wasserstein distances, whose outputs are no probabilities. Source: the training log of the RSGAN study (2020).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

from losses.adversarial import probability

LossObject = Callable[[Any, Any], Any] | None


def disc_fooling_rate(disc_generated_output: Any, loss_object: LossObject) -> Any:
    """Return the share of generated patches that are taken for real, 0 to 1."""
    return _taken_for_real(disc_generated_output, loss_object)


def disc_recall(disc_real_output: Any, loss_object: LossObject) -> Any:
    """Return the share of the target's patches that are taken for real, 0 to 1."""
    return _taken_for_real(disc_real_output, loss_object)


def disc_precision(disc_real_output: Any, disc_generated_output: Any, loss_object: LossObject) -> Any:
    """Return the share of the target's among the patches that are taken for real, 0 to 1; 0 where none is.

    As many patches are of the target as are generated. In the study it is not a number where none is taken for real.
    """
    true, generated = (_taken_for_real(each, loss_object) for each in (disc_real_output, disc_generated_output))
    taken = true + generated
    return ops.where(taken > 0, true / ops.where(taken > 0, taken, 1.0), 0.0)


def _taken_for_real(output: Any, loss_object: LossObject) -> Any:
    return ops.mean(ops.cast(probability(output, loss_object) > 0.5, "float32"))
