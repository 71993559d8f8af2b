"""The contract that the class ``GAN`` of a plug-in keeps: importing the file, building it, calling its methods."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pix2earth.plugins import legacy
from pix2earth.plugins.failures import blaming
from pix2earth.plugins.finding import folders_of
from pix2earth.settings.errors import UserError, nearest

if TYPE_CHECKING:
    from experiment import Experiment

REQUIRED = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer", "train_step")


def load(path: Path) -> ModuleType:
    """Import one plug-in file, whatever its name; nothing else of its folder is imported.

    Raises:
        UserError: the file cannot be imported; with its line.
    """
    name = f"plugins.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with blaming(path, "cannot be imported"):
        spec.loader.exec_module(module)
    return module


def build(experiment: Experiment, path: Path) -> Any:
    """Return the plug-in's ``GAN(experiment)``, its optimisers built.

    Plug-ins written for the published program and Keras 2 are helped along, see ``pix2earth/plugins/legacy.py``.

    Raises:
        UserError: the file has no class GAN, the constructor fails, or a part of the contract is missing.
    """
    legacy.offer_models(folders_of(experiment))
    with legacy.cures():
        module = load(path)
        if not inspect.isclass(getattr(module, "GAN", None)):
            raise UserError(f"{path}: has no class GAN; see docs/add-a-model.md")
        with blaming(path, "GAN(experiment) fails"):
            gan = module.GAN(experiment)
    missing = [name for name in REQUIRED if not hasattr(gan, name)]
    if missing:
        raise UserError(f"{path}: GAN lacks {', '.join(missing)}; see docs/add-a-model.md")
    with blaming(path, "the optimisers cannot be built"):
        _build_optimizers(gan)
    return gan


def _build_optimizers(gan: Any) -> None:
    """Make the slots of every ``<network>_optimizer`` now: a checkpoint wants them before the first step."""
    for name, optimizer in vars(gan).items():
        network = getattr(gan, name.removesuffix("_optimizer"), None)
        if not name.endswith("_optimizer") or network is None:
            continue
        # Keras 2 keeps it private.
        if not getattr(optimizer, "built", getattr(optimizer, "_built", False)):
            optimizer.build(network.trainable_variables)


def parameters(function: Callable[..., Any]) -> list[str]:
    """Return the names of a method's parameters, through ``tf.function``."""
    plain = getattr(function, "python_function", function)
    return [name for name in inspect.signature(plain).parameters if name != "self"]


def bind(path: Path, method: str, names: Iterable[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a method of a plug-in asks for by its parameters' names.

    Raises:
        UserError: it asks for a name that no field has.
    """
    names = list(names)
    for name in names:
        if name not in fields:
            raise UserError(
                f"{path}: {method}() asks for '{name}'{nearest(name, fields)} (fields: {', '.join(fields)})"
            )
    return {name: fields[name] for name in names}


def forward(gan: Any, path: Path, fields: Mapping[str, Any]) -> Any:
    """Return the plug-in's image for prepared fields: by its ``predict`` where it has one, else by its generator."""
    if not hasattr(gan, "predict"):
        return gan.generator(fields["input_image"], training=False)
    return gan.predict(**bind(path, "predict", parameters(gan.predict), fields))
