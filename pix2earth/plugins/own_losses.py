"""Losses that a plug-in computes itself: names and default weights, as class attributes of its ``GAN``.

``gen_losses = {"gen_cycle": 10.0}`` and ``disc_losses`` are literals, so that experiments are checked before anything
is imported. Their weights are keys of ``gen_loss`` and ``disc_loss`` like those of all other losses.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from losses import DISCRIMINATOR_LOSSES, GENERATOR_LOSSES
from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from experiment import Experiment

ATTRIBUTES: dict[str, tuple[str, Mapping[str, str]]] = {
    "gen_loss": ("gen_losses", GENERATOR_LOSSES), "disc_loss": ("disc_losses", DISCRIMINATOR_LOSSES),
}  # fmt: skip
"""Keys of an experiment -> attribute of the plug-in, and the table of the toolkit's losses."""


def declare(experiment: Experiment, plugin: Path, attributes: Mapping[str, Any]) -> None:
    """Give the experiment the default weights of a plug-in's own losses, and check the names that it states.

    Models of the toolkit do not compute a loss of weight 0 that the experiment does not name.

    Args:
        experiment: the weights that it states replace the defaults.
        plugin: the file of the plug-in.
        attributes: of its class ``GAN``.

    Raises:
        UserError: an attribute is no dict of weights, repeats a name of the toolkit, or the experiment names a loss
            that is in neither.
    """
    shipped = plugin.resolve().parent == Path(experiment.PROJECT_ROOT).resolve() / "models"
    for key, (attribute, table) in ATTRIBUTES.items():
        own = _checked(plugin, attribute, attributes.get(attribute, {}), table)
        stated = getattr(experiment.settings, key)
        for name in stated:
            if name not in table and name not in own:
                known = [*own, *table]
                raise UserError(
                    f"{experiment.file}: {key}.{name}: there is no loss '{name}'{nearest(name, known)}; {plugin.name}"
                    f" has {', '.join(own) or 'none'} of its own, given as {attribute} of its class GAN"
                )
        experiment.declare_losses(key, own, keep_unnamed=not shipped)


def require_weight(experiment: Experiment) -> None:
    """Make sure that a loss of the generator has a weight, stated or a default of the plug-in.

    Raises:
        UserError: none has one.
    """
    if not any(dict.values(experiment.GEN_LOSS)):
        raise UserError(
            f"{experiment.file}: gen_loss: no loss has a weight, nothing would be learnt; give one a positive number"
        )


def _checked(plugin: Path, attribute: str, value: Any, table: Mapping[str, str]) -> dict[str, float | None]:
    """Return the default weights of a plug-in's own losses.

    Raises:
        UserError: the value is no dict of numbers or None, or repeats a name of the table.
    """
    numbers = isinstance(value, dict) and all(
        isinstance(name, str) and (weight is None or type(weight) in (int, float)) for name, weight in value.items()
    )
    if not numbers:
        raise UserError(
            f'{plugin}: {attribute}: must be a dict of names and default weights, such as {{"gen_cycle": 10.0}}'
        )
    if repeated := [name for name in value if name in table]:
        raise UserError(f"{plugin}: {attribute}: {repeated[0]} is a loss of the toolkit; choose another name")
    return dict(value)
