"""Learning rates of a plug-in's optimisers: those of the experiment, and their schedules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import keras

from pix2earth.plugins import state
from pix2earth.settings.errors import UserError, nearest
from pix2earth.settings.optimization import Schedule
from pix2earth.training import devices

if TYPE_CHECKING:
    from experiment import Experiment


class Scheduled(NamedTuple):
    """A learning rate that changes.

    Attributes:
        optimizer: path of the optimiser among the plug-in's attributes.
        rate: the full rate.
        schedule: the part of it that each step uses.
    """

    optimizer: str
    rate: float
    schedule: Schedule


class Rates:
    """The learning rates of a plug-in.

    Attributes:
        scheduled: those that change from step to step.
    """

    def __init__(self, experiment: Experiment, gan: Any, plugin: Path) -> None:
        """Give every optimiser the learning rate of the experiment, where it states one.

        Args:
            experiment: its keys ``learning_rate`` and ``schedule`` are used.
            gan: the plug-in.
            plugin: its file, for messages.

        Raises:
            UserError: a name is that of no network with an optimiser, or an optimiser has a schedule of its own.
        """
        self.experiment, self.gan = experiment, gan
        self.networks = {state.network_of(path): path for path in state.optimizers(gan)}
        settings = experiment.settings
        rate_of_all = settings.learning_rate if isinstance(settings.learning_rate, float) else None
        if rate_of_all is None:
            self._check_names("learning_rate", [name for name, rate in settings.rates.items() if rate], plugin)
        current = devices.learning_rates(gan)  # without those that have a schedule of their own
        requested = {name: rate_of_all or settings.rates.get(name) for name in self.networks}
        rates = {
            self.networks[name]: rate for name, rate in requested.items() if rate and self.networks[name] in current
        }
        devices.set_learning_rates(gan, rates)
        self.scheduled = self._scheduled(settings.schedule, {**current, **rates}, plugin)

    def _check_names(self, key: str, names: list[str], plugin: Path) -> None:
        """Make sure that all names are networks."""
        for name in names:
            if name not in self.networks:
                raise UserError(
                    f"{self.experiment.file}: {key}.{name}: {plugin.name} has no network of this name with an"
                    f" optimiser{nearest(name, self.networks)}"
                )

    def _scheduled(
        self, schedules: Schedule | dict[str, Schedule] | None, rates: dict[str, float], plugin: Path
    ) -> list[Scheduled]:
        """Return the rates that change."""
        if schedules is None:
            return []
        by_network = schedules if isinstance(schedules, dict) else dict.fromkeys(self.networks, schedules)
        self._check_names("schedule", list(by_network), plugin)
        for name in by_network:
            if self.networks[name] not in rates:
                raise UserError(
                    f"{self.experiment.file}: schedule: {plugin.name} gives the optimiser of '{name}' a schedule of its"
                    " own; remove one of the two"
                )
        paths = {self.networks[name]: schedule for name, schedule in by_network.items()}
        return [Scheduled(path, rates[path], schedule) for path, schedule in paths.items()]

    def apply(self, step: int, epochs: float, all_epochs: float) -> None:
        """Set the rates of a step that a schedule changes.

        Args:
            step: number of finished steps.
            epochs: number of finished epochs.
            all_epochs: the number of epochs of the whole training.
        """
        if not self.scheduled:
            return
        rates = {}
        for optimizer, rate, schedule in self.scheduled:
            in_steps = schedule.unit == "steps"
            share = schedule.share(step if in_steps else epochs, self.experiment.STEPS if in_steps else all_epochs)
            rates[optimizer] = rate * share
        devices.set_learning_rates(self.gan, rates)


def clip_gradients(experiment: Experiment, gan: Any, plugin: Path, replicas: int) -> None:
    """Let every optimiser clip gradients as the key ``clip_norm`` says, by Keras' own ``global_clipnorm``.

    Raises:
        UserError: there are several devices, each of which would clip its own part; or an optimiser is of Keras 2.
    """
    norm = experiment.settings.clip_norm
    if norm is None:
        return
    if replicas > 1:
        raise UserError(f"{experiment.file}: clip_norm: is not possible on {replicas} devices; leave it out")
    for name, optimizer in state.optimizers(gan).items():
        if not isinstance(optimizer, keras.optimizers.Optimizer):
            raise UserError(f"{experiment.file}: clip_norm: {name} of {plugin.name} is of Keras 2; leave it out")
        inner = getattr(optimizer, "inner_optimizer", optimizer)  # of a loss-scaling optimiser
        inner.clipnorm = inner.clipvalue = None
        inner.global_clipnorm = norm
