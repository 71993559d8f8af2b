"""Fields that a plug-in's methods ask for, compared with those of the dataset before the plug-in is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.plugins.declared import Declared, declared
from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from experiment import Experiment


def check(experiment: Experiment, plugin: Path) -> Declared:
    """Make sure that the dataset has the fields that ``train_step`` and ``predict`` name as parameters.

    Methods that the source does not show are checked when the plug-in is built.

    Returns:
        What the plug-in's class declares.

    Raises:
        UserError: a field is missing.
    """
    roots = [Path(root) for root in experiment.environment.MODELS_ROOT]
    content = declared(plugin, Path(experiment.PROJECT_ROOT), roots)
    fields = dict.fromkeys(["input_image", "target", *experiment.manifest.fields])
    for method, known in (("train_step", [*fields, "step"]), ("predict", list(fields))):
        for name in content.parameters.get(method, ()):
            if name not in known:
                raise UserError(
                    f"{plugin}: {method}() asks for '{name}'{nearest(name, known)} (fields: {', '.join(known)})"
                )
    return content
