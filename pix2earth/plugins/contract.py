"""Plug-ins: one Python file found by its exact name, and the contract that its class ``GAN`` keeps."""

from __future__ import annotations

import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pix2earth.plugins import legacy
from pix2earth.settings.errors import Mistake, nearest

if TYPE_CHECKING:
    from experiment import Experiment

TRACEBACK_VARIABLE = "PIX2EARTH_TRACEBACK"
REQUIRED = ("generator", "discriminator", "generator_optimizer", "discriminator_optimizer", "train_step")


def find(experiment: Experiment) -> Path:
    """Return the file of an experiment's plug-in. Imports nothing.

    Raises:
        Mistake: no folder has it, or several have.
    """
    folders = folders_of(experiment)
    for folder in folders:
        if not folder.is_dir():
            raise Mistake(f"{experiment.environment.path}: models_root: there is no folder {folder}")
    names = {path.stem for folder in folders for path in folder.glob("*.py")} - set(legacy.SUPPORT)
    found = [path for folder in folders if (path := folder / f"{experiment.MODEL_NAME}.py").is_file()]
    if not found or experiment.MODEL_NAME in legacy.SUPPORT:
        raise Mistake(
            f"{experiment.file}: model_name: there is no plug-in '{experiment.MODEL_NAME}'"
            f" in {' or '.join(map(str, folders))}{nearest(experiment.MODEL_NAME, names)}"
        )
    if len(found) > 1:
        raise Mistake(f"{experiment.file}: model_name: is ambiguous: {' and '.join(map(str, found))}; rename one")
    return found[0]


def folders_of(experiment: Experiment) -> list[Path]:
    """Return the folders in which an experiment's plug-in is looked for, each once: ``models_root``, ``models/``."""
    named = [*map(Path, experiment.environment.MODELS_ROOT), Path(experiment.PROJECT_ROOT) / "models"]
    return list({folder.resolve(): folder for folder in named}.values())


def load(path: Path) -> ModuleType:
    """Import one plug-in file, whatever its name; nothing else of its folder is imported.

    Raises:
        Mistake: the file cannot be imported; with its line.
    """
    name = f"plugins.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with blaming(path, "cannot be imported"):
        spec.loader.exec_module(module)
    return module


class blaming:
    """A block in which an exception is the plug-in's fault: it becomes a Mistake that names file and line."""

    def __init__(self, path: Path, what: str) -> None:
        """Say whose fault and in what."""
        self.path, self.what = path, what

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        """Turn an ordinary exception into a Mistake, unless the user asked for tracebacks."""
        if error is None or not isinstance(error, Exception) or isinstance(error, Mistake):
            return
        if os.environ.get(TRACEBACK_VARIABLE):
            return
        lines = [frame.lineno for frame in traceback.extract_tb(trace) if frame.filename == str(self.path)]
        # Errors inside a tf.function carry the plug-in's own traceback in their text, and their message last.
        lines += [int(line) for line in re.findall(rf'File "{re.escape(str(self.path))}", line (\d+)', str(error))]
        if isinstance(error, SyntaxError) and error.filename == str(self.path):
            lines = [error.lineno]
        place = f"{self.path}:{lines[-1]}" if lines else str(self.path)
        message = legacy.advice(str(error), reason(str(error)))
        kindly = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise Mistake(
            f"{place}: {self.what}: {kindly}{message} ({TRACEBACK_VARIABLE}=1 shows the traceback)"
        ) from error


def reason(text: str) -> str:
    """Return the telling part of an exception's text in one line, without what TensorFlow and Keras put around it."""
    paragraphs = re.sub(r"\x1b\[[0-9;]*m", "", text).strip().split("\n\n")
    nested = ("in user code", "Graph execution error")  # these tell where, and the message last
    index = len(paragraphs) - 1 if any(sign in paragraphs[0] for sign in nested) else 0
    for number, paragraph in enumerate(paragraphs[:-1]):
        if "Exception encountered when calling" in paragraph:
            index = number + 1
    return " ".join(paragraphs[index].partition("\n\t [[")[0].split())


def build(experiment: Experiment, path: Path) -> Any:
    """Return the plug-in's ``GAN(experiment)``, its optimisers built.

    Plug-ins written for the published program and Keras 2 are helped along, see ``pix2earth/plugins/legacy.py``.

    Raises:
        Mistake: the file has no class GAN, the constructor fails, or a part of the contract is missing.
    """
    legacy.offer_models(folders_of(experiment))
    with legacy.cures():
        module = load(path)
        if not inspect.isclass(getattr(module, "GAN", None)):
            raise Mistake(f"{path}: has no class GAN; see docs/add-a-model.md")
        with blaming(path, "GAN(experiment) fails"):
            gan = module.GAN(experiment)
    missing = [name for name in REQUIRED if not hasattr(gan, name)]
    if missing:
        raise Mistake(f"{path}: GAN lacks {', '.join(missing)}; see docs/add-a-model.md")
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


def wanted(function: Callable[..., Any]) -> list[str]:
    """Return the names of a method's parameters, through ``tf.function``."""
    plain = getattr(function, "python_function", function)
    return [name for name in inspect.signature(plain).parameters if name != "self"]


def bind(path: Path, method: str, names: Iterable[str], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a method of a plug-in asks for by its parameters' names.

    Raises:
        Mistake: it asks for a name that no field has.
    """
    names = list(names)
    for name in names:
        if name not in fields:
            raise Mistake(f"{path}: {method}() asks for '{name}'{nearest(name, fields)} (fields: {', '.join(fields)})")
    return {name: fields[name] for name in names}


def forward(gan: Any, path: Path, fields: Mapping[str, Any]) -> Any:
    """Return the plug-in's image for prepared fields: by its ``predict`` where it has one, else by its generator."""
    if not hasattr(gan, "predict"):
        return gan.generator(fields["input_image"], training=False)
    return gan.predict(**bind(path, "predict", wanted(gan.predict), fields))
