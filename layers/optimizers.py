"""The optimiser of a plug-in's network, as experiment.json wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from experiment import Experiment


def adam(
    experiment: Experiment,
    network: str,
    learning_rate: float = 2e-4,
    beta_1: float = 0.5,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
) -> keras.optimizers.Optimizer:
    """Return Adam for one network, with loss scaling where the experiment computes in float16.

    Call ``build(network.trainable_variables)`` on it before the first training step: slots then exist when a
    checkpoint is restored, and a loss-scaling optimiser that is not built yet would have its first scale, not
    the current one, compiled into the step.

    Args:
        experiment: read for LEARNING_RATE (this network's entry, unless None, replaces `learning_rate`) and
            PRECISION.
        network: "generator" or "discriminator".
        learning_rate: the model's own choice; the default is that of pix2pix.
        beta_1: decay of the first moment; 0.5 is the usual choice for GANs.
        beta_2: decay of the second moment.
        epsilon: added to the denominator.
    """
    wanted = (experiment.LEARNING_RATE or {}).get(network)
    optimizer = keras.optimizers.Adam(
        learning_rate if wanted is None else wanted, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon
    )
    if experiment.PRECISION == "mixed_float16":
        # Half floats end at 6e-8: unscaled, most of a GAN's gradients would be zero.
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer
