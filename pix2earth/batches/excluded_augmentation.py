"""Augmentation that a model cannot bear is switched off: the plug-in names it, the experiment need not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from experiment import Experiment

OFF: dict[str, float | bool] = {"random_resize": 1.0, "random_rotate": False, "random_mirror": False}
"""The keys of augmentation, with the values that switch them off."""
RESIZE = "random_resize"
FORMERLY_ON = {"residual_upsampler": ("random_resize",)}
"""Keys that a module of the toolkit excludes and former versions did not: runs that they started keep them on."""


def switch_off(experiment: Experiment, gan: Any, plugin: Path, *, former: bool = False) -> list[str]:
    """Switch off what the attribute ``excluded_augmentation`` of a plug-in names, among the keys of ``OFF``.

    The settings of the experiment stay as they are, only the attributes change, such as ``RANDOM_RESIZE``.

    Args:
        experiment: whose tiles are augmented.
        gan: the plug-in.
        plugin: its file.
        former: whether to do as former versions, for a run that one of them started.

    Returns:
        A line for each key that was on, or stays on although new runs switch it off.

    Raises:
        UserError: the attribute is no tuple or list of these keys.
    """
    names = getattr(gan, "excluded_augmentation", ())
    if not isinstance(names, (tuple, list)):
        raise UserError(f"{plugin}: excluded_augmentation: must be a tuple of {', '.join(OFF)}")
    lines = []
    if experiment.settings.start_from and experiment.RANDOM_RESIZE != OFF[RESIZE]:
        experiment.RANDOM_RESIZE = 1.0
        lines.append(
            f"{experiment.file}: {RESIZE}: is switched off: start_from needs the pixels as they are, not interpolated"
        )
    for name in names:
        if name not in OFF:
            raise UserError(
                f"{plugin}: excluded_augmentation: there is no '{name}'{nearest(str(name), OFF)} ({', '.join(OFF)})"
            )
        if getattr(experiment, name.upper()) == OFF[name]:
            continue
        if former and name in FORMERLY_ON.get(_excluding_module(gan), ()):
            lines.append(
                f"{experiment.file}: {name}: stays on, as a former version trained this run; new runs of {plugin.name}"
                " switch it off"
            )
            continue
        setattr(experiment, name.upper(), OFF[name])
        lines.append(f"{experiment.file}: {name}: is switched off, because {plugin.name} cannot bear it")
    return lines


def _excluding_module(gan: Any) -> str:
    """Return the name of the module, without its package, whose class states what is excluded; "" for an object."""
    if "excluded_augmentation" in getattr(gan, "__dict__", {}):
        return ""
    stating = (kind for kind in type(gan).__mro__ if "excluded_augmentation" in vars(kind))
    return next((kind.__module__.rpartition(".")[2] for kind in stating), "")
