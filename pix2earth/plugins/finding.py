"""Search for the file of a plug-in by its exact name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pix2earth.plugins import legacy
from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from experiment import Experiment


def find(experiment: Experiment) -> Path:
    """Return the file of an experiment's plug-in, without importing it.

    Raises:
        UserError: no folder has it, or several have.
    """
    folders = folders_of(experiment)
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{experiment.environment.path}: models_root: there is no folder {folder}")
    names = {path.stem for folder in folders for path in folder.glob("*.py")} - set(legacy.SUPPORT)
    files = [path for folder in folders if (path := folder / f"{experiment.MODEL_NAME}.py").is_file()]
    if not files or experiment.MODEL_NAME in legacy.SUPPORT:
        raise UserError(
            f"{experiment.file}: model_name: there is no plug-in '{experiment.MODEL_NAME}'"
            f" in {' or '.join(map(str, folders))}{nearest(experiment.MODEL_NAME, names)}"
        )
    if len(files) > 1:
        raise UserError(f"{experiment.file}: model_name: is ambiguous: {' and '.join(map(str, files))}; rename one")
    return files[0]


def folders_of(experiment: Experiment) -> list[Path]:
    """Return the folders that are searched for an experiment's plug-in, each once: ``models_root``, ``models/``."""
    named = [*map(Path, experiment.environment.MODELS_ROOT), Path(experiment.PROJECT_ROOT) / "models"]
    return list({folder.resolve(): folder for folder in named}.values())
