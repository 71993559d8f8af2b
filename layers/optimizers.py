"""The Adam optimiser of a network, with the learning rate and precision of experiment.json."""

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
    weight_decay: float | None = None,
) -> keras.optimizers.Optimizer:
    """Return Adam for one network, with loss scaling where the precision is mixed_float16.

    Call its ``build(network.trainable_variables)`` before the first training step. Its variables then exist when a
    checkpoint is restored; and the step of an optimiser with loss scaling that was not built before would be compiled
    with the initial scale as a constant.

    Args:
        experiment: its LEARNING_RATE (the rate of this network, unless None, replaces `learning_rate`) and PRECISION
            are used.
        network: "generator" or "discriminator".
        learning_rate: default of the model; 2e-4 is the rate of pix2pix.
        beta_1: decay of the first moment; 0.5 is the usual choice for GANs.
        beta_2: decay of the second moment.
        epsilon: added to the denominator.
        weight_decay: share of every weight, times the learning rate, that a step takes off (AdamW, Loshchilov and
            Hutter 2019); None: nothing.
    """
    experiment_rate = (experiment.LEARNING_RATE or {}).get(network)
    rate = learning_rate if experiment_rate is None else experiment_rate
    optimizer = keras.optimizers.Adam(rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, weight_decay=weight_decay)
    if experiment.PRECISION == "mixed_float16":
        # The smallest float16 is 6e-8: without scaling, most gradients of a GAN would be zero.
        return keras.optimizers.LossScaleOptimizer(optimizer)
    return optimizer
