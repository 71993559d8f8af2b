"""Weights of losses: those that begin later and rise, and those that a plug-in does not read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from losses import is_adversarial
from pix2earth.settings.errors import UserError
from pix2earth.settings.optimization import LossWeight

if TYPE_CHECKING:
    from experiment import Experiment


class LossWeights:
    """The weights of the losses in each phase of a training; a phase is the time in which no loss begins.

    Attributes:
        scheduled: the weights that begin later, by the name of the loss.
        variables: their present values; networks are compiled with these variables.
        begun: names of those that have begun; None before the first step.
    """

    def __init__(self, experiment: Experiment) -> None:
        """Find the losses that begin later; the experiment is not changed yet."""
        settings = experiment.settings
        self.experiment = experiment
        self.scheduled = {name: weight for name, weight in settings.gen_loss.items() if isinstance(weight, LossWeight)}
        # Not mirrored: set outside of the step, and only read in it.
        self.variables = {name: tf.Variable(0.0, trainable=False) for name in self.scheduled}
        weights = {key: dict(of_key) for key, of_key in experiment.weights.items()}
        self.constant = {name: weight for name, weight in weights["gen_loss"].items() if name not in self.scheduled}
        self.discriminator = weights["disc_loss"]
        self.begun: frozenset[str] | None = None

    def enter(self, step: int) -> bool:
        """Set the weights of a step; return whether it starts a phase, for which networks are compiled.

        Losses that have not begun are not computed. Before the first adversarial loss begins, the discriminator is not
        updated, and adversarial losses with the weight 0, which are logged only, are not computed either.

        Args:
            step: number of finished steps.
        """
        for name, weight in self.scheduled.items():
            self.variables[name].assign(weight.at(step))
        begun = frozenset(name for name, weight in self.scheduled.items() if step >= weight.begin)
        if begun == self.begun:
            return False
        self.begun = begun
        if self.scheduled:
            self._change_experiment(begun)
        return True

    def _change_experiment(self, begun: frozenset[str]) -> None:
        """Give the experiment, by which plug-ins know the weights, those of a phase."""
        weights: dict[str, Any] = dict(self.constant)
        weights |= {name: self.variables[name] if name in begun else None for name in self.scheduled}
        disc_weights: dict[str, Any] = dict(self.discriminator)
        waiting = any(map(is_adversarial, self.scheduled.keys() - begun))
        in_use = [name for name, weight in weights.items() if name in begun or weight]
        if waiting and not any(map(is_adversarial, in_use)):
            weights |= {name: None for name in weights if is_adversarial(name)}
            disc_weights = dict.fromkeys(disc_weights)
        self.experiment.GEN_LOSS, self.experiment.DISC_LOSS = weights, disc_weights


def check_read(experiment: Experiment, plugin: Path) -> None:
    """Make sure that the plug-in has read every weight that the experiment states; call it after a step.

    Raises:
        UserError: one would have no effect.
    """
    unread = [
        f"{key}.{name}"
        for key in ("gen_loss", "disc_loss")
        for name in sorted(experiment.settings.named_losses(key) - experiment.weights[key].read)
        if getattr(experiment.settings, key)[name] is not None
    ]
    if "label_smoothing" in experiment.settings.model_fields_set and not experiment.smoothing_read:
        unread.append("label_smoothing")
    if unread:
        advice = f"{plugin.name} does not use it, so that it would have no effect; leave it out"
        raise UserError(*(f"{experiment.file}: {key}: {advice}" for key in unread))
