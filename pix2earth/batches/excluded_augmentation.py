"""Augmentation that a model cannot bear is switched off: the plug-in names it, the experiment need not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from experiment import Experiment

OFF: dict[str, float | bool] = {"random_resize": 1.0, "random_rotate": False, "random_mirror": False}
"""The keys of augmentation, with the values that switch them off."""


def switch_off(experiment: Experiment, gan: Any, plugin: Path) -> list[str]:
    """Switch off what the attribute ``excluded_augmentation`` of a plug-in names, among the keys of ``OFF``.

    The settings of the experiment stay as they are, only the attributes change, such as ``RANDOM_RESIZE``.

    Args:
        experiment: whose tiles are augmented.
        gan: the plug-in.
        plugin: its file.

    Returns:
        A line for each key that was on.

    Raises:
        UserError: the attribute is no tuple or list of these keys.
    """
    names = getattr(gan, "excluded_augmentation", ())
    if not isinstance(names, (tuple, list)):
        raise UserError(f"{plugin}: excluded_augmentation: must be a tuple of {', '.join(OFF)}")
    lines = []
    for name in names:
        if name not in OFF:
            raise UserError(
                f"{plugin}: excluded_augmentation: there is no '{name}'{nearest(str(name), OFF)} ({', '.join(OFF)})"
            )
        if getattr(experiment, name.upper()) != OFF[name]:
            setattr(experiment, name.upper(), OFF[name])
            lines.append(f"{experiment.file}: {name}: is switched off, because {plugin.name} cannot bear it")
    return lines
